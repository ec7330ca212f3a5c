//go:build !race

package audiosep_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// block is a block of commands in a page, and what stands right before it.
var block = regexp.MustCompile("(?m)^(<!-- long -->\n)?```sh\n((?s:.*?))^```$")

// TestCommandsOfPages runs the commands of every page, in its order, each page in a fresh
// copy of the repository: what a reader would do. Those marked <!-- long --> are left out;
// they are run by others of the project's checks, or print the figures of docs.
func TestCommandsOfPages(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the program and runs the examples")
	}
	pages, err := filepath.Glob("examples/*/README.md")
	if err != nil {
		t.Fatal(err)
	}
	docs, _ := filepath.Glob("docs/*.md")
	bin := t.TempDir()
	build(t, bin)
	for _, page := range append(append([]string{"README.md"}, pages...), docs...) {
		t.Run(page, func(t *testing.T) {
			text, err := os.ReadFile(page)
			if err != nil {
				t.Fatal(err)
			}
			script := "set -eu\n"
			for _, b := range block.FindAllStringSubmatch(string(text), -1) {
				if b[1] == "" {
					script += b[2]
				}
			}
			if script == "set -eu\n" {
				t.Skip("the page has no commands")
			}
			if strings.Contains(script, "python") && exec.Command("/usr/bin/python3", "-c", "import numpy, grpc, google.protobuf").Run() != nil {
				t.Skip("there is no python3 with numpy, grpcio and protobuf")
			}
			cmd := exec.Command("sh", "-c", script)
			cmd.Dir = clone(t)
			cmd.Env = append(os.Environ(), "AUDIOSEP_CACHE=off", "GOFLAGS=-trimpath") // so that copies share what is compiled
			if page != "README.md" {                                                  // which builds it itself
				cmd.Env = append(cmd.Env, "PATH="+bin+":"+os.Getenv("PATH"))
			}
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v:\n%s\n%s", err, script, out)
			}
		})
	}
}

func build(t *testing.T, bin string) {
	t.Helper()
	cmd := exec.Command("go", "build", "-o", bin, "./cmd/audiosep")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
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
