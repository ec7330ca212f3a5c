package pipeline_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/factorizers"
	"github.com/audiosep/audiosep/models"
	"github.com/audiosep/audiosep/notes"
	"github.com/audiosep/audiosep/pipeline"
	"github.com/audiosep/audiosep/separators"
	"github.com/audiosep/audiosep/transforms"
)

var update = flag.Bool("update", false, "rewrite what the golden files want")

func registry() *pipeline.Registry {
	return pipeline.NewRegistry(audio.Stages, transforms.Stages, factorizers.Stages, separators.Stages, models.Stages, notes.Stages)
}

// TestCheck holds specs against the problems that they must give, or the wiring.
func TestCheck(t *testing.T) {
	files, err := filepath.Glob("testdata/check/*.txtar")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d golden files, %v; want at least 40", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { checkGolden(t, file) })
	}
}

func checkGolden(t *testing.T, file string) {
	arc, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	parts := map[string]int{}
	for i, f := range arc.Files {
		parts[f.Name] = i
	}
	var flags []string
	if i, ok := parts["set"]; ok {
		flags = strings.Fields(string(arc.Files[i].Data))
	}
	got := check(arc.Files[parts["spec.json"]].Data, flags)
	want := &arc.Files[parts["want"]]
	if *update {
		want.Data = []byte(got)
		if err := os.WriteFile(file, txtar.Format(arc), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(want.Data), got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func check(text []byte, flags []string) string {
	spec, err := pipeline.Parse("spec.json", text)
	if err != nil {
		return err.Error() + "\n"
	}
	for _, f := range flags {
		spec.Set(f)
	}
	p, err := pipeline.Check(spec, registry())
	if err != nil {
		return err.Error() + "\n"
	}
	return p.Wiring()
}

// FuzzSpec checks that no text makes Parse or Check panic, and that whatever is said of
// one names a place in it.
func FuzzSpec(f *testing.F) {
	files, _ := filepath.Glob("testdata/check/*.txtar")
	for _, file := range files {
		arc, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(arc.Files[0].Data, "is_nmf.rank=12")
	}
	reg := registry()
	f.Fuzz(func(t *testing.T, text []byte, set string) {
		spec, err := pipeline.Parse("spec.json", text)
		if err == nil {
			spec.Set(set)
			_, err = pipeline.Check(spec, reg)
		}
		if err == nil {
			return
		}
		problems, ok := err.(pipeline.Problems)
		if !ok || len(problems) == 0 {
			t.Fatalf("%T: %v; want Problems", err, err)
		}
		lines := strings.Count(string(text), "\n") + 1
		for _, p := range problems {
			if p.Flag == "" && (p.Line < 1 || p.Line > lines || p.Col < 1) || p.What == "" {
				t.Errorf("%+v names no place in %d lines", p, lines)
			}
		}
	})
}
