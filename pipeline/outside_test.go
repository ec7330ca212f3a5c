package pipeline_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A program in a module of its own: a stage of a shape that nothing here knows, two
// recordings in and two out, in a pipeline with stages of ours. It needs no file here to
// change.
const outside = `package main

import (
	"context"
	"fmt"
	"log"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/pipeline"
	"github.com/audiosep/audiosep/separators"
	"github.com/audiosep/audiosep/transforms"
)

// swap makes two recordings of two, the other way round.
type swap struct{}

type pair struct {
	Left  audiosep.Source ` + "`port:\"left\"`" + `
	Right audiosep.Source ` + "`port:\"right\"`" + `
}

func (swap) Run(_ context.Context, _ audiosep.Env, in pair) (pair, error) {
	return pair{Left: in.Right, Right: in.Left}, nil
}

var stages = []audiosep.Definition{
	audiosep.Define("swap", "Swaps two recordings.", struct{}{}, func(struct{}) (swap, error) { return swap{}, nil }, audiosep.Lazy),
	audiosep.Define("ramp", "A ramp.", struct{}{}, func(struct{}) (audiosep.Source, error) {
		return &audiosep.Signal{Rate: 8000, Data: [][]float64{{1, 2, 3, 4, 5, 6}}}, nil
	}),
	audiosep.Define("silence", "Silence.", struct{}{}, func(struct{}) (audiosep.Source, error) {
		return &audiosep.Signal{Rate: 8000, Data: [][]float64{make([]float64, 6)}}, nil
	}),
}

const spec = ` + "`" + `{"audiosep": 1, "stages": [{"use": "ramp"}, {"use": "silence"},
	{"use": "swap", "in": {"left": "silence", "right": "ramp"}},
	{"use": "frame", "in": {"audio": "swap.left"}, "params": {"length": 4}}, {"use": "dct"}, {"use": "hpss"}, {"use": "write_audio"}]}` + "`" + `

func main() {
	s, err := pipeline.Parse("spec.json", []byte(spec))
	check(err)
	p, err := pipeline.Check(s, pipeline.NewRegistry(stages, audio.Stages, transforms.Stages, separators.Stages))
	check(err)
	fmt.Print(p.Wiring())
	r, err := p.RunInMemory(context.Background(), nil, pipeline.Options{})
	check(err)
	for i := range r.Stems[0].Data[0] {
		fmt.Printf("%.3g ", r.Stems[0].Data[0][i]+r.Stems[1].Data[0][i])
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
`

func TestShapeFromOutside(t *testing.T) {
	if testing.Short() {
		t.Skip("it links a program")
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	_, requires, _ := strings.Cut(string(mod), "\nrequire")
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"main.go": outside, "go.sum": string(sum),
		"go.mod": "module outside\n\ngo 1.26\n\nrequire github.com/audiosep/audiosep v0.0.0\n\nreplace github.com/audiosep/audiosep => " + root + "\n\nrequire" + requires,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", "run", "-mod=mod", ".")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, want := range []string{"left <- silence.audio, right <- ramp.audio", "audio <- swap.left", "1 2 3 4 5 6"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("it printed %s\nwant %q in it", out, want)
		}
	}
}
