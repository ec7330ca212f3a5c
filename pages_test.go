//go:build !race

package audiosep_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// block is a block of commands in a page, and what stands right before it.
var block = regexp.MustCompile("(?m)^(<!-- (?:long|release) -->\n)?```sh\n((?s:.*?))^```$")

// TestCommandsOfPages runs the commands of every page, in its order, each page in a fresh
// copy of the repository: what a reader would do, whose program keeps what was learnt, too, from
// one page to the next. Those marked <!-- long --> are left out;
// they are run by others of the project's checks, or print the figures of docs. Those marked
// <!-- release --> are run where AUDIOSEP_RELEASE is set.
func TestCommandsOfPages(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the program and runs the examples")
	}
	pages, err := filepath.Glob("examples/*/README.md")
	if err != nil {
		t.Fatal(err)
	}
	docs, _ := filepath.Glob("docs/*.md")
	bin, learnt := t.TempDir(), t.TempDir()
	build(t, bin)
	for _, page := range append(append([]string{"README.md"}, pages...), docs...) {
		t.Run(page, func(t *testing.T) {
			t.Parallel() // most pages wait for interpreters and work on one thread
			text, err := os.ReadFile(page)
			if err != nil {
				t.Fatal(err)
			}
			script := "set -eu\n"
			for _, b := range block.FindAllStringSubmatch(string(text), -1) {
				if b[1] == "" || os.Getenv("AUDIOSEP_RELEASE") != "" && strings.Contains(b[1], "release") {
					script += b[2]
				}
			}
			if script == "set -eu\n" {
				t.Skip("the page has no commands")
			}
			if strings.Contains(page, "node") && exec.Command("node", "--version").Run() != nil {
				t.Skip("there is no node")
			}
			path := os.Getenv("PATH")
			if page != "README.md" { // which builds it itself
				path = bin + ":" + path
			}
			dir := clone(t)
			runShell(t, dir, script, path, learnt)
			nothingUntracked(t, dir)
		})
	}
}

// runShell runs commands of a page in a folder. What stages learn is kept in the folder learnt.
func runShell(t *testing.T, dir, script, path, learnt string) {
	t.Helper()
	if strings.Contains(script, "python") {
		path = python(t) + ":" + path
	}
	cmd := exec.Command("sh", "-c", script)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "AUDIOSEP_CACHE="+learnt, "AUDIOSEP_PLUGIN_HOME="+filepath.Join(t.TempDir(), "plugins"), "PATH="+path,
		"PYTHONDONTWRITEBYTECODE=", // which would have the SDK compiled for each process
		"GZIP=-1")                  // packed in less time
	cmd.Env = append(cmd.Env, compiledOnce...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v:\n%s\n%s", err, script, out)
	}
}

// nothingUntracked sees that git ignores what commands have left in a copy of the repository, so that whoever
// follows a page in a clone finds it as clean as before.
func nothingUntracked(t *testing.T, dir string) {
	t.Helper()
	var left []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if _, missing := os.Stat(name); missing != nil {
			left = append(left, filepath.ToSlash(name))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("git", "check-ignore", "--no-index", "-z", "--stdin")
	cmd.Stdin = strings.NewReader(strings.Join(left, "\x00"))
	ignored, _ := cmd.Output() // fails where none is
	for file := range strings.SplitSeq(string(ignored), "\x00") {
		if i, found := slices.BinarySearch(left, file); found {
			left = slices.Delete(left, i, i+1)
		}
	}
	if len(left) > 0 {
		t.Errorf("left behind, and not in .gitignore: %q", left)
	}
}

// hasPlugins tells whether Python has what plugins need.
var hasPlugins = sync.OnceValue(func() bool {
	return exec.Command(python3, "-c", "import numpy, grpc, google.protobuf").Run() == nil
})

const python3 = "/usr/bin/python3"

// python returns a folder with a python3 that has what plugins need.
func python(t *testing.T) string {
	t.Helper()
	if !hasPlugins() {
		t.Skip("there is no python3 with numpy, grpcio and protobuf")
	}
	dir := t.TempDir()
	if err := os.Symlink(python3, filepath.Join(dir, "python3")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// compiledOnce is the environment in which copies of the repository share what is compiled: as the
// program of a release is built, and like it without what only debuggers read, which is half of linking. Compilers
// and linkers are gone before their garbage matters.
var compiledOnce = []string{"GOFLAGS=-trimpath -ldflags=-s -buildvcs=false", "CGO_ENABLED=0", "GOGC=400"}

func build(t *testing.T, bin string) {
	t.Helper()
	cmd := exec.Command("go", "build", "-o", bin, "./cmd/audiosep")
	cmd.Env = append(os.Environ(), compiledOnce...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// clone copies the files of the repository: those that git knows, and code that it does not
// know yet, but nothing that commands of the pages have left beside them.
func clone(t *testing.T) string {
	t.Helper()
	list, err := exec.Command("git", "ls-files", "-z").Output()
	if err != nil {
		t.Skipf("this is no checkout of git, which knows the files: %v", err)
	}
	added, err := exec.Command("git", "ls-files", "-z", "--others", "--exclude-standard", "*.go").Output()
	if err != nil {
		t.Fatal(err)
	}
	list = append(list, added...)
	dir := t.TempDir()
	for file := range strings.SplitSeq(strings.Trim(string(list), "\x00"), "\x00") {
		info, err := os.Stat(file)
		if os.IsNotExist(err) { // removed, and not committed yet
			continue
		}
		var text []byte
		if err == nil {
			text, err = os.ReadFile(file)
		}
		to := filepath.Join(dir, file)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(to), 0o755)
		}
		if err == nil {
			err = os.WriteFile(to, text, info.Mode())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
