package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/audiosep/audiosep/pipeline"
	"github.com/audiosep/audiosep/presets"
)

// TestCanonical: the canonical spec of each preset and example is itself one, wired alike and
// canonical already.
func TestCanonical(t *testing.T) {
	specs := map[string][]byte{}
	for _, name := range presets.Names() {
		specs[name], _ = presets.Read(name)
	}
	files, err := filepath.Glob("../../examples/*/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if specs[file], err = os.ReadFile(file); err != nil {
			t.Fatal(err)
		}
	}
	same := func(path string, out bool) string { return path }
	checked := 0
	for file, text := range specs {
		spec, err := pipeline.Parse(file, text)
		if err != nil {
			t.Fatal(err)
		}
		if len(spec.PluginNames()) > 0 {
			continue
		}
		spec.Out, _ = filepath.Abs(t.TempDir())
		if _, preset := presets.Read(file); preset {
			spec.SetInput("--input", "x.wav")
			for _, o := range spec.Options {
				if o.Required && o.Name != "notes" {
					spec.SetOption(o, "1")
				} else if o.Required {
					spec.SetOption(o, "x.csv")
				}
			}
		}
		p, err := pipeline.Check(spec, registry())
		if err != nil {
			continue // it lacks what its README tells to give
		}
		one, err := p.Canonical(same, nil)
		if err != nil {
			t.Fatal(err)
		}
		again, err := pipeline.Parse(file, one)
		if err != nil {
			t.Fatalf("%s: %v\n%s", file, err, one)
		}
		again.Out = spec.Out
		q, err := pipeline.Check(again, registry())
		if err != nil {
			t.Errorf("%s: %v\n%s", file, err, one)
			continue
		}
		two, err := q.Canonical(same, nil)
		if err != nil || string(two) != string(one) {
			t.Errorf("%s: the canonical spec of\n%s\nis\n%s\n%v", file, one, two, err)
		}
		if p.Wiring() != q.Wiring() {
			t.Errorf("%s is wired\n%s\nand its canonical spec\n%s", file, p.Wiring(), q.Wiring())
		}
		checked++
	}
	if checked < len(presets.Names())+8 {
		t.Errorf("%d specs were checked; want the presets and the examples", checked)
	}
}
