package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/factorizers"
	"github.com/audiosep/audiosep/internal/kernel"
	"github.com/audiosep/audiosep/internal/npy"
	"github.com/audiosep/audiosep/metrics"
	"github.com/audiosep/audiosep/pipeline"
	"github.com/audiosep/audiosep/separators"
	"github.com/audiosep/audiosep/transforms"
)

// benchRow is one thing to be timed.
type benchRow struct {
	name, doc string
	work      benchWork
	// prepare makes what the work is done on, and returns the work.
	prepare func(ctx context.Context) (func() (benchRun, error), error)
}

// benchWork says how much work a run is. What is 0 is not told.
type benchWork struct {
	operations float64 // on floating-point numbers
	sound      float64 // seconds
}

// benchRun is what a run says of itself.
type benchRun struct {
	seconds, cpu float64 // where not all of the run is meant
	note         string
}

func benchRows() []benchRow {
	var rows []benchRow
	for _, g := range gemmShapes {
		rows = append(rows, gemmRow(g))
	}
	for _, m := range []int{200, 440, 441, 1024, 2048} {
		rows = append(rows, fftRows(m)...)
	}
	rows = append(rows,
		nmfRow("is", "Itakura-Saito", 0, 12, "float64"), nmfRow("kl", "Kullback-Leibler", 1, 8, "float64"), nmfRow("euclidean", "Euclidean", 2, 4, "float64"),
		nmfRow("is", "Itakura-Saito", 0, 12, "float32"), nmfRow("kl", "Kullback-Leibler", 1, 8, "float32"), nmfRow("euclidean", "Euclidean", 2, 4, "float32"),
		acceleratedRow("kl", 1, "warm", "float64"), acceleratedRow("euclidean", 2, "warm", "float64"),
		acceleratedRow("is", 0, "accelerated", "float64"), acceleratedRow("kl", 1, "accelerated", "float64"), acceleratedRow("euclidean", 2, "accelerated", "float64"),
		acceleratedRow("is", 0, "accelerated", "float32"), acceleratedRow("kl", 1, "accelerated", "float32"), acceleratedRow("euclidean", 2, "accelerated", "float32"),
		paperRow(), isRow(), gcmRow(), descentRow(), maskRow(),
		evalRow("v3", "with matching", metrics.V3Sources), evalRow("v4", "in the order given", metrics.V4),
		startRow())
	return slices.Concat(rows, methodRows(), roomRows(), netRows())
}

type gemmShape struct {
	tA, tB  blas.Transpose
	m, k, n int
}

// The shapes of the learners.
var gemmShapes = []gemmShape{
	{blas.NoTrans, blas.NoTrans, 200, 200, 1510}, {blas.NoTrans, blas.Trans, 200, 1510, 200},
	{blas.NoTrans, blas.NoTrans, 440, 440, 5419}, {blas.NoTrans, blas.Trans, 440, 5419, 440},
	{blas.NoTrans, blas.NoTrans, 1024, 1024, 2600}, {blas.NoTrans, blas.Trans, 1024, 2600, 1024},
	{blas.NoTrans, blas.NoTrans, 513, 2, 2329},
	{blas.NoTrans, blas.NoTrans, 513, 10, 2329}, {blas.Trans, blas.NoTrans, 10, 513, 2329}, {blas.NoTrans, blas.Trans, 513, 2329, 10},
	{blas.NoTrans, blas.NoTrans, 513, 100, 2329}, {blas.Trans, blas.NoTrans, 100, 513, 2329}, {blas.NoTrans, blas.Trans, 513, 2329, 100},
}

func gemmRow(g gemmShape) benchRow {
	matrix := func(seed uint64, rows, cols int, t blas.Transpose) blas64.General {
		if t != blas.NoTrans {
			rows, cols = cols, rows
		}
		return blas64.General{Rows: rows, Cols: cols, Stride: cols, Data: noise(seed, rows*cols)}
	}
	return benchRow{
		name: fmt.Sprintf("gemm/%c%c/%dx%dx%d", g.tA, g.tB, g.m, g.k, g.n),
		doc:  "product of matrices, m×k by k×n; N as it stands, T transposed",
		work: benchWork{operations: 2 * float64(g.m) * float64(g.k) * float64(g.n)},
		prepare: func(context.Context) (func() (benchRun, error), error) {
			a, b, c := matrix(1, g.m, g.k, g.tA), matrix(2, g.k, g.n, g.tB), matrix(3, g.m, g.n, blas.NoTrans)
			return func() (benchRun, error) {
				kernel.Gemm(g.tA, g.tB, 1, a, b, 0, c)
				return benchRun{}, nil
			}, nil
		},
	}
}

const fftFrames = 1024

func fftRows(m int) []benchRow {
	row := func(name, doc string, operations float64, plan func() (audiosep.Transformer, error), inverse bool) benchRow {
		return benchRow{
			name: fmt.Sprintf("fft/%s/%d", name, m), doc: fmt.Sprintf("%s of %d frames", doc, fftFrames),
			work: benchWork{operations: fftFrames * operations},
			prepare: func(ctx context.Context) (func() (benchRun, error), error) {
				p, err := plan()
				if err != nil {
					return nil, err
				}
				t, err := p.Transform(ctx, m)
				if err != nil {
					return nil, err
				}
				y, x := noise(1, fftFrames*m), audiosep.MakeCoefs(t, fftFrames)
				if err := t.Forward(ctx, x, y); err != nil {
					return nil, err
				}
				return func() (benchRun, error) {
					if inverse {
						return benchRun{}, t.Inverse(ctx, y, x)
					}
					return benchRun{}, t.Forward(ctx, x, y)
				}, nil
			},
		}
	}
	// The customary counts, whatever an algorithm makes of it.
	n := float64(m)
	real, cosine := 2.5*n*math.Log2(n), 2.5*n*math.Log2(n)+3*n
	stft := func() (audiosep.Transformer, error) { return transforms.NewSTFT(transforms.STFTParams{}) }
	dct := func(kind int) func() (audiosep.Transformer, error) {
		return func() (audiosep.Transformer, error) { return transforms.NewDCT(transforms.DCTParams{Type: kind}) }
	}
	return []benchRow{
		row("real", "DFT", real, stft, false), row("inverse", "inverse DFT", real, stft, true),
		row("dct2", "DCT-II", cosine, dct(2), false), row("dct4", "DCT-IV", cosine, dct(4), false),
	}
}

// The size of the rows of NMF, about a minute of sound.
const nmfBins, nmfColumns, nmfRank, nmfIterations = 513, 2329, 10, 200

func nmfRow(name, divergence string, beta, operations float64, precision string) benchRow {
	name, doc := inPrecision(precision, "nmf/"+name, fmt.Sprintf("NMF, %s, %d×%d, K %d, %d iterations", divergence, nmfBins, nmfColumns, nmfRank, nmfIterations))
	return benchRow{
		name: name, doc: doc,
		work: benchWork{operations: operations * nmfBins * nmfColumns * nmfRank * nmfIterations},
		prepare: func(ctx context.Context) (func() (benchRun, error), error) {
			return nmfWork(ctx, beta, nmfBins, nmfColumns, nmfRank, nmfIterations, precision)
		},
	}
}

// inPrecision returns the name and doc of a row with those of a precision.
func inPrecision(precision, name, doc string) (string, string) {
	if precision == "float64" {
		return name, doc
	}
	return name + "/" + precision, doc + ", precision " + precision
}

func nmfParams(rank, iterations int) factorizers.NMFParams {
	return factorizers.NMFParams{
		Rank: rank, Iterations: iterations, Eps: 1e-10, Update: "mm", Start: "random", Restarts: 1, Use: "both", Fix: "none", Power: 2, Precision: "float64",
	}
}

func nmfWork(ctx context.Context, beta float64, bins, columns, rank, iterations int, precision string) (func() (benchRun, error), error) {
	v := powers(1, bins, columns)
	p := nmfParams(rank, iterations)
	p.Precision = precision
	nmf, err := factorizers.NewNMF(beta, p)
	return func() (benchRun, error) {
		f, err := nmf.Factorize(ctx, audiosep.Env{Seed: 1}, v, nil)
		if err != nil {
			return benchRun{}, err
		}
		run := benchRun{}
		if n := len(f.Objective); n < iterations {
			run.note = fmt.Sprintf("ended after %d iterations: %s", n, f.Stop)
		}
		return run, nil
	}, err
}

// acceleratedRow times accelerated updates, warm or at once, to where the others come in all of their
// iterations, or, with AUDIOSEP_NMF, to where a peer came from the same start.
func acceleratedRow(name string, beta float64, update, precision string) benchRow {
	name, doc := inPrecision(precision, "nmf/"+name+"/"+update, fmt.Sprintf("the same with update "+update+", until D is what mm comes to in %d iterations", nmfIterations))
	return benchRow{
		name: name, doc: doc,
		prepare: func(ctx context.Context) (func() (benchRun, error), error) {
			problem, err := nmfProblem(ctx, beta)
			return func() (run benchRun, err error) {
				p := nmfParams(nmfRank, 5*nmfIterations)
				p.Update, p.Precision = update, precision
				d, err := problem.descend(ctx, p)
				if err != nil {
					return run, err
				}
				at := d.to(problem.target)
				if at < 0 {
					return run, fmt.Errorf("%d iterations end at D = %g; want %g", len(d.objective), d.last(), problem.target)
				}
				return benchRun{d.seconds[at], d.cpu[at], fmt.Sprintf("to D ≤ %.6g in iteration %d", problem.target, at+1)}, nil
			}, err
		},
	}
}

// An nmfGoal is a factorisation, where it starts and the objective that it is to reach.
type nmfGoal struct {
	beta   float64
	v      *mat.Dense
	start  *audiosep.Factors
	target float64
}

// nmfProblem returns what the folder AUDIOSEP_NMF holds, v.npy, w.npy, h.npy and the
// objective in d.npy, or else generated powers and what mm comes to.
func nmfProblem(ctx context.Context, beta float64) (*nmfGoal, error) {
	g := &nmfGoal{beta: beta, v: powers(1, nmfBins, nmfColumns)}
	folder := os.Getenv("AUDIOSEP_NMF")
	if folder == "" {
		d, err := g.descend(ctx, nmfParams(nmfRank, nmfIterations))
		if err == nil {
			g.target = d.last()
		}
		return g, err
	}
	var all [4]*mat.Dense
	for i, name := range []string{"v", "w", "h", "d"} {
		var err error
		if all[i], err = npy.ReadMatrix(filepath.Join(folder, name+".npy")); err != nil {
			return nil, err
		}
	}
	g.v, g.start, g.target = all[0], &audiosep.Factors{W: all[1], H: all[2]}, all[3].At(0, 0)
	return g, nil
}

// descend runs to the target, or all iterations where there is none.
func (g *nmfGoal) descend(ctx context.Context, p factorizers.NMFParams) (descent, error) {
	nmf, err := factorizers.NewNMF(g.beta, p)
	if err != nil {
		return descent{}, err
	}
	reached := func(d descent) bool { return d.last() <= g.target }
	return follow(ctx, reached, func(ctx context.Context, note func(audiosep.Step)) error {
		_, err := nmf.Factorize(ctx, audiosep.Env{Seed: 1, Progress: note}, g.v, g.start)
		return err
	})
}

// tlParams are the defaults of tl_nmf with a rank and a number of iterations.
func tlParams(rank, iterations int) factorizers.TLNMFParams {
	return factorizers.TLNMFParams{
		Rank: rank, Iterations: iterations, Tol: 1e-7, Eps: 5e-7, MMSteps: 10, Update: "momentum", PhiSteps: 1, Solver: "auto",
		Curvature: "corrected", Objective: "gcm", Start: "random", StartBlock: 10, Restarts: 1, Fix: "none",
	}
}

// descent is the objectives of a learner and when it came to each.
type descent struct {
	seconds, cpu, objective []float64
}

// follow notes the steps that run tells of, and stops it after one that is enough.
func follow(ctx context.Context, enough func(descent) bool, run func(context.Context, func(audiosep.Step)) error) (d descent, err error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	stopped := false
	start, cpu := time.Now(), processorTime()
	err = run(ctx, func(s audiosep.Step) {
		d.seconds = append(d.seconds, time.Since(start).Seconds())
		d.cpu = append(d.cpu, (processorTime() - cpu).Seconds())
		d.objective = append(d.objective, s.Objective)
		if enough(d) {
			stopped = true
			stop()
		}
	})
	if stopped && errors.Is(err, context.Canceled) {
		err = nil
	}
	return d, err
}

func learn(ctx context.Context, p factorizers.TLNMFParams, seed uint64, y *audiosep.Frames) (descent, error) {
	return learnUntil(ctx, p, seed, y, func(descent) bool { return false })
}

func learnUntil(ctx context.Context, p factorizers.TLNMFParams, seed uint64, y *audiosep.Frames, enough func(descent) bool) (descent, error) {
	learner, err := factorizers.NewTLNMF(p)
	if err != nil {
		return descent{}, err
	}
	return follow(ctx, enough, func(ctx context.Context, note func(audiosep.Step)) error {
		_, err := learner.LearnJointly(ctx, audiosep.Env{Seed: seed, Progress: note}, y, audiosep.Model{})
		return err
	})
}

func (d descent) last() float64 { return d.objective[len(d.objective)-1] }

// to returns the first iteration after which the objective was at most c, -1 if none.
func (d descent) to(c float64) int {
	return slices.IndexFunc(d.objective, func(o float64) bool { return o <= c })
}

// published is the objective at which the paper's code ends on the first of its
// simulations, after 88 iterations.
const published = -202748.65

func paperRow() benchRow {
	const starts = 5
	return benchRow{
		name: "tl_nmf/paper", doc: "TL-NMF of the paper's simulation, M 200, N 151, R 10, K 2, from random starts, until C is within 1e-4 of its last value (with AUDIOSEP_DATA: of its sim1, until C is what the published code reaches)",
		prepare: func(ctx context.Context) (func() (benchRun, error), error) {
			y, isPublished, err := paperFrames(ctx)
			return func() (run benchRun, err error) {
				for seed := range uint64(starts) {
					d, err := learn(ctx, tlParams(2, 500), seed+1, y)
					if err != nil {
						return run, err
					}
					target := d.last() + 1e-4*math.Abs(d.last())
					if isPublished {
						target = published
					}
					at := d.to(target)
					if at < 0 {
						return run, fmt.Errorf("seed %d ends at C = %.2f; want %.2f", seed+1, d.last(), target)
					}
					run.seconds += d.seconds[at] / starts
					run.cpu += d.cpu[at] / starts
					run.note = fmt.Sprintf("mean of %d starts, to C ≤ %.2f", starts, target)
				}
				return run, nil
			}, err
		},
	}
}

func isRow() benchRow {
	return benchRow{
		name: "tl_nmf/is", doc: "TL-NMF, Itakura-Saito objective with L1, M 440, N 5419, K 10 (108 s of generated notes at 11 kHz), until C is within 10 % of its value after 30 iterations",
		prepare: func(ctx context.Context) (func() (benchRun, error), error) {
			y, err := cut(ctx, 11025, 440, 5419, 1)
			if err != nil {
				return nil, err
			}
			scale := math.Pow(floats.Sum(y.Analysis), 2) // by which eps and l1 are relative to the window
			p := tlParams(10, 30)
			p.Objective, p.Tol, p.Eps, p.L1 = "is", 0, 1e-15, 1e6*10/440*scale
			return func() (benchRun, error) {
				d, err := learn(ctx, p, 1, y)
				if err != nil {
					return benchRun{}, err
				}
				target := d.last() + 0.1*math.Abs(d.last())
				at := d.to(target)
				return benchRun{d.seconds[at], d.cpu[at], fmt.Sprintf("to C ≤ %.4g in iteration %d; %.2f s for all 30", target, at+1, d.seconds[len(d.seconds)-1])}, nil
			}, nil
		},
	}
}

func gcmRow() benchRow {
	return benchRow{
		name: "tl_nmf/gcm", doc: "TL-NMF, M 1024, N 2600, K 10, 20 iterations from a DCT",
		prepare: func(ctx context.Context) (func() (benchRun, error), error) {
			y, err := cut(ctx, 44100, 1024, 2600, 1)
			p := tlParams(10, 20)
			p.Start, p.Tol = "dct", 0
			return func() (benchRun, error) {
				d, err := learn(ctx, p, 1, y)
				if err != nil {
					return benchRun{}, err
				}
				return benchRun{note: fmt.Sprintf("to C = %.6g", d.last())}, nil
			}, err
		},
	}
}

// descentRow is gcmRow's problem until some processor time is over, with what it is
// measured against: the steps of Φ of the published code, with the same updates of W and H
// and with plain ones.
func descentRow() benchRow {
	return benchRow{
		name: "tl_nmf/descent", doc: "C of tl_nmf/gcm after 1 to 16 s of processor time, beside the published quasi-Newton steps of Φ, with W and H updated alike and by plain majorisation-minimisation",
		prepare: func(ctx context.Context) (func() (benchRun, error), error) {
			y, err := cut(ctx, 44100, 1024, 2600, 1)
			return func() (run benchRun, err error) {
				run.note = fmt.Sprintf("\n%-34s", "  C after processor seconds")
				for _, s := range descentTimes {
					run.note += fmt.Sprintf("  %9g", s)
				}
				for _, update := range []string{"", "momentum", "mm"} {
					name, p := "tl_nmf", tlParams(10, 1e9)
					p.Start, p.Tol = "dct", 0
					if update != "" {
						name = "quasi-Newton, update " + update
						p.Solver, p.Curvature, p.Update = "quasi_newton", "published", update
					}
					d, err := learnUntil(ctx, p, 1, y, func(d descent) bool {
						return d.cpu[len(d.cpu)-1] > descentTimes[len(descentTimes)-1]
					})
					if err != nil {
						return run, err
					}
					run.note += fmt.Sprintf("\n  %-32s", name) + d.table()
				}
				return run, nil
			}, err
		},
	}
}

// descentTimes are processor seconds, each twice the one before.
var descentTimes = []float64{1, 2, 4, 8, 16}

// table returns C at each of descentTimes.
func (d descent) table() (s string) {
	for _, t := range descentTimes {
		at := slices.IndexFunc(d.cpu, func(x float64) bool { return x > t })
		if at < 0 {
			at = len(d.cpu)
		}
		if at == 0 {
			s += fmt.Sprintf("  %9s", "-")
		} else {
			s += fmt.Sprintf("  %9.0f", d.objective[at-1])
		}
	}
	return s
}

// A pipeline of memory: a recording, a model and a sink that keeps nothing.
type (
	givenModel struct{ audiosep.Model }
	noSink     struct{}
)

func (m givenModel) ReadModel(context.Context) (audiosep.Model, error) { return m.Model, nil }

func (noSink) Create(context.Context, audiosep.Env, audiosep.Head, []string) error { return nil }
func (noSink) Write(context.Context, int, [][]float64) error                       { return nil }
func (noSink) Commit(context.Context) error                                        { return nil }
func (noSink) Close() error                                                        { return nil }

const maskSpec = `{"audiosep": 1, "stages": [
	{"use": "sound"}, {"use": "frame", "params": {"length": 2048, "hop": 512, "window": "hann"}}, {"use": "stft"},
	{"use": "model"}, {"use": "wiener", "in": {"factors": "model.factors", "coefs": "stft.coefs"}}, {"use": "nowhere"}]}`

func maskRow() benchRow {
	const seconds, rate, length, hop = 60, 44100, 2048, 512
	frames := float64(seconds * rate / hop)
	one := 2.5 * length * math.Log2(length)
	return benchRow{
		name: "stft", doc: "STFT, Wiener masks of two sources, inverse, 60 s of stereo at 44.1 kHz, frames of 2048 every 512, as a pipeline",
		work: benchWork{operations: 2 * frames * 3 * one, sound: seconds},
		prepare: func(ctx context.Context) (func() (benchRun, error), error) {
			return maskWork(ctx, music(1, rate, 2, seconds*rate), length, hop)
		},
	}
}

// maskWork runs maskSpec on a signal.
func maskWork(ctx context.Context, s *audiosep.Signal, length, hop int) (func() (benchRun, error), error) {
	columns := (len(s.Data[0])+length-hop-1)/hop + 1
	w, h := powers(1, length/2+1, 2), powers(2, 2, columns)
	registry := pipeline.NewRegistry(transforms.Stages, separators.Stages, []audiosep.Definition{
		audiosep.Define("sound", "A recording in memory.", struct{}{}, func(struct{}) (audiosep.Source, error) { return s, nil }),
		audiosep.Define("model", "Factors in memory.", struct{}{}, func(struct{}) (audiosep.ModelReader, error) {
			return givenModel{audiosep.Model{Factors: &audiosep.Factors{W: w, H: h}}}, nil
		}),
		audiosep.Define("nowhere", "Keeps nothing.", struct{}{}, func(struct{}) (audiosep.Sink, error) { return noSink{}, nil }),
	})
	spec, err := pipeline.Parse("bench", []byte(maskSpec))
	if err != nil {
		return nil, err
	}
	p, err := pipeline.Check(spec, registry)
	return func() (benchRun, error) { return benchRun{}, p.Run(ctx, pipeline.Options{}) }, err
}

func evalRow(name, order string, c metrics.Convention) benchRow {
	const seconds, rate = 60, 44100
	return benchRow{
		name: "eval/" + name, doc: fmt.Sprintf("%s, 4 sources, 60 s of mono at 44.1 kHz, %s", c, order),
		work: benchWork{sound: seconds},
		prepare: func(ctx context.Context) (func() (benchRun, error), error) {
			refs, ests := stems(4, seconds*rate)
			return func() (benchRun, error) {
				_, err := metrics.Evaluate(ctx, refs, ests, nil, metrics.Options{Convention: c})
				return benchRun{}, err
			}, nil
		},
	}
}

func startRow() benchRow {
	return benchRow{
		name: "start", doc: "audiosep version, from its start to its end",
		prepare: func(ctx context.Context) (func() (benchRun, error), error) {
			program, err := os.Executable()
			return func() (benchRun, error) {
				cmd := exec.CommandContext(ctx, program, "version")
				if err := cmd.Run(); err != nil {
					return benchRun{}, err
				}
				return benchRun{cpu: (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()}, nil
			}, err
		},
	}
}
