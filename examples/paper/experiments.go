package main

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// plan says how much is run. What is made with seed s, be it ten recordings or one, is
// what synth_notes makes with it, and is separated with it, so that every figure of the
// report can be had from audiosep run too.
type plan struct {
	Seed         uint64
	Experiments  int // as in Table II
	Realisations int // of each
	Many, Few    int // single recordings, for quick methods and for slow ones
	Starts       int // of equation 9
}

var (
	fullPlan  = plan{Seed: 1, Experiments: 5, Realisations: 10, Many: 100, Few: 20, Starts: 20}
	quickPlan = plan{Seed: 1, Experiments: 2, Realisations: 10, Many: 4, Few: 2, Starts: 5}
)

// The methods: those of the paper, those that the paper names in passing, and what goes
// beyond it.
var (
	dct  = method{"DCT-NMF", "dct-nmf.json", nil}
	dct1 = dct.with("DCT-I-NMF", "dct.type=1")
	dct3 = dct.with("DCT-III-NMF", "dct.type=3")
	dct4 = dct.with("DCT-IV-NMF", "dct.type=4")
	tl   = method{"TL-NMF", "tl-nmf.json", nil}
	jd   = method{"joint diagonalisation + NMF", "jd-nmf.json", nil}

	tableMethods  = []method{dct, tl, dct1, dct3, dct4, jd}
	beyondMethods = []method{
		dct.with("DCT-NMF, S = 10", "frame.grids=10"),
		tl.with("TL-NMF, S = 4", "frame.grids=4"),
		tl.with("TL-NMF, S = 10", "frame.grids=10"),
	}
	singleMethods = []method{
		tl.with("TL-NMF, one random start"),
		tl.with("TL-NMF, S = 2", "frame.grids=2"),
		tl.with("TL-NMF, S = 4", "frame.grids=4"),
	}
	slowSingleMethods = []method{
		dct.with("DCT-NMF"),
		tl.with("TL-NMF, the best of 8 random starts", "tl_nmf.restarts=8"),
		tl.with("TL-NMF, from the DCT", "tl_nmf.start=dct"),
		tl.with("TL-NMF, from joint diagonalisation", "tl_nmf.start=joint_diagonalization"),
		jd.with("joint diagonalisation + NMF", "joint_diagonalization.block=10"),
		tl.with("TL-NMF, S = 10", "frame.grids=10"),
	}
)

// row is what a method made of several scenes.
type row struct {
	Method method
	Scores []score // [experiment]
	Agree  []int   // [experiment] starts that found the least objective; 0 where one was tried
	Oracle []score // [experiment] of masks that know the sources, under the same transform; nil if not asked for
}

// results is all that the report tells.
type results struct {
	Plan    plan
	Eq9     *equation9
	First   example // the first experiment
	Table   []*row
	Beyond  []*row
	Singles []*row
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
	for _, m := range beyondMethods {
		jobs = append(jobs, r.row(&r.Beyond, m, p.Experiments, p.Realisations)...)
	}
	for _, m := range tableMethods {
		jobs = append(jobs, r.row(&r.Table, m, p.Experiments, p.Realisations)...)
	}
	for _, m := range slowSingleMethods {
		jobs = append(jobs, r.row(&r.Singles, m, p.Few, 1)...)
	}
	for _, m := range singleMethods {
		jobs = append(jobs, r.row(&r.Singles, m, p.Many, 1)...)
	}
	return jobs
}

// row adds a row to a table and returns the jobs that fill it. A row of several
// realisations is told what masks that know the sources would reach.
func (r *results) row(table *[]*row, m method, experiments, realisations int) []job {
	oracle := realisations > 1
	filled := &row{Method: m, Scores: make([]score, experiments), Agree: make([]int, experiments), Oracle: make([]score, experiments)}
	*table = append(*table, filled)
	var jobs []job
	for e := range experiments {
		jobs = append(jobs, job{fmt.Sprintf("%s, %d of %d", m.Name, e+1, experiments), func(ctx context.Context) error {
			seed := r.Plan.Seed + uint64(e)
			s, err := newScene(seed, realisations)
			if err != nil {
				return err
			}
			out, err := m.run(ctx, seed, s.Mix)
			if err != nil {
				return err
			}
			filled.Scores[e], err = s.evaluate(ctx, out.Sources)
			if err != nil {
				return err
			}
			filled.Agree[e] = agreeing(out.Model.Factors.Restarts)
			if e == 0 && oracle {
				r.keep(m, s, learnt{out, filled.Scores[0]})
			}
			if oracle {
				filled.Oracle[e], err = out.oracle(ctx, s)
			}
			return err
		}})
	}
	return jobs
}

// keep keeps what the figures show of the first experiment.
func (r *results) keep(m method, s scene, l learnt) {
	switch m.Name {
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
