package models_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/npy"
	"github.com/audiosep/audiosep/models"
	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/gonum/mat"
)

// rotation is a transform that is no MatrixTransform: it turns pairs of samples.
func rotation(t testing.TB) audiosep.Transform {
	t.Helper()
	x, err := audiosep.PerFrame(func(int) (forward, inverse func(dst, src []float64), err error) {
		forward = func(dst, src []float64) { dst[0], dst[1] = 0.6*src[0]+0.8*src[1], -0.8*src[0]+0.6*src[1] }
		inverse = func(dst, src []float64) { dst[0], dst[1] = 0.6*src[0]-0.8*src[1], 0.8*src[0]+0.6*src[1] }
		return forward, inverse, nil
	}).Transform(context.Background(), 2)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func model(t testing.TB) audiosep.Model {
	return audiosep.Model{
		Framing: &audiosep.Framing{
			Head:   audiosep.Head{Rate: 8000, Samples: 4, Channels: 1, Realisations: 2, Names: []string{"a", "b"}, Encoding: "int16"},
			Length: 2, Hop: 1, Pad: 1, Share: 1,
			Analysis: []float64{0.5, 1}, Synthesis: []float64{1, 0.25},
		},
		Transform: rotation(t),
		Factors: &audiosep.Factors{
			W:         mat.NewDense(2, 3, []float64{0.25, 1, 0.5, 0.75, 0, 0.5}).Slice(0, 2, 0, 2).(*mat.Dense),
			H:         mat.NewDense(2, 3, []float64{1, 2, 3, 4, 5, 6.5}),
			Objective: []float64{3, 2, 1.5},
			Stop:      "the objective stands still",
			Restarts:  []float64{1.5, math.Inf(1)},
			Power:     1,
		},
	}
}

func write(t testing.TB, m audiosep.Model) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := models.Write(context.Background(), &b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func read(t testing.TB, text []byte) audiosep.Model {
	t.Helper()
	m, err := models.Read(bytes.NewReader(text), int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestRoundTrip(t *testing.T) {
	m := model(t)
	text := write(t, m)
	got := read(t, text)
	if want := mat.NewDense(2, 2, []float64{0.6, 0.8, -0.8, 0.6}); !mat.Equal(got.Transform.(audiosep.MatrixTransform).Phi(), want) {
		t.Error("Φ has changed")
	}
	want := *m.Framing
	want.Names, want.Encoding = nil, ""
	if diff := cmp.Diff(&want, got.Framing); diff != "" {
		t.Errorf("framing (-want +got):\n%s", diff)
	}
	if !mat.Equal(got.Factors.W, m.Factors.W) || !mat.Equal(got.Factors.H, m.Factors.H) {
		t.Error("the factors have changed")
	}
	if !slices.Equal(got.Factors.Objective, m.Factors.Objective) || got.Factors.Stop != m.Factors.Stop || got.Factors.Power != m.Factors.Power || !slices.Equal(got.Factors.Restarts, m.Factors.Restarts) {
		t.Errorf("%+v; want %+v", got.Factors, m.Factors)
	}
	if !bytes.Equal(text, write(t, got)) {
		t.Error("what was read is written otherwise")
	}
}

func TestPartsAlone(t *testing.T) {
	whole := model(t)
	for name, m := range map[string]audiosep.Model{
		"a transform":       {Transform: whole.Transform},
		"factors":           {Factors: whole.Factors},
		"a dictionary":      {Factors: &audiosep.Factors{W: whole.Factors.W}, Framing: whole.Framing},
		"activations":       {Factors: &audiosep.Factors{H: whole.Factors.H}},
		"a framed rotation": {Transform: whole.Transform, Framing: whole.Framing},
	} {
		got := read(t, write(t, m))
		if (got.Transform == nil) != (m.Transform == nil) || (got.Factors == nil) != (m.Factors == nil) || (got.Framing == nil) != (m.Framing == nil) {
			t.Errorf("%s: read as %+v", name, got)
		}
		if m.Factors != nil && ((got.Factors.W == nil) != (m.Factors.W == nil) || (got.Factors.H == nil) != (m.Factors.H == nil)) {
			t.Errorf("%s: read as %+v", name, got.Factors)
		}
	}
}

type complexTransform struct{ audiosep.Transform }

func (complexTransform) Complex() bool { return true }

type squares struct{ audiosep.Transform }

func (squares) Forward(_ context.Context, dst audiosep.Coefs, src []float64) error {
	for i, x := range src {
		dst.Re[i] = x * x
	}
	return nil
}

func TestWriteRefuses(t *testing.T) {
	m := model(t)
	short := *m.Framing
	short.Analysis = short.Analysis[:1]
	long := *m.Framing
	long.Length, long.Analysis, long.Synthesis = 3, []float64{1, 1, 1}, []float64{1, 1, 1}
	for _, c := range []struct {
		m    audiosep.Model
		want string
	}{
		{audiosep.Model{}, "the model is empty; want phi, w or h"},
		{audiosep.Model{Framing: m.Framing}, "the model is empty; want phi, w or h"},
		{audiosep.Model{Transform: complexTransform{m.Transform}}, "the transform is complex; a model keeps the matrix of a real one: save the factors alone"},
		{audiosep.Model{Transform: squares{m.Transform}}, "the transform is not linear"},
		{audiosep.Model{Factors: &audiosep.Factors{W: mat.NewDense(1, 1, []float64{-1})}}, "W has -1 in row 0, column 0; want finite numbers ≥ 0"},
		{audiosep.Model{Transform: m.Transform, Factors: &audiosep.Factors{W: mat.NewDense(3, 1, nil)}}, "W is 3×1; want 2 rows, one for each bin"},
		{audiosep.Model{Factors: m.Factors, Framing: &short}, "the windows have 1 and 2 weights"},
		{audiosep.Model{Transform: m.Transform, Framing: &long}, "phi is for frames of 2 samples; want 3, as the framing"},
	} {
		path := filepath.Join(t.TempDir(), "model.npz")
		if err := models.Save(context.Background(), path, c.m, false); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v; want %q", err, c.want)
		}
		if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) > 0 {
			t.Errorf("%q leaves %v, %v", c.want, left, err)
		}
	}
}

func TestSave(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	path, m := filepath.Join(dir, "model.npz"), model(t)
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	if err := models.Save(cancelled, path, m, false); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v; want %v", err, context.Canceled)
	}
	stage := func(params string) audiosep.ModelWriter {
		i := slices.IndexFunc(models.Stages, func(d audiosep.Definition) bool { return d.Name == "save_model" })
		s, err := models.Stages[i].Build(json.RawMessage(params))
		if err != nil {
			t.Fatal(err)
		}
		return s.(audiosep.ModelWriter)
	}
	plan := audiosep.Plan{}
	once := stage(fmt.Sprintf(`{"file": %q}`, path))
	if err := once.(audiosep.Preparer).Prepare(context.Background(), plan); err != nil {
		t.Fatal(err)
	}
	if err := once.WriteModel(context.Background(), m); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the model is seen before Commit")
	}
	if err := errors.Join(once.Commit(context.Background()), once.Close()); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m.Factors.Stop = "otherwise"
	if err := once.(audiosep.Preparer).Prepare(context.Background(), plan); !errors.Is(err, fs.ErrExist) {
		t.Errorf("error %v; want %v", err, fs.ErrExist)
	}
	if err := errors.Join(once.WriteModel(context.Background(), m), once.Commit(context.Background()), once.Close()); !errors.Is(err, fs.ErrExist) {
		t.Errorf("error %v; want %v", err, fs.ErrExist)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Error("the file has changed")
	}
	again := stage(fmt.Sprintf(`{"file": %q, "overwrite": true}`, path))
	if err := again.(audiosep.Preparer).Prepare(context.Background(), audiosep.Plan{Inputs: []string{path}}); err == nil || !strings.Contains(err.Error(), "it is read too") {
		t.Errorf("a model may replace what is read: %v", err)
	}
	if err := errors.Join(again.(audiosep.Preparer).Prepare(context.Background(), plan), again.WriteModel(context.Background(), m), again.Commit(context.Background())); err != nil {
		t.Error(err)
	}
	if got, err := models.Load(path); err != nil || got.Factors.Stop != "otherwise" {
		t.Errorf("the file is not replaced: %v", err)
	}
	if err := errors.Join(again.(audiosep.Withdrawer).Withdraw(context.Background()), again.Close()); err != nil {
		t.Error(err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Error("the file that was replaced is not back")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("%v are left; want the model alone", left)
	}
}

// testdata/golden.py made the files.
func TestReadNumPy(t *testing.T) {
	for _, name := range []string{"numpy.npz", "numpy-compressed.npz"} {
		i := slices.IndexFunc(models.Stages, func(d audiosep.Definition) bool { return d.Name == "load_model" })
		s, err := models.Stages[i].Build(json.RawMessage(fmt.Sprintf(`{"file": "testdata/%s"}`, name)))
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.(audiosep.ModelReader).ReadModel(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		want := model(t)
		if !mat.Equal(got.Transform.(audiosep.MatrixTransform).Phi(), mat.NewDense(2, 2, []float64{0.6, 0.8, -0.8, 0.6})) ||
			!mat.Equal(got.Factors.W, want.Factors.W) || !mat.Equal(got.Factors.H, want.Factors.H) || got.Framing != nil {
			t.Errorf("%s is read as %+v, %+v", name, got, got.Factors)
		}
	}
}

func TestNumPyReads(t *testing.T) {
	python := "/usr/bin/python3" // where the system's numpy is, whatever else is first
	if exec.Command(python, "-c", "import numpy").Run() != nil {
		if python = "python3"; exec.Command(python, "-c", "import numpy").Run() != nil {
			t.Skip("there is no python3 with numpy")
		}
	}
	path := filepath.Join(t.TempDir(), "model.npz")
	if err := models.Save(context.Background(), path, model(t), false); err != nil {
		t.Fatal(err)
	}
	got, err := exec.Command(python, "-c", `import json, sys, numpy
with numpy.load(sys.argv[1], allow_pickle=False) as m:
    print(*m.files)
    for name in m.files:
        if name != "model.json":
            print(name, m[name].dtype, m[name].tolist())
    meta = json.loads(m["model.json"])
print(meta["audiosep_model"], meta["framing"]["rate"], meta["stop"])`, path).CombinedOutput()
	want := `phi w h objective restarts analysis synthesis model.json
phi float64 [[0.6, 0.8], [-0.8, 0.6]]
w float64 [[0.25, 1.0], [0.75, 0.0]]
h float64 [[1.0, 2.0, 3.0], [4.0, 5.0, 6.5]]
objective float64 [3.0, 2.0, 1.5]
restarts float64 [1.5, inf]
analysis float64 [0.5, 1.0]
synthesis float64 [1.0, 0.25]
1 8000 the objective stands still
`
	if diff := cmp.Diff(want, string(got)); err != nil || diff != "" {
		t.Errorf("%v; numpy (-want +got):\n%s", err, diff)
	}
}

// archive makes a zip file of texts.
func archive(t testing.TB, members ...[2]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, m := range members {
		w, err := z.Create(m[0])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(m[1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// claiming makes a zip file of a w.npy that is said to unpack to so many bytes.
func claiming(t testing.TB, size uint64) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.CreateRaw(&zip.FileHeader{Name: "w.npy", Method: zip.Deflate, CompressedSize64: 2, UncompressedSize64: size})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte{3, 0}); err != nil { // nothing, deflated
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func array(t testing.TB, shape []int, data ...float64) string {
	t.Helper()
	var b bytes.Buffer
	if err := npy.Write(&b, npy.Array{Shape: shape, Data: data}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestReadRefuses(t *testing.T) {
	w := [2]string{"w.npy", array(t, []int{1, 1}, 1)}
	vector := array(t, []int{2}, 1, 1)
	whole := write(t, model(t))
	flipped := bytes.Clone(whole)
	flipped[bytes.Index(whole, []byte("w.npy"))+len("w.npy")+128+3] ^= 1 // behind the header, in a number
	for _, c := range []struct {
		name string
		text []byte
		want string
	}{
		{"empty", nil, "it is no .npz file"},
		{"truncated", whole[:len(whole)/2], "it is no .npz file"},
		{"a flipped bit", flipped, "checksum"},
		{"no parts", archive(t), "the model is empty"},
		{"other names", archive(t, [2]string{"W.npy", array(t, []int{1, 1}, 1)}), `the model is empty; want phi, w or h: there are "W.npy"`},
		{"twice", archive(t, w, w), "it has w.npy twice"},
		{"no array", archive(t, [2]string{"w.npy", "hello, world"}), "w: it is no .npy file"},
		{"a vector", archive(t, [2]string{"w.npy", vector}), "w: the array has the shape [2]; want a matrix"},
		{"negative", archive(t, [2]string{"h.npy", array(t, []int{1, 1}, -1)}), "H has -1 in row 0, column 0"},
		{"singular", archive(t, [2]string{"phi.npy", array(t, []int{2, 2}, 1, 1, 1, 1)}), "condition number"},
		{"ranks", archive(t, w, [2]string{"h.npy", array(t, []int{2, 1}, 1, 1)}), "H is 2×1; want 1 row"},
		{"bins", archive(t, w, [2]string{"phi.npy", array(t, []int{2, 2}, 1, 0, 0, 1)}), "W is 1×1; want 2 rows"},
		{"other version", archive(t, w, [2]string{"model.json", `{"audiosep_model": 2, "news": 1}`}), "model.json: the model's format is version 2; this program reads version 1"},
		{"no version", archive(t, w, [2]string{"model.json", `{}`}), "the model's format is version 0"},
		{"no JSON", archive(t, w, [2]string{"model.json", `hello`}), "model.json: invalid character"},
		{"unknown field", archive(t, w, [2]string{"model.json", `{"audiosep_model": 1, "news": 1}`}), `unknown field "news"`},
		{"windows alone", archive(t, w, [2]string{"analysis.npy", vector}), "the framing is incomplete"},
		{"framing alone", archive(t, w, [2]string{"model.json", `{"audiosep_model": 1, "framing": {}}`}), "the framing is incomplete"},
		{"bad framing", archive(t, w, [2]string{"analysis.npy", vector}, [2]string{"synthesis.npy", vector}, [2]string{"model.json", `{"audiosep_model": 1, "framing": {"length": 2, "hop": 3, "share": 1}}`}), "the framing: the hop is 3 samples; want 1 to 2"},
		{"negative rate", archive(t, w, [2]string{"analysis.npy", vector}, [2]string{"synthesis.npy", vector}, [2]string{"model.json", `{"audiosep_model": 1, "framing": {"rate": -1, "length": 2, "hop": 1, "share": 1}}`}), "the framing counts -1 of something"},
		{"a bomb", claiming(t, 80<<20), "w.npy would need 83886080 bytes in memory"},
		{"a lie", claiming(t, 60<<20), "w: it is no .npy file"},
		{"long text", archive(t, [2]string{"model.json", strings.Repeat(" ", 1<<17)}, w), "model.json: it is 131072 bytes long; want at most 65536"},
	} {
		if _, err := models.Read(bytes.NewReader(c.text), int64(len(c.text))); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v; want %q", c.name, err, c.want)
		}
	}
	if _, err := models.Load(filepath.Join(t.TempDir(), "none.npz")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v; want %v", err, fs.ErrNotExist)
	}
}

func TestStagesWantAFile(t *testing.T) {
	for _, d := range models.Stages {
		if _, err := d.Build(json.RawMessage(`{}`)); err == nil || !strings.Contains(err.Error(), "parameter file is missing") {
			t.Errorf("%s: error %v", d.Name, err)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(write(f, model(f)))
	f.Add(write(f, audiosep.Model{Factors: model(f).Factors}))
	for _, name := range []string{"numpy.npz", "numpy-compressed.npz"} {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := models.Read(bytes.NewReader(text), int64(len(text)))
		if err != nil {
			return
		}
		if again := write(t, m); !bytes.Equal(again, write(t, read(t, again))) {
			t.Fatal("a model that was read is not written and read alike")
		}
	})
}
