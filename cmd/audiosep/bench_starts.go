package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/factorizers"
	"github.com/audiosep/audiosep/transforms"
)

// startsBench holds the updates warm and accelerated against mm from the same starts.
type startsBench struct {
	data       string
	starts     int
	first      uint64 // seed
	iterations int
	updates    []string
	stems      bool
}

func startsCommand() *cobra.Command {
	b := startsBench{iterations: 200}
	cmd := &cobra.Command{
		Use:   "starts [is] [kl] [euclidean]",
		Short: "Hold accelerated updates of NMF against plain ones, from many random starts",
		Long: `Run NMF of K 8 from random starts with each update and with mm, on generated powers and,
with --data or AUDIOSEP_DATA, on the first 10 s of recordings, and print by how much the
objective differs from that of mm in the time that mm takes for 50, 100 and 200
iterations, and in how much of that time it comes to where 200 of mm end. V is a power for is
and a magnitude for kl and euclidean (power 1), as they are mostly used, and no run ends
before its iterations are done (tol 0).

Time is work: iterations, each weighed by what one takes in processor time, of mm or
accelerated, in the mean over all starts on the same V. So another run on a busier machine
prints nearly the same, if there are many starts: of few the mean is of short runs.

With --stems, instead, each recording that has stems is separated, the best that a
choice of components can do: the mean SI-SDR in dB of the stems, with the defaults of the
stages but for the update and power, as above, and 5 components a stem.`,
		ValidArgs: startsKinds,
		Args:      someOf("divergence", startsKinds),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := b.check(); err != nil {
				return err
			}
			if b.data == "" {
				b.data = os.Getenv("AUDIOSEP_DATA")
			}
			if len(args) == 0 {
				args = startsKinds
			}
			run := b.objectives
			if b.stems {
				run = b.separations
			}
			if err := run(cmd.Context(), cmd.OutOrStdout(), args); err != nil {
				if cmd.Context().Err() != nil {
					return cmd.Context().Err()
				}
				return &runError{err}
			}
			return nil
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&b.data, "data", "", "`DIR` with recordings, as DIR/NAME/mix.wav or DIR/audio/NAME/mix.wav (default: $AUDIOSEP_DATA)")
	fl.IntVar(&b.starts, "starts", 100, "`N` starts of each divergence, shared among all V; with --stems, of each recording")
	fl.Uint64Var(&b.first, "seed", 0, "the `SEED` of the first start on each V; the others follow")
	fl.StringSliceVar(&b.updates, "updates", []string{"warm", "accelerated"}, "`UPDATES` to be held against mm; mm/float32 is mm with that precision")
	fl.BoolVar(&b.stems, "stems", false, "compare separations instead of objectives")
	return cmd
}

// check says what is wrong with the flags.
func (b *startsBench) check() error {
	if b.starts < 1 {
		return fmt.Errorf("--starts is %d; want at least 1", b.starts)
	}
	if len(b.updates) == 0 {
		return errors.New("--updates is empty; want updates such as warm,accelerated")
	}
	for _, update := range b.updates {
		p := nmfParams(startsRank, b.iterations)
		setUpdate(&p, update)
		if err := audiosep.CheckStruct(p); err != nil {
			return fmt.Errorf("--updates has %q: %w", update, err)
		}
	}
	return nil
}

// startsKinds are the divergences, with β and the power that V is usually of.
var startsKinds = []string{"is", "kl", "euclidean"}

func startsKind(name string) (beta float64, power int) {
	if name == "is" {
		return 0, 2
	}
	return float64(slices.Index(startsKinds, name)), 1
}

// startsProblem is a V.
type startsProblem struct {
	name string
	v    *mat.Dense
}

// generatedProblems are V of several shapes: of a rank exactly and nearly, with dense and sparse
// factors.
func generatedProblems() (all []startsProblem) {
	for i, shape := range [][2]int{{60, 120}, {100, 200}, {200, 100}, {150, 300}, {257, 200}, {80, 400}} {
		rng := benchRand(uint64(100 + i))
		factor := func(rows, cols int) *mat.Dense {
			a := mat.NewDense(rows, cols, nil)
			for j := range a.RawMatrix().Data {
				a.RawMatrix().Data[j] = math.Pow(rng.ExpFloat64(), float64(1+2*(i%2))) // sparse is odd
			}
			return a
		}
		v := new(mat.Dense)
		v.Mul(factor(shape[0], 3+i), factor(3+i, shape[1]))
		for j := range v.RawMatrix().Data {
			if i < 4 {
				v.RawMatrix().Data[j] *= rng.ExpFloat64() // the power of a complex normal number
			}
		}
		all = append(all, startsProblem{fmt.Sprintf("generated %d", i+1), v})
	}
	return all
}

// mixes returns the files mix.wav of a folder of recordings, none where there is no folder.
func mixes(data string) (files []string, err error) {
	if data == "" {
		return nil, nil
	}
	for _, pattern := range []string{filepath.Join(data, "audio", "*", "mix.wav"), filepath.Join(data, "*", "mix.wav")} {
		if files, err = filepath.Glob(pattern); err != nil || len(files) > 0 {
			return files, err
		}
	}
	return nil, fmt.Errorf("%s has no recordings; want NAME/mix.wav in it, or in its folder audio", data)
}

// firstChannel reads the first channel of a file, up to so many seconds.
func firstChannel(file string, seconds int) (*audiosep.Signal, error) {
	s, _, err := audio.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return &audiosep.Signal{Rate: s.Rate, Channels: 1, Data: [][]float64{s.Data[0][:min(len(s.Data[0]), seconds*s.Rate)]}}, nil
}

// recordedProblems are spectrograms of frames of 1024, half a frame apart.
func recordedProblems(ctx context.Context, data string) (all []startsProblem, err error) {
	files, err := mixes(data)
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		s, err := firstChannel(file, 10)
		if err != nil {
			return nil, err
		}
		x, err := transforms.STFT(ctx, s, transforms.Frame(1024, 0.5, "hann"))
		if err != nil {
			return nil, err
		}
		v, err := audiosep.PowerOf(x, nil).V(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, startsProblem{filepath.Base(filepath.Dir(file)), v})
	}
	return all, nil
}

// startsRank is K.
const startsRank = 8

// startsAt are the iterations of mm after whose time objectives are compared.
var startsAt = []int{50, 100, 200}

func (b *startsBench) objectives(ctx context.Context, out io.Writer, kinds []string) error {
	problems, err := recordedProblems(ctx, b.data)
	if err != nil {
		return err
	}
	problems = append(problems, generatedProblems()...)
	each := max(1, (b.starts+len(problems)-1)/len(problems))
	fmt.Fprintf(out, "%d starts on each of %d V, %d of them recorded; the objective beside that of mm in the same time\n\n", each, len(problems), len(problems)-len(generatedProblems()))
	fmt.Fprintf(out, "| divergence, update | time of mm | higher | by > 0.1 %% | by > 1 %% | worst | median | best | time to mm's %d: median, most |\n|---|---|---|---|---|---|---|---|---|\n", b.iterations)
	for _, kind := range kinds {
		tallies := make([]startsTally, len(b.updates))
		for _, p := range problems {
			if err := b.compare(ctx, kind, p.v, each, tallies); err != nil {
				return fmt.Errorf("%s, %s: %w", kind, p.name, err)
			}
		}
		for i, update := range b.updates {
			tallies[i].print(out, kind+", "+update)
		}
	}
	return nil
}

// startsRuns are the objectives of runs on one V, and the processor time of all.
type startsRuns struct {
	objective  [][]float64
	seconds    float64
	iterations int
}

func (b *startsBench) runs(ctx context.Context, kind, update string, v *mat.Dense, starts int) (r startsRuns, err error) {
	beta, power := startsKind(kind)
	p := nmfParams(startsRank, b.iterations)
	p.Power = power
	setUpdate(&p, update)
	nmf, err := factorizers.NewNMF(beta, p)
	if err != nil {
		return r, err
	}
	for seed := range starts {
		before := processorTime()
		f, err := nmf.Factorize(ctx, audiosep.Env{Seed: b.first + uint64(seed)}, v, nil)
		if err != nil {
			return r, err
		}
		r.seconds += (processorTime() - before).Seconds()
		r.iterations += len(f.Objective)
		r.objective = append(r.objective, f.Objective)
	}
	return r, nil
}

// setUpdate sets an update or, as in mm/float32, also the precision.
func setUpdate(p *factorizers.NMFParams, update string) {
	name, precision, ok := strings.Cut(update, "/")
	if p.Update = name; ok {
		p.Precision = precision
	}
}

// compare adds what each update comes to on v to its tally.
func (b *startsBench) compare(ctx context.Context, kind string, v *mat.Dense, starts int, tallies []startsTally) error {
	mm, err := b.runs(ctx, kind, "mm", v, starts)
	if err != nil {
		return err
	}
	for i, update := range b.updates {
		r, err := b.runs(ctx, kind, update, v, starts)
		if err != nil {
			return err
		}
		plain := 0 // iterations of each run that are those of mm
		if update == "warm" {
			plain = commonIterations(mm.objective, r.objective)
		}
		// What an accelerated iteration takes in iterations of mm.
		one := mm.seconds / float64(mm.iterations)
		cost := max(1, (r.seconds-one*float64(plain*starts))/float64(max(1, r.iterations-plain*starts))/one)
		for s := range starts {
			tallies[i].add(mm.objective[s], r.objective[s], plain, cost)
		}
	}
	return nil
}

// commonIterations returns after how many iterations the objectives still are the same in all runs.
func commonIterations(a, b [][]float64) int {
	least := math.MaxInt
	for s := range a {
		n := 0
		for n < min(len(a[s]), len(b[s])) && a[s][n] == b[s][n] {
			n++
		}
		least = min(least, n)
	}
	return least
}

// startsTally is how an update compares with mm over starts.
type startsTally struct {
	log    [3][]float64 // of the quotient of objectives, at startsAt
	sooner []float64    // time to where mm ends, in parts of the time that mm takes
}

// add adds a start. An iteration beyond the plain ones takes the time of cost iterations of mm.
func (t *startsTally) add(mm, other []float64, plain int, cost float64) {
	for i, at := range startsAt {
		n := at
		if at > plain {
			n = plain + int(float64(at-plain)/cost)
		}
		a, b := mm[min(at, len(mm))-1], other[min(max(1, n), len(other))-1]
		t.log[i] = append(t.log[i], math.Log(b/a))
	}
	at := slices.IndexFunc(other, func(x float64) bool { return x <= mm[len(mm)-1] })
	if at < 0 {
		t.sooner = append(t.sooner, math.Inf(1))
		return
	}
	time := float64(at + 1)
	if at >= plain {
		time = float64(plain) + float64(at+1-plain)*cost
	}
	t.sooner = append(t.sooner, time/float64(len(mm)))
}

func (t *startsTally) print(out io.Writer, what string) {
	slices.Sort(t.sooner)
	for i, at := range startsAt {
		d := t.log[i]
		slices.Sort(d)
		above := func(x float64) int { return len(d) - len(d[:countUpTo(d, x)]) }
		percent := func(x float64) string { return fmt.Sprintf("%+.3f %%", 100*math.Expm1(x)) }
		end := ""
		if i == len(startsAt)-1 {
			end = fmt.Sprintf("%.2f, %.2f", t.sooner[len(t.sooner)/2], t.sooner[len(t.sooner)-1])
		}
		fmt.Fprintf(out, "| %s | %d iterations | %d of %d | %d | %d | %s | %s | %s | %s |\n", what, at,
			above(1e-6), len(d), above(1e-3), above(1e-2), percent(d[len(d)-1]), percent(d[len(d)/2]), percent(d[0]), end)
	}
}

// countUpTo returns how many of sorted numbers are at most x.
func countUpTo(sorted []float64, x float64) int {
	n := 0
	for n < len(sorted) && sorted[n] <= x {
		n++
	}
	return n
}
