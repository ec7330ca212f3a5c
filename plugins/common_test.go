//go:build unix

package plugins

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
)

// needPython skips a test where Python or what the SDK needs is missing.
func needPython(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("plugins in Python take long to start")
	}
	if err := askPython(); err != nil {
		t.Skipf("no /usr/bin/python3 with numpy, grpcio and protobuf: %v", err)
	}
}

// askPython tells whether Python has what plugins need.
var askPython = sync.OnceValue(func() error {
	out, err := exec.Command("/usr/bin/python3", "-c", "import numpy, grpc, google.protobuf").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w %s", err, out)
	}
	return err
})

// A way is one of those in which a stage can run. Sums that numpy and Go do in another
// order may differ by tol.
type way struct {
	name string
	tol  float64
	host func(t *testing.T) (h *Host, plugin string)
}

var ways = []way{
	{"go", 0, func(t *testing.T) (*Host, string) { return newTestHost(t, Options{}, "good"), "good" }},
	{"go/messages", 0, func(t *testing.T) (*Host, string) { return newTestHost(t, Options{}, "unshared"), "unshared" }},
	{"go/encrypted", 0, func(t *testing.T) (*Host, string) {
		return newTestHost(t, Options{encrypted: true}, "good"), "good"
	}},
	{"python", 1e-14, func(t *testing.T) (*Host, string) {
		needPython(t)
		h := NewHost(Options{Folders: []string{"testdata"}})
		t.Cleanup(func() { h.Close() })
		oneProcess(t, h, "snakes")
		return h, "snakes"
	}},
}

// local builds a test stage within the test.
func local[S any](t *testing.T, stage, params string) S {
	t.Helper()
	return compiled(t, stage, params).stage.(S)
}

// eachWay has the values of a test go every way to a plugin and back, the ways beside each other.
func eachWay(t *testing.T, do func(t *testing.T, h *Host, plugin string, tol float64)) {
	t.Parallel() // plugins wait a lot
	for _, w := range ways {
		if testing.Short() && (w.name == "go/encrypted" || w.name == "go/messages") && t.Name() != "TestTransformer" {
			continue // the same values go another way
		}
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			h, plugin := w.host(t)
			do(t, h, plugin, w.tol)
		})
	}
}

func same(t *testing.T, what string, got, want []float64, tol float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d numbers; want %d", what, len(got), len(want))
	}
	for i, w := range want {
		if !(math.Abs(got[i]-w) <= tol*max(1, math.Abs(w))) {
			t.Fatalf("%s: number %d is %v; want %v", what, i, got[i], w)
		}
	}
}

func sameChannels(t *testing.T, what string, got, want [][]float64, tol float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d channels; want %d", what, len(got), len(want))
	}
	for c := range want {
		same(t, what, got[c], want[c], tol)
	}
}

func random(name string, n int) []float64 {
	rng := audiosep.Env{}.Rand(name)
	x := make([]float64, n)
	for i := range x {
		x[i] = rng.Float64()
	}
	return x
}

func TestDescribe(t *testing.T) {
	eachWay(t, func(t *testing.T, h *Host, plugin string, _ float64) {
		defs, err := h.Describe(t.Context(), plugin)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]audiosep.Definition{}
		for _, d := range defs {
			got[d.Name] = d
		}
		for _, want := range testStages {
			d := got[plugin+"/"+want.Name]
			if d.Origin == "" {
				t.Errorf("%s has no origin", d.Name)
			}
			d.Name, d.Origin, d.Version, d.Build, want.Build, d.Run, want.Run = want.Name, "", "", nil, nil, nil, nil
			if diff := cmp.Diff(want, d, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s differs (-compiled in +plugin):\n%s", d.Name, diff)
			}
		}
	})
}

func TestTransformer(t *testing.T) {
	eachWay(t, func(t *testing.T, h *Host, plugin string, tol float64) {
		for _, stage := range []string{"reverse", "padded"} {
			remote := build[audiosep.Transformer](t, h, plugin, stage, "{}")
			for _, m := range []int{1, 5, 64} {
				for _, n := range []int{0, 1, 7, 6000} {
					if stage == "padded" && m*n > 6000 {
						continue // it is slow
					}
					checkTransform(t, remote, local[audiosep.Transformer](t, stage, "{}"), m, n, tol)
				}
			}
		}
	})
}

func checkTransform(t *testing.T, remote, local audiosep.Transformer, m, n int, tol float64) {
	t.Helper()
	a, err := remote.Transform(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	b, err := local.Transform(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	if a.Len() != b.Len() || a.Bins() != b.Bins() || a.Complex() != b.Complex() {
		t.Fatalf("transform %d %d %v; want %d %d %v", a.Len(), a.Bins(), a.Complex(), b.Len(), b.Bins(), b.Complex())
	}
	y := random("y", m*n)
	saved := append([]float64(nil), y...)
	x, want := audiosep.MakeCoefs(a, n), audiosep.MakeCoefs(b, n)
	if err := a.Forward(t.Context(), x, y); err != nil {
		t.Fatal(err)
	}
	b.Forward(t.Context(), want, y)
	same(t, "re", x.Re, want.Re, 100*tol)
	same(t, "im", x.Im, want.Im, 100*tol)
	back, wantBack := make([]float64, m*n), make([]float64, m*n)
	if err := a.Inverse(t.Context(), back, want); err != nil {
		t.Fatal(err)
	}
	b.Inverse(t.Context(), wantBack, want)
	same(t, "inverse", back, wantBack, 100*tol)
	same(t, "the argument", y, saved, 0)
}

func TestTransformConcurrently(t *testing.T) {
	eachWay(t, func(t *testing.T, h *Host, plugin string, _ float64) {
		tr, err := build[audiosep.Transformer](t, h, plugin, "reverse", "").Transform(t.Context(), 64)
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for g := range 20 {
			wg.Go(func() {
				y := random(string(rune('a'+g)), 64*100)
				x, back := audiosep.MakeCoefs(tr, 100), make([]float64, len(y))
				for range 5 {
					if err := tr.Forward(t.Context(), x, y); err != nil {
						t.Error(err)
					}
					if err := tr.Inverse(t.Context(), back, x); err != nil {
						t.Error(err)
					}
					same(t, "back", back, y, 0)
				}
			})
		}
		wg.Wait()
	})
}

func TestSource(t *testing.T) {
	eachWay(t, func(t *testing.T, h *Host, plugin string, tol float64) {
		remote := build[audiosep.Source](t, h, plugin, "ramp", `{"samples": 300000, "channels": 3}`)
		want := local[audiosep.Source](t, "ramp", `{"samples": 300000, "channels": 3}`)
		a, err := remote.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		b, _ := want.Head(t.Context())
		if diff := cmp.Diff(b, a); diff != "" {
			t.Fatal(diff)
		}
		for _, c := range []struct{ at, n int }{{-5, 10}, {0, 300000}, {299990, 20}, {-7, 0}} {
			x, y := make([][]float64, 3), make([][]float64, 3)
			for l := range x {
				x[l], y[l] = make([]float64, c.n), make([]float64, c.n)
			}
			if err := remote.ReadAt(t.Context(), x, c.at); err != nil {
				t.Fatal(err)
			}
			want.ReadAt(t.Context(), y, c.at)
			for l := range x {
				same(t, "samples", x[l], y[l], tol)
			}
		}
	})
}

func TestFramer(t *testing.T) {
	eachWay(t, func(t *testing.T, h *Host, plugin string, tol float64) {
		remote := build[audiosep.Framer](t, h, plugin, "half", "")
		head := audiosep.Head{Rate: 8000, Samples: 1000, Channels: 2, Realisations: 1, Names: []string{"a"}}
		f, err := remote.Framing(t.Context(), head)
		if err != nil {
			t.Fatal(err)
		}
		want, _ := half{}.Framing(t.Context(), head)
		same(t, "window", f.Analysis, want.Analysis, tol)
		f.Analysis, f.Synthesis, want.Analysis, want.Synthesis = nil, nil, nil, nil
		if diff := cmp.Diff(want, f); diff != "" {
			t.Fatal(diff)
		}
		if _, err := remote.Framing(t.Context(), audiosep.Head{Rate: 1}); err == nil || err.Error() != "the rate is 1 Hz; want more" {
			t.Errorf("error is %v; want that of the stage", err)
		}
	})
}

func testFrames(m, n int) *audiosep.Frames {
	layers := [][]float64{random("left", m*n), random("right", m*n)}
	return &audiosep.Frames{Framing: besides(layers, 8000, m, 2).Framing, N: n, Data: layers}
}

// watcher notes what an Env is told.
type watcher struct {
	mu    sync.Mutex
	steps []audiosep.Step
	log   bytes.Buffer
}

func (w *watcher) env() audiosep.Env {
	return audiosep.Env{
		Seed: 7,
		Log:  slog.New(slog.NewTextHandler(&w.log, nil)),
		Progress: func(s audiosep.Step) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.steps = append(w.steps, s)
		},
	}
}

func TestTransformLearner(t *testing.T) {
	eachWay(t, func(t *testing.T, h *Host, plugin string, _ float64) {
		y := testFrames(6, 20000)
		remote := build[audiosep.TransformLearner](t, h, plugin, "learn", "")
		var w watcher
		first, err := remote.LearnTransform(t.Context(), w.env(), y, nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]audiosep.Step{{Done: 1, Of: 2, Objective: 7}}, w.steps); diff != "" {
			t.Error(diff)
		}
		if s := w.log.String(); !strings.Contains(s, "level=WARN") || !strings.Contains(s, "halfway from=plugin first=0") {
			t.Errorf("logged %q", s)
		}
		// A start that has a matrix, and one that has none but is real: it is the SDK of
		// Python that makes a matrix of it.
		reverse, _ := local[audiosep.Transformer](t, "reverse", "").Transform(t.Context(), 6)
		for _, start := range []audiosep.Transform{first, reverse} {
			second, err := remote.LearnTransform(t.Context(), audiosep.Env{}, y, start)
			if err != nil {
				t.Fatal(err)
			}
			sign := -1.0
			if _, ok := start.(audiosep.MatrixTransform); !ok && plugin != "snakes" {
				start, sign = first, 1
			}
			a, b := audiosep.MakeCoefs(start, 10), audiosep.MakeCoefs(second, 10)
			start.Forward(t.Context(), a, y.Data[0][:60])
			second.Forward(t.Context(), b, y.Data[0][:60])
			for i := range a.Re {
				a.Re[i] *= sign
			}
			same(t, "coefficients", b.Re, a.Re, 0)
		}
		odd, err := build[audiosep.TransformLearner](t, h, plugin, "learn_odd", "").LearnTransform(t.Context(), audiosep.Env{}, y, nil)
		if err != nil {
			t.Fatal(err)
		}
		x, back := audiosep.MakeCoefs(odd, 10), make([]float64, 60)
		if err := odd.Forward(t.Context(), x, y.Data[0][:60]); err != nil {
			t.Fatal(err)
		}
		if err := odd.Inverse(t.Context(), back, x); err != nil {
			t.Fatal(err)
		}
		same(t, "round trip", back, y.Data[0][:60], 1e-14)
		if _, err := remote.LearnTransform(t.Context(), audiosep.Env{}, y, odd); plugin == "snakes" && (err == nil || !strings.Contains(err.Error(), "complex")) {
			t.Errorf("error is %v; want that a complex start cannot be", err)
		}
	})
}

func TestFactorizer(t *testing.T) {
	eachWay(t, func(t *testing.T, h *Host, plugin string, _ float64) {
		remote := build[audiosep.Factorizer](t, h, plugin, "factor", `{"rank": 4}`)
		// Longer than a chunk, and a part of something longer.
		v := mat.NewDense(50, 5003, random("v", 50*5003)).Slice(0, 50, 1, 5001).(*mat.Dense)
		var w watcher
		f, err := remote.Factorize(t.Context(), w.env(), v, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Validate(50, 5000); err != nil || f.Rank() != 4 {
			t.Fatalf("rank %d, %v", f.Rank(), err)
		}
		same(t, "objective", f.Objective, []float64{3, 2, 1}, 0)
		if f.Stop != "it was enough" || len(w.steps) != 3 || w.steps[2] != (audiosep.Step{Done: 3, Of: 3, Objective: 1}) {
			t.Errorf("stop %q, steps %v", f.Stop, w.steps)
		}
		again, err := remote.Factorize(t.Context(), w.env(), v, &audiosep.Factors{W: f.W})
		if err != nil {
			t.Fatal(err)
		}
		if !mat.Equal(again.W, f.W) || !mat.Equal(again.H, f.H) {
			t.Error("the same seed and start gave other factors")
		}
		if plugin != "snakes" {
			want, _ := local[audiosep.Factorizer](t, "factor", `{"rank": 4}`).Factorize(t.Context(), w.env(), v, nil)
			if !mat.Equal(want.W, f.W) || !mat.Equal(want.H, f.H) {
				t.Error("factors differ from those of the stage compiled in")
			}
		}
	})
}

func TestActivator(t *testing.T) {
	eachWay(t, func(t *testing.T, h *Host, plugin string, tol float64) {
		remote := build[audiosep.Activator](t, h, plugin, "activate", "")
		v, w := mat.NewDense(30, 9000, random("v", 30*9000)), mat.NewDense(30, 4, random("w", 120))
		got, want := mat.NewDense(4, 9001, nil), mat.NewDense(4, 9000, nil)
		part := got.Slice(0, 4, 1, 9001).(*mat.Dense)
		if err := remote.Activate(t.Context(), part, v, w); err != nil {
			t.Fatal(err)
		}
		activate{}.Activate(t.Context(), want, v, w)
		same(t, "h", mat.DenseCopyOf(part).RawMatrix().Data, want.RawMatrix().Data, 10*tol)
		same(t, "beside h", mat.Col(nil, 0, got), make([]float64, 4), 0)
	})
}

func TestJointLearner(t *testing.T) {
	eachWay(t, func(t *testing.T, h *Host, plugin string, _ float64) {
		y := testFrames(6, 100)
		remote := build[audiosep.JointLearner](t, h, plugin, "joint", "")
		m, err := remote.LearnJointly(t.Context(), audiosep.Env{Seed: 3}, y, audiosep.Model{})
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Factors.Validate(6, 50); err != nil || m.Transform.Bins() != 6 || m.Framing == nil {
			t.Fatal(err, m)
		}
		again, err := remote.LearnJointly(t.Context(), audiosep.Env{Seed: 3}, y, m)
		if err != nil {
			t.Fatal(err)
		}
		if !mat.Equal(again.Factors.W, m.Factors.W) {
			t.Error("W was not taken from the start")
		}
		var minus mat.Dense
		minus.Scale(-1, m.Transform.(audiosep.MatrixTransform).Phi())
		if !mat.Equal(again.Transform.(audiosep.MatrixTransform).Phi(), &minus) {
			t.Error("Φ was not taken from the start")
		}
	})
}

func TestSeparator(t *testing.T) {
	eachWay(t, func(t *testing.T, h *Host, plugin string, tol float64) {
		remote, here := stageOf(t, h, plugin, "share", ""), compiled(t, "share", "")
		const m, rank = 64, 3
		for _, by := range []string{"reverse", "padded"} { // real and complex
			n := map[string]int{"reverse": 1200, "padded": 200}[by]
			f := besides([][]float64{random("left", m*n), random("right", m*n)}, 8000, m, 2)
			tr, err := local[audiosep.Transformer](t, by, "").Transform(t.Context(), m)
			if err != nil {
				t.Fatal(err)
			}
			x, err := audiosep.NewSpectra(f, tr)
			if err != nil {
				t.Fatal(err)
			}
			cols := f.Framing.Columns()
			hm := mat.NewDense(rank, cols+1, random("h", rank*(cols+1))).Slice(0, rank, 1, cols+1).(*mat.Dense)
			in := audiosep.Values{"coefs": x, "factors": &audiosep.Factors{W: mat.NewDense(tr.Bins(), rank, random("w", tr.Bins()*rank)), H: hm, Objective: []float64{1}}}
			got, err := remote.run(t.Context(), audiosep.Env{}, in)
			if err != nil {
				t.Fatal(err)
			}
			want, err := here.run(t.Context(), audiosep.Env{}, in)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want["sources"].(*audiosep.MaskedStems).Groups, got["sources"].(*audiosep.MaskedStems).Groups); diff != "" {
				t.Fatal(diff)
			}
			a, b := collect(t, got["sources"]), collect(t, want["sources"])
			for j := range b {
				for l := range b[j].Data {
					same(t, by, a[j].Data[l], b[j].Data[l], 100*tol)
				}
			}
		}
	})
}

func collect(t *testing.T, stems any) []*audiosep.Signal {
	t.Helper()
	parts, err := audiosep.Collect(t.Context(), stems.(audiosep.Stems))
	if err != nil {
		t.Fatal(err)
	}
	return parts
}

func TestSink(t *testing.T) {
	eachWay(t, func(t *testing.T, h *Host, plugin string, _ float64) {
		dir := t.TempDir()
		file := filepath.Join(dir, "sum")
		block := [][]float64{random("left", 200000), random("right", 200000)}
		for _, y := range block {
			for i := range y {
				y[i] = math.Round(y[i] * 1024) // sums of whole numbers are exact in any order
			}
		}
		signal := &audiosep.Signal{Rate: 8000, Channels: 2, Data: block}
		stems, err := audiosep.NewStems([]string{"a", "b"}, []*audiosep.Signal{signal, signal})
		if err != nil {
			t.Fatal(err)
		}
		write := func(commit bool) (err error) {
			s := stageOf(t, h, plugin, "sum", `{"file": "`+file+`"}`)
			defer func() {
				if e := s.Close(); err == nil {
					err = e
				}
			}()
			if err := s.stage.(audiosep.Preparer).Prepare(t.Context(), audiosep.Plan{Head: stems.Head()}); err != nil {
				return err
			}
			var w watcher
			if _, err := s.run(t.Context(), w.env(), audiosep.Values{"sources": stems}); err != nil {
				return err
			}
			if n := len(w.steps); n == 0 || w.steps[n-1].Done != 200000 || !strings.Contains(w.log.String(), "creating") {
				t.Errorf("steps are %v, the log is %q; want all samples, and creating", w.steps, w.log.String())
			}
			if !commit {
				return nil
			}
			return s.stage.(audiosep.Committer).Commit(t.Context())
		}
		if err := write(false); err != nil {
			t.Fatal(err)
		}
		if left, _ := os.ReadDir(dir); len(left) != 0 {
			t.Fatalf("closed without commit it left %v", left)
		}
		if err := write(true); err != nil {
			t.Fatal(err)
		}
		want := &sum{file: file + "-local", names: "a+b"}
		want.Write(context.Background(), 0, block)
		want.Write(context.Background(), 1, block)
		want.Commit(context.Background())
		a, _ := os.ReadFile(file)
		b, _ := os.ReadFile(file + "-local")
		var x, y float64
		if n, _ := fmt.Sscanf(string(a), "a+b %g", &x); n != 1 {
			t.Fatalf("file has %q", a)
		}
		fmt.Sscanf(string(b), "a+b %g", &y)
		same(t, "sum", []float64{x}, []float64{y}, 0)
		if err := write(true); err == nil || !strings.Contains(err.Error(), "is there already") {
			t.Errorf("error is %v; want that the file is there", err)
		}
	})
}
