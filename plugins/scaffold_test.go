//go:build unix

package plugins

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/pipeline"
	"github.com/audiosep/audiosep/pipeline/contract"
	"github.com/audiosep/audiosep/pipeline/stagetest"
)

// TestScaffold writes a project for every kind and language, builds it, holds its stage to
// the contract, and checks its pipeline. All that are in Python are tried with
// AUDIOSEP_CHAOS only.
func TestScaffold(t *testing.T) {
	for _, language := range Languages {
		t.Run(language, func(t *testing.T) {
			if language == "python" {
				needPython(t)
			}
			dirs := t.TempDir()
			var all []string
			for _, kind := range ScaffoldKinds() {
				name := "my_" + strings.ReplaceAll(string(kind), "-", "_")
				dir := filepath.Join(dirs, name)
				if _, err := Scaffold(dir, language, kind, name); err != nil {
					t.Fatal(err)
				}
				all = append(all, dir)
			}
			if language == "go" {
				buildScaffolds(t, all)
			}
			for i, dir := range all {
				kind := ScaffoldKinds()[i]
				if language == "python" && kind != kindFramer && os.Getenv("AUDIOSEP_CHAOS") == "" {
					continue // a process for each check takes long to start
				}
				t.Run(string(kind), func(t *testing.T) { checkScaffold(t, dir) })
			}
		})
	}
}

// buildScaffolds builds one program of all projects, which is linked once, within this
// module, as they would be built with it published.
func buildScaffolds(t *testing.T, dirs []string) {
	t.Helper()
	within, err := os.MkdirTemp("testdata", "scaffold-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(within) })
	write := func(text string, path ...string) {
		file := filepath.Join(append([]string{within}, path...)...)
		os.MkdirAll(filepath.Dir(file), 0o755)
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	imports, stages := `"github.com/audiosep/audiosep/plugins"`, ""
	for _, dir := range dirs {
		name := filepath.Base(dir)
		text, err := os.ReadFile(filepath.Join(dir, "main.go"))
		if err != nil {
			t.Fatal(err)
		}
		part := strings.Replace(string(text), "package main", "package "+name, 1)
		part = strings.Replace(part, "func main() { plugins.Serve(stage) }", "var Stage, _ = stage, plugins.Serve", 1)
		write(part, name, "main.go")
		test, err := os.ReadFile(filepath.Join(dir, "main_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		write(strings.Replace(string(test), "package main", "package "+name, 1), name, "main_test.go")
		imports += "\n" + `"github.com/audiosep/audiosep/plugins/` + filepath.ToSlash(filepath.Join(within, name)) + `"`
		stages += name + ".Stage, "
	}
	write("package main\nimport (\n"+imports+"\n)\nfunc main() { plugins.Serve("+stages+") }\n", "all", "main.go")
	all := filepath.Join(dirs[0], "all")
	for _, args := range [][]string{{"build", "-o", all, "./" + within + "/all"}, {"vet", "./" + within + "/my_transformer", "./" + within + "/my_sink"}} {
		if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	if out, _ := exec.Command("gofmt", "-l", within).CombinedOutput(); strings.Contains(string(out), "my_") {
		t.Errorf("gofmt would change %s", out)
	}
	for _, dir := range dirs {
		if err := os.Symlink(all, filepath.Join(dir, prefix+filepath.Base(dir))); err != nil {
			t.Fatal(err)
		}
	}
}

func checkScaffold(t *testing.T, dir string) {
	name := filepath.Base(dir)
	h := NewHost(Options{Folders: []string{dir}})
	t.Cleanup(func() { h.Close() })
	defs, err := h.Describe(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	d := defs[slices.IndexFunc(defs, func(d audiosep.Definition) bool { return d.Name == name+"/"+name })]
	o := contract.Options{Many: 1000, Length: 16}
	if len(d.Out) == 0 {
		o.Folder = t.TempDir()
		o.Params = []byte(`{"file": "` + filepath.Join(o.Folder, "peaks.txt") + `"}`)
	}
	stagetest.With(t, d, o)

	text, err := os.ReadFile(filepath.Join(dir, "pipeline.json"))
	if err != nil {
		t.Fatal(err)
	}
	reg := pipeline.NewRegistry(builtin(), defs)
	spec, err := pipeline.Parse(filepath.Join(dir, "pipeline.json"), text)
	if err == nil {
		_, err = pipeline.Check(spec, reg)
	}
	if err != nil {
		t.Error(err)
	}
}

func TestScaffoldRefuses(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct{ dir, language, kind, name, want string }{
		{"a", "go", "transformer", "My-Stage", `the name is "My-Stage"; want lower-case`},
		{"a", "cobol", "transformer", "x", "there is no beginning of a transformer in cobol; want one of [source framer"},
		{"a", "go", "../../x", "x", "there is no beginning"},
		{".", "go", "transformer", "x", "exists"},
	} {
		_, err := Scaffold(filepath.Join(dir, c.dir), c.language, Kind(c.kind), c.name)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error is %v; want %q", err, c.want)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}

// TestFresh holds what is made from stage.proto against it.
func TestFresh(t *testing.T) {
	if _, err := exec.LookPath("protoc"); err != nil {
		t.Skip("there is no protoc")
	}
	cmd := exec.CommandContext(context.Background(), "go", "run", "generate.go", "-check")
	cmd.Dir = "wire"
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
