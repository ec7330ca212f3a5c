package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/pipeline"
)

// signal is a source of noise in memory, stereo.
type signal struct{ audiosep.Signal }

func newSignal(samples int) *signal {
	rng := rand.New(rand.NewPCG(1, 2))
	s := &signal{audiosep.Signal{Rate: 8000, Channels: 2, Data: [][]float64{make([]float64, samples), make([]float64, samples)}}}
	for _, d := range s.Data {
		for i := range d {
			d[i] = rng.Float64() - 0.5
		}
	}
	return s
}

// collect is a sink that keeps what it is given.
type collect struct {
	names     []string
	got       [][][]float64 // [source][layer][sample]
	committed bool
	closed    bool
	prepared  *audiosep.Head
}

func (c *collect) Prepare(_ context.Context, p audiosep.Plan) error { c.prepared = &p.Head; return nil }

func (c *collect) Create(_ context.Context, _ audiosep.Env, h audiosep.Head, sources []string) error {
	c.names = sources
	c.got = make([][][]float64, len(sources))
	for j := range c.got {
		c.got[j] = make([][]float64, h.Layers())
	}
	return nil
}

func (c *collect) Write(_ context.Context, source int, block [][]float64) error {
	for l, b := range block {
		c.got[source][l] = append(c.got[source][l], b...)
	}
	return nil
}
func (c *collect) Commit(context.Context) error { c.committed = true; return nil }
func (c *collect) Close() error                 { c.closed = true; return nil }

// define makes a stage without parameters of a value.
func define[S any](name string, s S) audiosep.Definition {
	return audiosep.Define(name, "A stage of a test.", struct{}{}, func(struct{}) (S, error) { return s, nil })
}

// run checks and runs a pipeline of test stages and real ones, and returns its sink.
func run(t *testing.T, o pipeline.Options, src audiosep.Source, stages string, extra ...audiosep.Definition) (*collect, error) {
	t.Helper()
	return runContext(context.Background(), t, o, src, stages, extra...)
}

func runContext(ctx context.Context, t *testing.T, o pipeline.Options, src audiosep.Source, stages string, extra ...audiosep.Definition) (*collect, error) {
	t.Helper()
	reg, sink := registry(), &collect{}
	for _, d := range append(extra, define("signal", src), define[audiosep.Sink]("collect", sink)) {
		if err := reg.Add(d); err != nil {
			t.Fatal(err)
		}
	}
	spec, err := pipeline.Parse("test.json", fmt.Appendf(nil, `{"audiosep": 1, "seed": 3, "stages": [{"use": "signal"}, %s, {"use": "collect"}]}`, stages))
	if err != nil {
		t.Fatal(err)
	}
	p, err := pipeline.Check(spec, reg)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := o.Watcher.(reporting); ok {
		p.Report = &pipeline.ReportSpec{Dir: t.TempDir()}
	}
	return sink, p.Run(ctx, o)
}

// reporting is a watcher of a run that has a report.
type reporting struct{ *watcher }

const nmf = `{"use": "is_nmf", "params": {"rank": 3, "iterations": 5}}, {"use": "wiener"}`

// TestSourcesSumToMixture runs whole pipelines over many framings and transforms.
func TestSourcesSumToMixture(t *testing.T) {
	src := newSignal(5003)
	for _, front := range []string{
		`{"use": "frame", "params": {"length": 200}}, {"use": "dct"}`,
		`{"use": "frame", "params": {"length": 200, "window": "tukey", "scale": "sum"}}, {"use": "dct", "params": {"type": 4}}`,
		`{"use": "frame", "params": {"length": 128, "overlap": 0.75, "window": "hann"}}, {"use": "stft", "params": {"size": 300}}`,
		`{"use": "frame", "params": {"length": 96, "hop": 48, "grids": 4}}, {"use": "dct"}`,
		`{"use": "frame", "params": {"length": 33, "hop": 7}}, {"use": "identity"}`,
	} {
		sink, err := run(t, pipeline.Options{Block: 10}, src, front+", "+nmf)
		if err != nil {
			t.Errorf("%s: %v", front, err)
			continue
		}
		if !sink.committed || !sink.closed || len(sink.got) != 3 {
			t.Errorf("%s: committed %v, closed %v, %d sources", front, sink.committed, sink.closed, len(sink.got))
		}
		for l, want := range src.Data {
			for i, x := range want {
				var sum float64
				for _, source := range sink.got {
					sum += source[l][i]
				}
				if math.Abs(sum-x) > 1e-12 {
					t.Fatalf("%s: layer %d, sample %d: the sources sum to %g; want %g", front, l, i, sum, x)
				}
			}
		}
	}
}

// TestSameBits holds results to be the same for any number of threads and any block size,
// and to differ with the seed.
func TestSameBits(t *testing.T) {
	src := newSignal(4001)
	stages := `{"use": "frame", "params": {"length": 120, "grids": 2}}, {"use": "stft"}, ` + nmf
	want, err := run(t, pipeline.Options{}, src, stages)
	if err != nil {
		t.Fatal(err)
	}
	for _, threads := range []int{1, 2, 5} {
		for _, block := range []int{1, 7, 256} {
			old := runtime.GOMAXPROCS(threads)
			got, err := run(t, pipeline.Options{Block: block}, src, stages)
			runtime.GOMAXPROCS(old)
			if err != nil {
				t.Fatal(err)
			}
			for j := range want.got {
				for l := range want.got[j] {
					if !slices.Equal(want.got[j][l], got.got[j][l]) {
						t.Fatalf("%d threads, blocks of %d: source %d differs", threads, block, j)
					}
				}
			}
		}
	}
	other, err := run(t, pipeline.Options{}, src, strings.Replace(stages, `"use": "is_nmf"`, `"use": "is_nmf", "id": "other"`, 1))
	if err != nil {
		t.Fatal(err)
	}
	if slices.Equal(want.got[0][0], other.got[0][0]) {
		t.Error("a stage of another id drew the same random numbers")
	}
}

type factorizerFunc func(context.Context, audiosep.Env, *mat.Dense, *audiosep.Factors) (*audiosep.Factors, error)

func (f factorizerFunc) Factorize(ctx context.Context, env audiosep.Env, v *mat.Dense, init *audiosep.Factors) (*audiosep.Factors, error) {
	return f(ctx, env, v, init)
}

// TestStageMisbehaves runs factorizers that break their contract: each costs a clear
// error that names the stage, and nothing is committed.
func TestStageMisbehaves(t *testing.T) {
	nan := func(r, c int) *mat.Dense { m := mat.NewDense(r, c, nil); m.Set(0, 0, math.NaN()); return m }
	for want, f := range map[string]factorizerFunc{
		"panicked: ouch": func(context.Context, audiosep.Env, *mat.Dense, *audiosep.Factors) (*audiosep.Factors, error) {
			panic("ouch")
		},
		"no factors": func(context.Context, audiosep.Env, *mat.Dense, *audiosep.Factors) (*audiosep.Factors, error) {
			return nil, nil
		},
		"W is 3×2": func(_ context.Context, _ audiosep.Env, v *mat.Dense, _ *audiosep.Factors) (*audiosep.Factors, error) {
			return &audiosep.Factors{W: mat.NewDense(3, 2, nil), H: mat.NewDense(2, 4, nil)}, nil
		},
		"W has NaN": func(_ context.Context, _ audiosep.Env, v *mat.Dense, _ *audiosep.Factors) (*audiosep.Factors, error) {
			f, n := v.Dims()
			return &audiosep.Factors{W: nan(f, 2), H: mat.NewDense(2, n, nil)}, nil
		},
		"no luck": func(context.Context, audiosep.Env, *mat.Dense, *audiosep.Factors) (*audiosep.Factors, error) {
			return nil, errors.New("no luck")
		},
	} {
		sink, err := run(t, pipeline.Options{}, newSignal(1000),
			`{"use": "frame", "params": {"length": 100}}, {"use": "dct"}, {"use": "broken", "id": "mine"}, {"use": "wiener"}`,
			define[audiosep.Factorizer]("broken", f))
		var stage *pipeline.StageError
		if !errors.As(err, &stage) || stage.ID != "mine" || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want an error of stage mine that says %q", err, want)
		}
		if sink.committed || !sink.closed || sink.prepared == nil {
			t.Errorf("%s: committed %v, closed %v, prepared %v", want, sink.committed, sink.closed, sink.prepared)
		}
	}
}

// TestNotFinite runs recordings with a NaN: the source is to blame, and told where.
func TestNotFinite(t *testing.T) {
	src := newSignal(1000)
	src.Data[1][321] = math.NaN()
	_, err := run(t, pipeline.Options{}, src, `{"use": "frame", "params": {"length": 100}}, {"use": "dct"}, `+nmf)
	if err == nil || err.Error() != `stage "signal": sample 321 of channel 1 is not a finite number` {
		t.Error(err)
	}
}

// TestCancel ends runs at many moments: the error is the context's, and nothing is kept.
func TestCancel(t *testing.T) {
	for after := range 12 {
		ctx, cancel := context.WithCancel(context.Background())
		w := &watcher{step: func(n int) {
			if n == after {
				cancel()
			}
		}}
		if after == 0 {
			cancel()
		}
		sink, err := runContext(ctx, t, pipeline.Options{Watcher: w, Block: 16}, newSignal(3000),
			`{"use": "frame", "params": {"length": 100}}, {"use": "dct"}, `+nmf)
		cancel()
		if w.n >= after && !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled at step %d: %v; want context.Canceled", after, err)
		}
		if sink.committed || !sink.closed {
			t.Errorf("cancelled at step %d: committed %v, closed %v", after, sink.committed, sink.closed)
		}
	}
}

// TestCancelledBetweenStages has stages that do not look at the context: once it is done no other
// begins.
func TestCancelledBetweenStages(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	began := 0
	stage := factorizerFunc(func(_ context.Context, _ audiosep.Env, v *mat.Dense, _ *audiosep.Factors) (*audiosep.Factors, error) {
		began++
		cancel()
		bins, cols := v.Dims()
		return &audiosep.Factors{W: mat.NewDense(bins, 1, nil), H: mat.NewDense(1, cols, nil)}, nil
	})
	sink, err := runContext(ctx, t, pipeline.Options{}, newSignal(1000),
		`{"use": "frame", "params": {"length": 100}}, {"use": "dct"}, {"use": "heedless", "id": "one"},
		{"use": "heedless", "id": "two", "in": {"power": "dct", "init_factors": "one"}}, {"use": "wiener", "in": {"factors": "two"}}`,
		define[audiosep.Factorizer]("heedless", stage))
	if !errors.Is(err, context.Canceled) || began != 1 || sink.committed {
		t.Errorf("%v, %d stages began, committed %v; want a cancellation after one", err, began, sink.committed)
	}
}

type watcher struct {
	mu    sync.Mutex
	n     int
	step  func(n int)
	ports []string
}

func (w *watcher) Port(r pipeline.Ref, c audiosep.Cargo, value any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ports = append(w.ports, fmt.Sprintf("%v %s", r, c))
}

func (w *watcher) Step(string, audiosep.Step) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.n++
	if w.step != nil {
		w.step(w.n)
	}
}

// TestWatcher lists what a watcher sees: the power where there is a report, as NMF does not have it
// whole.
func TestWatcher(t *testing.T) {
	for _, report := range []bool{false, true} {
		w := &watcher{}
		o := pipeline.Options{Watcher: w}
		want := []string{"signal.audio audio", "frame.frames frames", "dct.transform transform", "is_nmf.factors factors", "wiener.sources sources"}
		if report {
			o.Watcher, want = reporting{w}, slices.Insert(want, 3, "dct.power power")
		}
		if _, err := run(t, o, newSignal(1000), `{"use": "frame", "params": {"length": 100}}, {"use": "dct"}, `+nmf); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(w.ports, want) {
			t.Errorf("a watcher saw %v; want %v", w.ports, want)
		}
		if w.n == 0 {
			t.Error("a watcher saw no steps")
		}
	}
}

// TestSpecOfAProgram checks a spec that never was a text: its faults have no places.
func TestSpecOfAProgram(t *testing.T) {
	spec := &pipeline.Spec{Stages: []pipeline.StageSpec{
		{Use: "read_audio", ID: "read", Params: []byte(`{"files": ["a.wav"]}`)},
		{Use: "frame", ID: "frame", Params: []byte(`{"length": 0}`)},
		{Use: "dct", ID: "dct", In: map[string][]string{"frames": {"frame"}}},
	}}
	_, err := pipeline.Check(spec, registry())
	var problems pipeline.Problems
	if !errors.As(err, &problems) || len(problems) != 2 {
		t.Fatalf("%v; want two problems", err)
	}
	if p := problems[0]; p.Path != "/stages/1/params/length" || p.Line != 0 {
		t.Errorf("%+v; want the length of stage 1, without a line", p)
	}
}

// lending is a transform that lends memory and looks whether all it is given stands there.
type lending struct {
	audiosep.Transform
	t *testing.T

	mu    sync.Mutex
	out   map[*float64]int // the end of what is lent -> how many times
	calls int
}

func (l *lending) Lend(n int) ([]float64, func()) {
	x := make([]float64, n)
	for i := range x {
		x[i] = math.NaN() // whatever was there before
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.out[&x[n-1]]++
	return x, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.out[&x[n-1]]--
	}
}

func (l *lending) check(parts ...[]float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls++
	for _, x := range parts {
		if l.out[&x[:cap(x)][cap(x)-1]] != 1 {
			l.t.Error("numbers stand elsewhere than in lent memory")
		}
	}
}

func (l *lending) Forward(ctx context.Context, dst audiosep.Coefs, src []float64) error {
	l.check(dst.Re, src)
	return l.Transform.Forward(ctx, dst, src)
}

func (l *lending) Inverse(ctx context.Context, dst []float64, src audiosep.Coefs) error {
	l.check(src.Re, dst)
	return l.Transform.Inverse(ctx, dst, src)
}

type transformerFunc func(ctx context.Context, m int) (audiosep.Transform, error)

func (f transformerFunc) Transform(ctx context.Context, m int) (audiosep.Transform, error) {
	return f(ctx, m)
}

// TestLender works in the memory that a transform lends, gives all of it back, and gets the
// same bits as in memory of its own. All layers and sources of a block go in one call.
func TestLender(t *testing.T) {
	reverse := audiosep.PerFrame(func(int) (forward, inverse func(dst, src []float64), err error) {
		f := func(dst, src []float64) { copy(dst, src); slices.Reverse(dst) }
		return f, f, nil
	})
	var l *lending
	lends := transformerFunc(func(ctx context.Context, m int) (audiosep.Transform, error) {
		inner, err := reverse.Transform(ctx, m)
		l = &lending{Transform: inner, t: t, out: map[*float64]int{}}
		return l, err
	})
	src := newSignal(3000)
	stages := `{"use": "frame", "params": {"length": 100}}, {"use": "t"}, ` + nmf
	want, err := run(t, pipeline.Options{Block: 10}, src, stages, define[audiosep.Transformer]("t", reverse))
	if err != nil {
		t.Fatal(err)
	}
	got, err := run(t, pipeline.Options{Block: 10}, src, stages, define[audiosep.Transformer]("t", lends))
	if err != nil {
		t.Fatal(err)
	}
	for j := range want.got {
		for c := range want.got[j] {
			if !slices.Equal(want.got[j][c], got.got[j][c]) {
				t.Errorf("source %d, channel %d differs", j, c)
			}
		}
	}
	for _, n := range l.out {
		if n != 0 {
			t.Fatalf("memory was given back %d times; want once", 1-n)
		}
	}
	const blocks = 7 // of 61 frames
	if len(l.out) == 0 || l.calls != 3*blocks {
		t.Errorf("%d calls, %d loans; want %d calls: forward twice and inverse once for each block", l.calls, len(l.out), 3*blocks)
	}
}

// TestRunInMemory has the stems of a whole pipeline in memory, and what passed its ports.
func TestRunInMemory(t *testing.T) {
	src := newSignal(2000)
	spec, err := pipeline.Parse("test.json", []byte(`{"audiosep": 1, "seed": 3, "stages": [
		{"use": "read_audio", "params": {"files": ["nowhere.wav"]}}, {"use": "frame", "params": {"length": 100}}, {"use": "dct"}, `+nmf+`, {"use": "write_audio"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	p, err := pipeline.Check(spec, registry())
	if err != nil {
		t.Fatal(err)
	}
	r, err := p.RunInMemory(t.Context(), src, pipeline.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(r.Names, []string{"1", "2", "3"}) || len(r.Stems) != 3 {
		t.Fatalf("the sources are %v", r.Names)
	}
	for i, x := range src.Data[1] {
		if sum := r.Stems[0].Data[1][i] + r.Stems[1].Data[1][i] + r.Stems[2].Data[1][i]; math.Abs(sum-x) > 1e-12 {
			t.Fatalf("sample %d: the stems sum to %v; want %v", i, sum, x)
		}
	}
	f, ok := pipeline.Last[*audiosep.Factors](r)
	if framing, _ := pipeline.Last[audiosep.Framing](r); !ok || f.Rank() != 3 || framing.Length != 100 {
		t.Errorf("factors %v, framing %v passed", ok, framing.Length)
	}
}

// TestStemsTwice has two stages take the same stems: they are computed once, and alike.
func TestStemsTwice(t *testing.T) {
	src, calls := newSignal(3000), 0
	sink := &collect{}
	reg := registry()
	for _, d := range []audiosep.Definition{define("signal", audiosep.Source(src)), define[audiosep.Sink]("collect", sink), define[audiosep.Sink]("again", &collect{}), define("count", counted{&calls})} {
		if err := reg.Add(d); err != nil {
			t.Fatal(err)
		}
	}
	spec, err := pipeline.Parse("test.json", []byte(`{"audiosep": 1, "stages": [{"use": "signal"}, {"use": "frame"}, {"use": "stft"}, {"use": "hpss"}, {"use": "count"},
		{"use": "collect", "in": {"sources": "count"}}, {"use": "stem", "in": {"sources": "count"}, "params": {"source": "percussive"}},
		{"use": "frame", "id": "finer", "params": {"length": 64}}, {"use": "dct"}, {"use": "hpss", "id": "more", "params": {"frames": 5, "bins": 5}}, {"use": "again", "in": {"sources": "more"}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	p, err := pipeline.Check(spec, reg)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Run(t.Context(), pipeline.Options{}); err != nil {
		t.Fatal(err)
	}
	if calls != 1 || !slices.Equal(sink.names, []string{"harmonic", "percussive"}) || len(sink.got[1][0]) != 3000 {
		t.Errorf("the stems were computed %d times; want once. The names are %v", calls, sink.names)
	}
}

// counted passes stems on and counts how often they are computed.
type counted struct{ n *int }

type countedPorts struct {
	Sources audiosep.Stems `port:"sources"`
}

func (c counted) Run(_ context.Context, _ audiosep.Env, in countedPorts) (countedPorts, error) {
	return countedPorts{countedStems{in.Sources, c.n}}, nil
}

type countedStems struct {
	audiosep.Stems
	n *int
}

func (s countedStems) Each(ctx context.Context, write func(int, [][]float64) error) error {
	*s.n++
	return s.Stems.Each(ctx, write)
}

// withdrawing is a sink that can undo its Commit, or fails in it.
type withdrawing struct {
	collect
	fault  error
	undone int
}

func (w *withdrawing) Commit(ctx context.Context) error {
	return errors.Join(w.fault, w.collect.Commit(ctx))
}
func (w *withdrawing) Withdraw(context.Context) error { w.undone++; return nil }

// TestAllOrNothing has the second of three sinks fail when all is done: what the first has written
// goes again, and the third writes nothing.
func TestAllOrNothing(t *testing.T) {
	first, second := &withdrawing{}, &withdrawing{fault: errors.New("no space")}
	third, err := run(t, pipeline.Options{}, newSignal(1000), `{"use": "frame", "params": {"length": 100}}, {"use": "dct"}, `+nmf+`, {"use": "first"}, {"use": "second"}`,
		define[audiosep.Sink]("first", first), define[audiosep.Sink]("second", second))
	if err == nil || !strings.Contains(err.Error(), `stage "second": no space`) {
		t.Errorf("%v; want that the second failed", err)
	}
	if !first.committed || first.undone != 1 || second.undone != 0 || third.committed {
		t.Errorf("the first was undone %d times, the second %d times; the third was committed: %v; want 1, 0 and false", first.undone, second.undone, third.committed)
	}
}
