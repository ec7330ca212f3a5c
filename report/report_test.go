package report_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"image/png"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/npy"
	"github.com/audiosep/audiosep/pipeline"
	"github.com/audiosep/audiosep/report"
)

func phi(t *testing.T) audiosep.Transform {
	x, err := audiosep.NewMatrixTransform(mat.NewDense(2, 2, []float64{0, 1, 1, 0}))
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// TestReport shows a report everything that can pass a port: what its patterns name is
// written, on Commit and not before, and the rest is not.
func TestReport(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out", "report")
	r, err := report.New(pipeline.ReportSpec{Dir: dir, Ports: []string{"nmf.*", "dct.power", "dct.transform", "mask.*"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	v := mat.NewDense(3, 4, []float64{1, 2, 3, 4, 0, 0, 0, 0, 5, 6, 7, 8})
	f := &audiosep.Factors{W: mat.NewDense(3, 1, []float64{0.2, 0.3, 0.5}), H: mat.NewDense(1, 4, []float64{1, 2, 3, 4}), Objective: []float64{2, 1}}
	r.Port(pipeline.Ref{Stage: "dct", Port: "power"}, audiosep.CargoPower, v)
	r.Port(pipeline.Ref{Stage: "dct", Port: "transform"}, audiosep.CargoTransform, phi(t))
	r.Port(pipeline.Ref{Stage: "nmf", Port: "factors"}, audiosep.CargoFactors, f)
	r.Port(pipeline.Ref{Stage: "mask", Port: "sources"}, audiosep.CargoSources, []audiosep.Group{{Name: "a", Components: []int{0}}})
	r.Port(pipeline.Ref{Stage: "other", Port: "factors"}, audiosep.CargoFactors, f)
	r.Step("nmf", audiosep.Step{Done: 1, Of: 2, Objective: 2})
	r.Step("dct", audiosep.Step{Done: 4, Of: 4, Objective: math.NaN()})
	if shown, _ := filepath.Glob(filepath.Join(dir, "[^.]*")); len(shown) > 0 {
		t.Errorf("before Commit there is %v; want hidden files alone", shown)
	}
	if err := r.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	want := []string{"dct.power.npz", "dct.power.png", "dct.transform.npz", "dct.transform.png", "mask.sources.json", "nmf.factors.npz", "nmf.factors.png", "report.html", "steps.jsonl"}
	if got := names(t, dir); !slices.Equal(got, want) {
		t.Errorf("the report holds %v; want %v", got, want)
	}
	if got := names(t, filepath.Dir(dir)); !slices.Equal(got, []string{"report"}) {
		t.Errorf("beside the report lie %v", got)
	}
	if a := array(t, filepath.Join(dir, "nmf.factors.npz"), "h.npy"); !slices.Equal(a.Data, []float64{1, 2, 3, 4}) {
		t.Errorf("H was kept as %v", a)
	}
	steps, err := os.ReadFile(filepath.Join(dir, "steps.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"done":1,"objective":2,"of":2,"stage":"nmf"}` + "\n" + `{"done":4,"of":4,"stage":"dct"}` + "\n"; string(steps) != want {
		t.Errorf("steps are\n%swant\n%s", steps, want)
	}
}

// TestLog: what a stage says is kept and handed on.
func TestLog(t *testing.T) {
	dir := t.TempDir()
	r, err := report.New(pipeline.ReportSpec{Dir: filepath.Join(dir, "report")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var on bytes.Buffer
	next := slog.New(slog.NewTextHandler(&on, &slog.HandlerOptions{Level: slog.LevelWarn}))
	log := r.Log(next).With("stage", "nmf")
	log.Info("starts compared", "source", "a", "agreement", 0.5, "file", filepath.Join(dir, "a.wav"), "odd", math.NaN())
	log.Warn("short")
	log.Debug("not kept")
	if err := errors.Join(r.Commit(t.Context()), r.Close()); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dir, "report", "log.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"agreement":0.5,"file":"../a.wav","level":"INFO","message":"starts compared","odd":"NaN","source":"a","stage":"nmf"}
{"level":"WARN","message":"short","stage":"nmf"}
`
	if string(got) != want {
		t.Errorf("the log is\n%swant\n%s", got, want)
	}
	if s := on.String(); strings.Count(s, "\n") != 1 || !strings.Contains(s, "msg=short stage=nmf") {
		t.Errorf("handed on is %q; want the warning alone", s)
	}
}

// A report takes the place of the one that stood in its folder: the files of that one that it has none of go, and are
// there again if it is withdrawn; files of others stay, though their names are alike.
func TestReportReplaces(t *testing.T) {
	dir := t.TempDir()
	begin := func(stage string) *report.Report {
		t.Helper()
		r, err := report.New(pipeline.ReportSpec{Dir: dir, Ports: []string{"*.*"}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Port(pipeline.Ref{Stage: stage, Port: "sources"}, audiosep.CargoSources, []audiosep.Group{{Name: "a", Components: []int{0}}})
		if err := r.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		return r
	}
	first := begin("mask")
	if err := errors.Join(first.Close(), os.WriteFile(filepath.Join(dir, "own.sources.json"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	before := []string{"mask.sources.json", "own.sources.json", "report.html", "steps.jsonl"}
	second := begin("other")
	after := []string{"other.sources.json", "own.sources.json", "report.html", "steps.jsonl"}
	shown := func() (all []string) {
		return slices.DeleteFunc(names(t, dir), func(name string) bool { return strings.HasPrefix(name, ".") })
	}
	if got := shown(); !slices.Equal(got, after) {
		t.Errorf("the folder holds %v; want %v", got, after)
	}
	if err := errors.Join(second.Withdraw(t.Context()), second.Close()); err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); !slices.Equal(got, before) {
		t.Errorf("withdrawn, the folder holds %v; want %v", got, before)
	}
	if err := begin("other").Close(); err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); !slices.Equal(got, after) {
		t.Errorf("at the end the folder holds %v; want %v", got, after)
	}
}

// TestReportDiscarded closes a report without Commit: it leaves no trace.
func TestReportDiscarded(t *testing.T) {
	root := t.TempDir()
	r, err := report.New(pipeline.ReportSpec{Dir: filepath.Join(root, "out", "report")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if got := names(t, root); len(got) != 0 {
		t.Errorf("it left %v", got)
	}
}

// TestHeatMaps draws matrices of awkward shapes: each makes a PNG.
func TestHeatMaps(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	for name, m := range map[string]*mat.Dense{
		"one": mat.NewDense(1, 1, []float64{3}), "constant": mat.NewDense(2, 3, nil),
		"row": mat.NewDense(1, 4, []float64{1, 2, 3, 4}), "large": mat.NewDense(2000, 3, nil),
	} {
		var file bytes.Buffer
		if err := report.DrawHeatMap(&file, report.Decibels(m), report.HeatMap{Title: name}); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, err := png.Decode(&file); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestDecibels has powers in dB, silence at 80 dB below the greatest.
func TestDecibels(t *testing.T) {
	d := report.Decibels(mat.NewDense(1, 3, []float64{100, 1, 0}))
	if got := d.RawMatrix().Data; !slices.Equal(got, []float64{20, 0, -60}) {
		t.Errorf("got %v dB; want 20, 0, -60", got)
	}
}

func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func array(t *testing.T, file, name string) npy.Array {
	t.Helper()
	z, err := zip.OpenReader(file)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	for _, f := range z.File {
		if !strings.EqualFold(f.Name, name) {
			continue
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		a, err := npy.Read(r, int64(f.UncompressedSize64))
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	t.Fatalf("%s holds no %s", file, name)
	return npy.Array{}
}
