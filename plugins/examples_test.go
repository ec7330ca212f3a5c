//go:build unix

package plugins

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/pipeline"
	"github.com/audiosep/audiosep/pipeline/contract"
	"github.com/audiosep/audiosep/pipeline/stagetest"
)

// exampleHost builds the examples in Go and returns a host of all.
func exampleHost(t *testing.T) (*Host, []audiosep.Definition) {
	t.Helper()
	needPython(t)
	dir := t.TempDir()
	if out, err := exec.Command("go", "build", "-ldflags=-s", "-o", dir+"/", "../examples/plugin-hpss", "../examples/plugin-gain").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, name := range []string{"hpss", "gain"} {
		if err := os.Rename(filepath.Join(dir, "plugin-"+name), filepath.Join(dir, prefix+name)); err != nil {
			t.Fatal(err)
		}
	}
	h := NewHost(Options{Folders: []string{dir, "../examples/plugin-hpss", "../examples/plugin-centre"}})
	t.Cleanup(func() { h.Close() })
	var all []audiosep.Definition
	for _, name := range []string{"hpss", "gain", "hpss_py", "centre"} {
		defs, err := h.Describe(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, defs...)
	}
	return h, all
}

// runExample runs a pipeline of an example, on other inputs where there are any, and returns the files
// that it writes.
func runExample(t *testing.T, reg *pipeline.Registry, file, old, new string, inputs ...string) map[string][]byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	spec, err := pipeline.Parse(file, bytes.ReplaceAll(text, []byte(old), []byte(new)))
	if err != nil {
		t.Fatal(err)
	}
	spec.Out = t.TempDir()
	if len(inputs) > 0 {
		spec.SetInput("inputs", inputs...)
	}
	p, err := pipeline.Check(spec, reg)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Run(t.Context(), pipeline.Options{}); err != nil {
		t.Fatal(err)
	}
	return filesOf(t, spec.Out)
}

func sameFiles(t *testing.T, what string, got, want map[string][]byte) {
	t.Helper()
	if len(got) != len(want) || len(want) == 0 {
		t.Fatalf("%s: %d files; want %d", what, len(got), len(want))
	}
	for name := range want {
		if !bytes.Equal(got[name], want[name]) {
			t.Errorf("%s: %s differs", what, name)
		}
	}
}

// TestExamples runs the pipelines of the examples, and holds their stages to what they promise.
func TestExamples(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	t.Parallel() // it waits a lot
	h, defs := exampleHost(t)
	t.Run("pipelines", func(t *testing.T) { examplePipelines(t, defs) })
	for _, d := range defs {
		if (strings.HasPrefix(d.Name, "hpss_py/") || d.Name == "centre/trio") && os.Getenv("AUDIOSEP_CHAOS") == "" {
			continue // long in Python
		}
		t.Run(d.Name, func(t *testing.T) {
			plugin, _, _ := strings.Cut(d.Name, "/")
			if plugin != "gain" { // which has a process for each stage, as plugins have that do not say otherwise
				oneProcess(t, h, plugin)
			}
			stagetest.With(t, d, contract.Options{Params: []byte(exampleParams[d.Name])})
		})
	}
}

var exampleParams = map[string]string{"hpss/hpss": `{"radius": 3}`, "hpss_py/hpss": `{"radius": 3}`, "centre/trio": `{"seconds": 0.5}`}

// examplePipelines has HPSS as a plugin, in Go and in Python, give the files that it gives compiled in;
// a gain as a plugin those that it gives written here; and what is in the middle found there.
func examplePipelines(t *testing.T, defs []audiosep.Definition) {
	reg := pipeline.NewRegistry(builtin(), defs)
	piano := firstSeconds(t, "../examples/piano/mix.wav", 6) // Python is slow
	hpss := "../examples/plugin-hpss/pipeline.json"
	want := runExample(t, reg, hpss, "hpss/hpss", "hpss", piano)
	sameFiles(t, "hpss in Go", runExample(t, reg, hpss, "hpss/hpss", "hpss/hpss", piano), want)
	sameFiles(t, "hpss in Python", runExample(t, reg, hpss, "hpss/hpss", "hpss_py/hpss", piano), want)

	gain := "../examples/plugin-gain/pipeline.json"
	soft := runExample(t, reg, gain, "gain/gain", "gain/gain", piano)
	plain := runExample(t, reg, gain, `{"use": "gain/gain", "params": {"db": -6}},`, "", piano)
	for name, a := range soft {
		x, y := readAll(t, a), readAll(t, plain[name])
		for l := range x.Data {
			for i := range x.Data[l] {
				if d := x.Data[l][i] - 0.5011872336272722*y.Data[l][i]; d > 1e-4 || d < -1e-4 {
					t.Fatalf("%s: sample %d is %v; want 6 dB less than %v", name, i, x.Data[l][i], y.Data[l][i])
				}
			}
		}
	}

	centre := runExample(t, reg, "../examples/plugin-centre/pipeline.json", "", "")
	if len(centre) != 2 {
		t.Fatalf("there are %d files; want 2", len(centre))
	}
	var sum [2][]float64
	for name, file := range centre {
		s := readAll(t, file)
		if strings.Contains(name, "centre") && !slices.Equal(s.Data[0], s.Data[1]) {
			t.Error("the channels of the centre differ")
		}
		for c := range sum {
			if sum[c] == nil {
				sum[c] = make([]float64, len(s.Data[c]))
			}
			for i, v := range s.Data[c] {
				sum[c][i] += v
			}
		}
	}
	if slices.Equal(sum[0], sum[1]) {
		t.Error("both channels are the same; want what is left and right in the sides")
	}
}

// firstSeconds writes the first seconds of a recording, and returns the file.
func firstSeconds(t *testing.T, recording string, seconds int) string {
	t.Helper()
	whole, err := os.ReadFile(recording)
	if err != nil {
		t.Fatal(err)
	}
	s, file := readAll(t, whole), filepath.Join(t.TempDir(), "beginning.wav")
	for l := range s.Data {
		s.Data[l] = s.Data[l][:seconds*s.Rate]
	}
	if err := audio.WriteFile(file, s, "int16"); err != nil {
		t.Fatal(err)
	}
	return file
}

// readAll reads what a file has.
func readAll(t *testing.T, file []byte) *audiosep.Signal {
	t.Helper()
	name := filepath.Join(t.TempDir(), "x.wav")
	if err := os.WriteFile(name, file, 0o644); err != nil {
		t.Fatal(err)
	}
	src, err := audio.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	s, err := audiosep.ReadAll(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
