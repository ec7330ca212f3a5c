package main

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// plan says how much is run. What is made with seed s, be it ten recordings or one, is
// what synth_notes makes with it, and is separated with it, so that every figure of the
// report can be had from audiosep run too.
type plan struct {
	Seed   uint64
	Quick  bool
	Starts int // of equation 9

	Table   []trial // as in Table II, DCT-NMF and TL-NMF being the first two
	Beyond  []trial // the same with more grids, and then with a lower floor
	Frames  []trial // other frames, each length with DCT-NMF, then TL-NMF
	Singles []trial // one recording at a time
}

// trial is a method that is run on several scenes of so many realisations.
type trial struct {
	method
	Runs, Realisations int
}

var (
	dct = method{"DCT-NMF", "dct-nmf.json", nil}
	tl  = method{"TL-NMF", "tl-nmf.json", nil}
	jd  = method{"joint diagonalisation + NMF", "jd-nmf.json", nil}
)

// newPlan is the whole report, or a quick one with fewer recordings.
func newPlan(seed uint64, quick bool) plan {
	experiments, many, few, fewest := 5, 100, 20, 3
	if quick {
		experiments, many, few, fewest = 2, 10, 2, 1
	}
	const realisations = 10
	tls := func(name string, set ...string) method { return tl.with("TL-NMF, "+name, set...) }
	return plan{
		Seed: seed, Quick: quick, Starts: 20,
		Table: trials(experiments, realisations, dct, tl,
			dct.with("DCT-I-NMF", "dct.type=1"),
			dct.with("DCT-III-NMF", "dct.type=3"),
			dct.with("DCT-IV-NMF", "dct.type=4"),
			jd),
		Beyond: trials(experiments, realisations,
			dct.with("DCT-NMF, S = 10", "frame.grids=10"),
			tls("S = 4", "frame.grids=4"),
			tls("S = 10", "frame.grids=10"),
			tls("S = 10, eps = 5e-8", "frame.grids=10", "tl_nmf.eps=5e-8", "wiener.eps=5e-8")),
		Frames: slices.Concat(
			otherFrames(fewest, 200, "0.1"), otherFrames(fewest, 400, "0.1"),
			otherFrames(fewest, 600, "1"), otherFrames(fewest, 800, "1")),
		Singles: slices.Concat(
			trials(many, 1, tls("one random start"), tls("S = 2", "frame.grids=2"), tls("S = 4", "frame.grids=4")),
			trials(few, 1,
				tls("S = 10", "frame.grids=10"),
				tls("the best of 8 random starts", "tl_nmf.restarts=8"),
				tls("from the DCT", "tl_nmf.start=dct"),
				tls("from joint diagonalisation", "tl_nmf.start=joint_diagonalization"),
				jd.with(jd.Name, "joint_diagonalization.block=10"),
				dct)),
	}
}

func trials(runs, realisations int, methods ...method) (t []trial) {
	for _, m := range methods {
		t = append(t, trial{m, runs, realisations})
	}
	return t
}

// otherFrames are DCT-NMF and TL-NMF on frames of another length and window, on ten grids
// and with the floors that suit them: that of the masks can be lower than that of the
// learner, which finds bad minima when its own is too low.
func otherFrames(runs, length int, alpha string) []trial {
	name := fmt.Sprintf("M = %d, %s", length, map[string]string{"0.1": "Tukey (0.1)", "1": "Hann"}[alpha])
	frames := []string{fmt.Sprintf("frame.length=%d", length), "frame.alpha=" + alpha, "frame.grids=10"}
	best := method{File: "tl-nmf-best.json"}
	return trials(runs, 1,
		dct.with("DCT-NMF, "+name, append(frames, "is_nmf.eps=1e-10", "wiener.eps=1e-10")...),
		best.with("TL-NMF, "+name, frames...))
}

// row is what a method made of several scenes.
type row struct {
	trial
	Scores []score // [experiment]
	Agree  []int   // [experiment] starts that found the least objective; 0 where one was tried
	Oracle []score // [experiment] of masks that know the sources, under the same transform
}

// results is all that the report tells: a row of a table for each trial of the plan.
type results struct {
	Plan  plan
	Eq9   *equation9
	First example // the first experiment

	Table, Beyond, Frames, Singles []*row
}

// example is a scene with what two methods made of it, for the figures.
type example struct {
	Scene scene
	DCT   learnt
	TL    learnt
}

// learnt is an outcome with its score.
type learnt struct {
	*outcome
	Score score
}

// job is a part of the work that needs no other part.
type job struct {
	name string
	do   func(ctx context.Context) error
}

// run does all that the plan says. done is told of every job that has ended, from any
// goroutine. Results depend on neither the number of processors nor the order of jobs.
func (p plan) run(ctx context.Context, done func(n, of int, name string)) (*results, error) {
	r := &results{Plan: p}
	jobs := r.jobs()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	var ended atomic.Int64
	for _, j := range jobs {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := j.do(ctx); err != nil {
				return fmt.Errorf("%s: %w", j.name, err)
			}
			done(int(ended.Add(1)), len(jobs), j.name)
			return nil
		})
	}
	return r, group.Wait()
}

func (r *results) jobs() []job {
	p := r.Plan
	jobs := []job{{"equation 9", func(ctx context.Context) (err error) {
		r.Eq9, err = newEquation9(ctx, p.Seed, p.Starts)
		return err
	}}}
	for _, table := range []struct {
		rows   *[]*row
		trials []trial
	}{{&r.Frames, p.Frames}, {&r.Beyond, p.Beyond}, {&r.Table, p.Table}, {&r.Singles, p.Singles}} { // the longest first
		for _, t := range table.trials {
			jobs = append(jobs, r.row(table.rows, t)...)
		}
	}
	return jobs
}

// row adds a row to a table and returns the jobs that fill it.
func (r *results) row(table *[]*row, t trial) []job {
	filled := &row{trial: t, Scores: make([]score, t.Runs), Agree: make([]int, t.Runs), Oracle: make([]score, t.Runs)}
	*table = append(*table, filled)
	var jobs []job
	for e := range t.Runs {
		jobs = append(jobs, job{fmt.Sprintf("%s, %d of %d", t.Name, e+1, t.Runs), func(ctx context.Context) error {
			seed := r.Plan.Seed + uint64(e)
			s, err := newScene(seed, t.Realisations)
			if err != nil {
				return err
			}
			out, err := t.run(ctx, seed, s.Mix)
			if err != nil {
				return err
			}
			filled.Scores[e], err = s.evaluate(ctx, out.Sources)
			if err != nil {
				return err
			}
			filled.Agree[e] = agreeing(out.Model.Factors.Restarts)
			if e == 0 && table == &r.Table {
				r.keep(t.Name, s, learnt{out, filled.Scores[0]})
			}
			filled.Oracle[e], err = out.oracle(ctx, s)
			return err
		}})
	}
	return jobs
}

// keep keeps what the figures show of the first experiment.
func (r *results) keep(name string, s scene, l learnt) {
	switch name {
	case dct.Name:
		r.First.Scene, r.First.DCT = s, l
	case tl.Name:
		r.First.TL = l
	}
}

// sameObjective is the difference of two objectives, as part of one, below which two
// starts are said to have found the same minimum.
const sameObjective = 2e-5

// agreeing counts the starts whose objective is the least.
func agreeing(objectives []float64) (n int) {
	least := math.Inf(1)
	for _, c := range objectives {
		least = min(least, c)
	}
	for _, c := range objectives {
		if c-least <= sameObjective*math.Abs(least) {
			n++
		}
	}
	return n
}

// Spread returns the mean over the experiments, with its deviation, of a ratio of a
// source, each experiment being the mean over its realisations.
func (r *row) Spread(source, ratio int) spread {
	x := make([]float64, len(r.Scores))
	for e, s := range r.Scores {
		x[e] = s.Mean()[source][ratio]
	}
	return spreadOf(x)
}
