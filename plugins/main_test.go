//go:build unix

package plugins

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
)

// The test binary is also the plugins that the tests use: which one is in its name.
func TestMain(m *testing.M) {
	if name, ok := strings.CutPrefix(filepath.Base(os.Args[0]), prefix); ok {
		countStart()
		if bad, ok := badPlugins[name]; ok {
			bad()
		}
		if name == "talks" {
			fmt.Fprintf(os.Stderr, "one\r\ntwo\n%s\nthree", strings.Repeat("x", longestLine+2))
		}
		if name == "unshared" {
			os.Unsetenv(sharedEnv)
		}
		Serve(testStages...)
	}
	// A program built with -race waits a second before it exits, for other threads' races.
	os.Setenv("GORACE", os.Getenv("GORACE")+" atexit_sleep_ms=0")
	flag.Set("test.parallel", fmt.Sprint(4*runtime.GOMAXPROCS(0))) // they wait a lot; -parallel says otherwise
	os.Exit(withPython(m.Run))
}

// withPython has plugins in Python find the SDK, and env find the python3 that has what they need;
// what Python compiles is kept for the next plugin, and not in the repository. A host that a test
// starts has all that from the test.
func withPython(run func() int) int {
	const place = "PYTHONPYCACHEPREFIX"
	if os.Getenv(place) != "" {
		return run()
	}
	sdk, err := filepath.Abs("python")
	if err != nil {
		panic(err)
	}
	dir, err := os.MkdirTemp("", "audiosep-python-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	bin := filepath.Join(dir, "bin")
	if err := os.Mkdir(bin, 0o777); err != nil {
		panic(err)
	}
	if err := os.Symlink("/usr/bin/python3", filepath.Join(bin, "python3")); err != nil {
		panic(err)
	}
	os.Setenv("PYTHONPATH", sdk)
	os.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	os.Unsetenv("PYTHONDONTWRITEBYTECODE")
	os.Setenv(place, filepath.Join(dir, "compiled"))
	return run()
}

// testStages has a stage of every common shape, and some of others.
var testStages = []audiosep.Definition{
	audiosep.Define("ramp", "A ramp in every channel.", rampParams{Samples: 100, Channels: 2}, newRamp),
	audiosep.Define("half", "Sine windows, half overlapped.", struct{}{}, newHalf),
	audiosep.Define("reverse", "Frames read backwards. Real, F = M.", struct{}{}, newReverse),
	audiosep.Define("copy", "The frames themselves. Real, F = M.", struct{}{}, newCopy),
	audiosep.Define("padded", "DFT of the frame and as many zeros. Complex, F ≠ M.", struct{}{}, newPadded),
	audiosep.Define("learn", "The identity, or the start with its sign changed.", struct{}{}, newLearn),
	audiosep.Define("learn_odd", "A transform without a matrix.", struct{}{}, newLearnOdd),
	audiosep.Define("factor", "Random factors.", factorParams{Rank: 3}, newFactor),
	audiosep.Define("activate", "Wᵀ V.", struct{}{}, newActivate),
	audiosep.Define("joint", "The identity and random factors.", struct{}{}, newJoint),
	audiosep.Define("share", "Equal shares of the mixture.", struct{}{}, newShare),
	audiosep.Define("sum", "Writes the sum of all samples into a file.", sumParams{}, newSum),
	audiosep.Define("pass", "Gives back what it takes.", struct{}{}, func(struct{}) (pass, error) { return pass{}, nil }),
	audiosep.Define("wrap", "Everything doubled, read when it is read.", struct{}{}, func(struct{}) (doubled, error) { return doubled{}, nil }),
	audiosep.Define("blur", "The mean of five frames, and the rest.", struct{}{}, func(struct{}) (blur, error) { return blur{}, nil }, audiosep.Lazy, audiosep.Sums),
	audiosep.Define("chunks", "The mean of five samples of both channels, and the rest.", struct{}{}, func(struct{}) (chunks, error) { return chunks{}, nil }, audiosep.Lazy, audiosep.Sums),
	audiosep.Define("portion", "A half of the mixture, a quarter of it and so on, and the rest.", portion{Sources: 2, Rest: true}, func(p portion) (portion, error) { return p, nil }, audiosep.Lazy, audiosep.Sums),
	audiosep.Define("split", "The same for each component.", struct{}{}, func(struct{}) (audiosep.Separator, error) { return halves{}, nil }),
	audiosep.Define("mean", "The mean of recordings.", struct{}{}, func(struct{}) (mean, error) { return mean{}, nil }, audiosep.Lazy),
}

type rampParams struct {
	Samples  int `json:"samples" doc:"Length." min:"1" unit:"samples"`
	Channels int `json:"channels" doc:"Channels." min:"1"`
}

func (p rampParams) Validate() error {
	if p.Samples < p.Channels {
		return &audiosep.ParamError{Name: "samples", What: fmt.Sprintf("is %d; want at least the number of channels, %d", p.Samples, p.Channels), Hint: "use fewer channels"}
	}
	return nil
}

type ramp rampParams

func newRamp(p rampParams) (audiosep.Source, error) { return ramp(p), nil }

func (r ramp) Head(context.Context) (audiosep.Head, error) {
	return audiosep.Head{Rate: 8000, Samples: r.Samples, Channels: r.Channels, Realisations: 1, Names: []string{"ramp"}, Encoding: "int16"}, nil
}

func (r ramp) ReadAt(_ context.Context, dst [][]float64, at int) error {
	for l, d := range dst {
		for i := range d {
			d[i] = 0
			if t := at + i; t >= 0 && t < r.Samples {
				d[i] = float64(l+1) * float64(t) / float64(r.Samples)
			}
		}
	}
	return nil
}

type half struct{}

func newHalf(struct{}) (audiosep.Framer, error) { return half{}, nil }

func (half) Framing(_ context.Context, h audiosep.Head) (audiosep.Framing, error) {
	if h.Rate == 1 {
		return audiosep.Framing{}, errors.New("the rate is 1 Hz; want more")
	}
	f := audiosep.Framing{Head: h, Length: 8, Hop: 4, Pad: 4, Share: 2}
	for m := range f.Length {
		f.Analysis = append(f.Analysis, math.Sin((float64(m)+0.5)*math.Pi/8))
	}
	f.Synthesis = f.Analysis
	return f, nil
}

func newReverse(struct{}) (audiosep.Transformer, error) {
	return audiosep.PerFrame(func(int) (forward, inverse func(dst, src []float64), err error) {
		reverse := func(dst, src []float64) {
			for i, y := range src {
				dst[len(dst)-1-i] = y
			}
		}
		return reverse, reverse, nil
	}), nil
}

func newCopy(struct{}) (audiosep.Transformer, error) {
	return audiosep.PerFrame(func(int) (forward, inverse func(dst, src []float64), err error) {
		same := func(dst, src []float64) { copy(dst, src) }
		return same, same, nil
	}), nil
}

type padded struct {
	m        int
	cos, sin []float64 // of 2 m steps around the circle
}

func newPadded(struct{}) (audiosep.Transformer, error) { return padded{}, nil }

func (padded) Transform(_ context.Context, m int) (audiosep.Transform, error) {
	p := padded{m: m}
	for n := range 2 * m {
		s, c := math.Sincos(math.Pi * float64(n) / float64(m))
		p.cos, p.sin = append(p.cos, c), append(p.sin, s)
	}
	return p, nil
}

func (p padded) Len() int      { return p.m }
func (p padded) Bins() int     { return p.m + 1 }
func (p padded) Complex() bool { return true }

func (p padded) Forward(_ context.Context, dst audiosep.Coefs, src []float64) error {
	for i := range len(src) / p.m {
		for f := range p.m + 1 {
			re, im, at := 0.0, 0.0, 0
			for _, y := range src[i*p.m : (i+1)*p.m] {
				re, im = re+y*p.cos[at], im-y*p.sin[at]
				if at += f; at >= 2*p.m {
					at -= 2 * p.m
				}
			}
			dst.Re[i*(p.m+1)+f], dst.Im[i*(p.m+1)+f] = re, im
		}
	}
	return nil
}

func (p padded) Inverse(_ context.Context, dst []float64, src audiosep.Coefs) error {
	for i := range len(dst) / p.m {
		for n := range p.m {
			sum, at := 0.0, 0
			for f := range p.m + 1 {
				w := 2.0
				if f == 0 || f == p.m {
					w = 1
				}
				sum += w * (src.Re[i*(p.m+1)+f]*p.cos[at] - src.Im[i*(p.m+1)+f]*p.sin[at])
				if at += n; at >= 2*p.m {
					at -= 2 * p.m
				}
			}
			dst[i*p.m+n] = sum / float64(2*p.m)
		}
	}
	return nil
}

type learn struct{}

func newLearn(struct{}) (audiosep.TransformLearner, error) { return learn{}, nil }

func (learn) LearnTransform(_ context.Context, env audiosep.Env, y *audiosep.Frames, init audiosep.Transform) (audiosep.Transform, error) {
	env.Report(audiosep.Step{Done: 1, Of: 2, Objective: 7})
	env.Logger().With("from", "plugin").Warn("halfway", "first", y.First)
	phi := mat.NewDense(y.Length, y.Length, nil)
	for i := range y.Length {
		phi.Set(i, i, 1)
	}
	if m, ok := init.(audiosep.MatrixTransform); ok {
		phi.Scale(-1, m.Phi())
	}
	return audiosep.NewMatrixTransform(phi)
}

type learnOdd struct{}

func newLearnOdd(struct{}) (audiosep.TransformLearner, error) { return learnOdd{}, nil }

func (learnOdd) LearnTransform(ctx context.Context, _ audiosep.Env, y *audiosep.Frames, _ audiosep.Transform) (audiosep.Transform, error) {
	return padded{}.Transform(ctx, y.Length)
}

type factorParams struct {
	Rank int `json:"rank" doc:"Components." min:"1" max:"64"`
}

type factor factorParams

func newFactor(p factorParams) (audiosep.Factorizer, error) { return factor(p), nil }

func (p factor) Factorize(ctx context.Context, env audiosep.Env, v *mat.Dense, init *audiosep.Factors) (*audiosep.Factors, error) {
	rows, cols := v.Dims()
	rng := env.Rand("start")
	f := &audiosep.Factors{W: mat.NewDense(rows, p.Rank, nil), H: mat.NewDense(p.Rank, cols, nil), Objective: []float64{3, 2, 1}, Stop: "it was enough"}
	for _, m := range []*mat.Dense{f.W, f.H} {
		for i := range m.RawMatrix().Data {
			m.RawMatrix().Data[i] = rng.Float64() + v.At(0, 0)
		}
	}
	if init != nil && init.W != nil {
		f.W = init.W
	}
	for i := range 3 {
		env.Report(audiosep.Step{Done: i + 1, Of: 3, Objective: f.Objective[i]})
	}
	return f, ctx.Err()
}

type activate struct{}

func newActivate(struct{}) (audiosep.Activator, error) { return activate{}, nil }

func (activate) Activate(_ context.Context, dst, v, w *mat.Dense) error {
	dst.Mul(w.T(), v)
	return nil
}

type joint struct{}

func newJoint(struct{}) (audiosep.JointLearner, error) { return joint{}, nil }

func (joint) LearnJointly(ctx context.Context, env audiosep.Env, y *audiosep.Frames, init audiosep.Model) (audiosep.Model, error) {
	t, err := learn{}.LearnTransform(ctx, env, y, init.Transform)
	if err != nil {
		return audiosep.Model{}, err
	}
	v := mat.NewDense(y.Length, y.N/y.Share, nil)
	f, err := factor{Rank: 2}.Factorize(ctx, env, v, init.Factors)
	return audiosep.Model{Transform: t, Factors: f, Framing: &y.Framing}, err
}

type share struct{}

func newShare(struct{}) (audiosep.Separator, error) { return share{}, nil }

func (share) Group(_ context.Context, _ audiosep.Env, f *audiosep.Factors) ([]audiosep.Group, error) {
	groups := make([]audiosep.Group, f.Rank())
	for k := range groups {
		groups[k] = audiosep.Group{Name: fmt.Sprint("part", k), Components: []int{k}}
	}
	return groups, nil
}

func (share) Separate(_ context.Context, dst []audiosep.Coefs, x audiosep.Coefs, f *audiosep.Factors, groups []audiosep.Group) error {
	bins, _ := f.W.Dims()
	for j := range dst {
		for i := range x.Re {
			dst[j].Re[i] = x.Re[i] * f.H.At(j, i/bins) * f.W.At(i%bins, j)
		}
		for i := range x.Im {
			dst[j].Im[i] = -x.Im[i] * f.H.At(j, i/bins)
		}
	}
	return nil
}

type sumParams struct {
	File string `json:"file" doc:"Where to." file:"out"`
}

type sum struct {
	file  string
	total float64
	names string
}

func newSum(p sumParams) (audiosep.Sink, error) { return &sum{file: p.File}, nil }

func (s *sum) Prepare(context.Context, audiosep.Plan) error {
	if _, err := os.Stat(s.file); err == nil {
		return fmt.Errorf("%s is there already", s.file)
	}
	return nil
}

func (s *sum) Create(_ context.Context, env audiosep.Env, _ audiosep.Head, sources []string) error {
	env.Logger().Info("creating")
	s.names = strings.Join(sources, "+")
	return os.WriteFile(s.file+".part", nil, 0o644)
}

func (s *sum) Write(_ context.Context, source int, block [][]float64) error {
	for _, row := range block {
		for _, y := range row {
			s.total += float64(source+1) * y
		}
	}
	return nil
}

func (s *sum) Commit(context.Context) error {
	if err := os.WriteFile(s.file+".part", fmt.Appendf(nil, "%s %v", s.names, s.total), 0o644); err != nil {
		return err
	}
	return os.Rename(s.file+".part", s.file)
}

func (s *sum) Close() error {
	os.Remove(s.file + ".part")
	return nil
}
