//go:build unix

package plugins

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/pipeline"
	"github.com/audiosep/audiosep/pipeline/contract"
	"github.com/audiosep/audiosep/pipeline/stagetest"
)

// scaffoldShapes are what is begun in tests: the common shapes, every cargo alone at either
// end, and some of several ports.
func scaffoldShapes(t *testing.T) (all [][2][]audiosep.Port) {
	t.Helper()
	ports := func(text string) (all []audiosep.Port) {
		for _, f := range strings.Fields(text) {
			p, err := ParsePort(f)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, p)
		}
		return all
	}
	for _, c := range commonShapes {
		all = append(all, [2][]audiosep.Port{c.shape.In, c.shape.Out})
	}
	shapes := []string{
		"notes power ; factors", "parts=audio* score=notes? ; mix=audio", "transform? factors? ; ", "; transform? factors?", "coefs notes ; sources notes",
		"audio frames transform coefs power factors notes sources ; audio frames transform coefs power factors notes sources",
		"; audio frames transform coefs power factors notes sources", "audio frames transform coefs power factors notes sources ;", "audio? ; audio", "coefs? notes? ; sources notes",
	}
	for _, from := range audiosep.Cargoes() {
		for _, to := range audiosep.Cargoes() {
			shapes = append(shapes, string(from)+" ; "+string(to))
		}
		shapes = append(shapes, string(from)+" ;", "; "+string(from))
	}
	for _, s := range shapes {
		in, out, _ := strings.Cut(s, ";")
		if i, o := ports(in), ports(out); common(i, o) < 0 {
			all = append(all, [2][]audiosep.Port{i, o})
		}
	}
	return all
}

// TestScaffold writes projects of all shapes. Those in Go are compiled as far as types go. Some, and
// all with AUDIOSEP_CHAOS, are built, their stages held to the contract, and their pipelines run.
func TestScaffold(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	t.Parallel() // it waits a lot
	for _, language := range Languages {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			if language == "python" {
				needPython(t)
			}
			dirs := t.TempDir()
			var all []string
			shapes := scaffoldShapes(t)
			for i, s := range shapes {
				name := fmt.Sprintf("my_%d", i)
				dir := filepath.Join(dirs, name)
				if _, err := Scaffold(Project{Dir: dir, Language: language, Name: name, In: s[0], Out: s[1]}); err != nil {
					t.Fatal(err)
				}
				all = append(all, dir)
			}
			some := map[string]int{"go": 12, "python": 37}[language] // processes take long to start
			if os.Getenv("AUDIOSEP_CHAOS") != "" {
				some = 1
			}
			if language == "go" {
				checkTypes(t, all)
				var built []string
				for i := 0; i < len(all); i += some {
					built = append(built, all[i])
				}
				buildScaffolds(t, built)
			}
			for i := 0; i < len(all); i += some {
				t.Run(fmt.Sprintf("%s to %s", portWords(shapes[i][0]), portWords(shapes[i][1])), func(t *testing.T) { checkScaffold(t, all[i], shapes[i]) })
			}
		})
	}
}

// checkTypes holds the Go files of projects to the compiler's rules of types, all in one process, which
// takes a twentieth of what compiling each does.
func checkTypes(t *testing.T, dirs []string) {
	t.Helper()
	fset, imported := token.NewFileSet(), map[string]bool{}
	projects := make([][]*ast.File, len(dirs))
	for i, dir := range dirs {
		for _, name := range []string{"main.go", "main_test.go"} {
			f, err := parser.ParseFile(fset, filepath.Join(dir, name), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			projects[i] = append(projects[i], f)
			for _, spec := range f.Imports {
				path, _ := strconv.Unquote(spec.Path.Value)
				imported[path] = true
			}
		}
	}
	list := append([]string{"list", "-export", "-deps", "-f", "{{.ImportPath}}={{.Export}}"}, slices.Sorted(maps.Keys(imported))...)
	out, err := exec.Command("go", list...).Output()
	if err != nil {
		t.Fatal(err)
	}
	exports := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), "=")
		exports[path] = file
	}
	config := types.Config{
		Importer: importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) }),
		Error:    func(err error) { t.Error(err) },
	}
	for i := range dirs {
		config.Check("main", fset, projects[i], nil) // tells config.Error
	}
}

// buildScaffolds builds one program of all projects, which is linked once, within this
// module, as they would be built with it published.
func buildScaffolds(t *testing.T, dirs []string) {
	t.Helper()
	// Under a name that is always the same go finds what it has compiled of them. Of two runs at once one has another.
	within := filepath.Join("testdata", "scaffold")
	err := os.Mkdir(within, 0o755)
	if errors.Is(err, fs.ErrExist) {
		within, err = os.MkdirTemp("testdata", "scaffold-")
	}
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
		part = regexp.MustCompile(`func main\(\) \{ plugins.Serve\((.*)\) \}`).ReplaceAllString(part, "var Serve = func() { plugins.Serve($1) }")
		write(part, name, "main.go")
		test, err := os.ReadFile(filepath.Join(dir, "main_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		write(strings.Replace(string(test), "package main", "package "+name, 1), name, "main_test.go")
		imports += "\n" + `"github.com/audiosep/audiosep/plugins/` + filepath.ToSlash(filepath.Join(within, name)) + `"`
		stages += fmt.Sprintf("%q: %s.Serve,\n", prefix+name, name)
	}
	write("package main\nimport (\n\"os\"\n\"path/filepath\"\n"+imports+"\n)\nvar _ = plugins.Serve\nfunc main() { map[string]func(){\n"+stages+"}[filepath.Base(os.Args[0])]() }\n", "all", "main.go")
	all := filepath.Join(dirs[0], "all")
	vet := []string{"vet"}
	for _, dir := range dirs {
		vet = append(vet, "./"+within+"/"+filepath.Base(dir))
	}
	for _, args := range [][]string{{"build", "-ldflags=-s", "-o", all, "./" + within + "/all"}, vet} {
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

func checkScaffold(t *testing.T, dir string, shape [2][]audiosep.Port) {
	name := filepath.Base(dir)
	h := NewHost(Options{Folders: []string{dir}})
	t.Cleanup(func() { h.Close() })
	defs, err := h.Describe(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	oneProcess(t, h, name)
	d := defs[slices.IndexFunc(defs, func(d audiosep.Definition) bool { return d.Name == name+"/"+name })]
	if common(shape[0], shape[1]) < 0 && !samePorts(d.Shape, audiosep.Shape{In: shape[0], Out: shape[1]}) {
		t.Errorf("the ports are %v and %v; want %v and %v", d.In, d.Out, shape[0], shape[1])
	}
	o := contract.Options{Many: 1000, Length: 16}
	if len(d.Out) == 0 {
		o.Folder = t.TempDir()
		o.Params = []byte(`{"file": "` + filepath.Join(o.Folder, "written.txt") + `"}`)
	}
	stagetest.With(t, d, o)

	if files := runExample(t, pipeline.NewRegistry(builtin(), defs), filepath.Join(dir, "pipeline.json"), "", ""); len(files) == 0 && !slices.ContainsFunc(d.Out, func(p audiosep.Port) bool { return p.Cargo == audiosep.CargoNotes }) {
		t.Error("the pipeline wrote nothing")
	}
}

func TestScaffoldRefuses(t *testing.T) {
	dir := t.TempDir()
	audio := []audiosep.Port{{Name: "audio", Cargo: audiosep.CargoAudio}}
	for _, c := range []struct {
		dir, language, name string
		in, out             []audiosep.Port
		want                string
	}{
		{"a", "go", "My-Stage", audio, audio, `the name is "My-Stage"; want lower-case`},
		{"a", "cobol", "x", audio, audio, `the language is "cobol"; want one of [go python]`},
		{"a", "go", "x", nil, nil, "there are no ports"},
		{"a", "go", "x", append(audio, audio...), nil, `what it takes: two ports are called "audio"`},
		{"a", "go", "x", nil, []audiosep.Port{{Name: "audio", Cargo: audiosep.CargoAudio, Many: true}}, `what it makes: output "audio" is many`},
		{".", "go", "x", audio, audio, "exists"},
	} {
		_, err := Scaffold(Project{Dir: filepath.Join(dir, c.dir), Language: c.language, Name: c.name, In: c.in, Out: c.out})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error is %v; want %q", err, c.want)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
	if _, err := Scaffold(Project{Dir: filepath.Join(dir, "a"), Language: "go", Name: "x", In: audio, Replace: dir}); err == nil || !strings.Contains(err.Error(), "want a clone") {
		t.Errorf("error is %v; want that there is no clone", err)
	}
	if _, err := ParsePort("smell"); err == nil || !strings.Contains(err.Error(), `port "smell" has the cargo "smell"; want one of [audio`) {
		t.Errorf("error is %v; want that there is no such cargo", err)
	}
}

// TestFresh holds what is made from stage.proto against it.
func TestFresh(t *testing.T) {
	if testing.Short() {
		t.Skip("it compiles a program")
	}
	t.Parallel()
	if _, err := exec.LookPath("protoc"); err != nil {
		t.Skip("there is no protoc")
	}
	cmd := exec.CommandContext(context.Background(), "go", "run", "generate.go", "-check")
	cmd.Dir = "wire"
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestCommandsOfProjects sees that docs/plugins-share.md, which is run from an empty folder, has the
// commands in it that stand in the README of a new project, as they stand there.
func TestCommandsOfProjects(t *testing.T) {
	page, err := os.ReadFile("../docs/plugins-share.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?m)^```sh\n((?s:.*?))^```$")
	audio, coefs, stems := []audiosep.Port{{Name: "audio", Cargo: audiosep.CargoAudio}}, []audiosep.Port{{Name: "coefs", Cargo: audiosep.CargoCoefs}}, []audiosep.Port{{Name: "sources", Cargo: audiosep.CargoSources}}
	for _, p := range []Project{{Language: "go", In: audio, Out: stems, Replace: ".."}, {Language: "python", In: coefs, Out: stems}} {
		p.Dir, p.Name = filepath.Join(t.TempDir(), "audiosep-plugin-mine"), "mine"
		if _, err := Scaffold(p); err != nil {
			t.Fatal(err)
		}
		readme, err := os.ReadFile(filepath.Join(p.Dir, "README.md"))
		if err != nil {
			t.Fatal(err)
		}
		blocks := block.FindAllStringSubmatch(string(readme), -1)
		if len(blocks) < 2 {
			t.Errorf("%s: the README has %d blocks of commands; want at least 2", p.Language, len(blocks))
		}
		for _, b := range blocks {
			if !strings.Contains(string(page), "```sh\n"+b[1]+"```\n") {
				t.Errorf("%s: the page has not\n%s", p.Language, b[1])
			}
		}
	}
}
