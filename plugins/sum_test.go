//go:build unix

package plugins

import (
	"bytes"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/audiosep/audiosep"
)

// files writes files, those whose text begins with #! to be executed.
func files(t *testing.T, dir string, texts map[string]string) {
	t.Helper()
	for name, text := range texts {
		path, mode := filepath.Join(dir, name), os.FileMode(0o644)
		if strings.HasPrefix(text, "#!") {
			mode = 0o755
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
}

// TestSum holds the sum of a script against what sha256sum says, and sees that each file that it
// may import is in it.
func TestSum(t *testing.T) {
	dir := t.TempDir()
	script := filepath.Join(dir, prefix+"a")
	files(t, dir, map[string]string{prefix + "a": "#!/bin/sh\n", "notes.txt": "n"})
	sum := func() string {
		t.Helper()
		is, err := Sum(script)
		if err != nil {
			t.Fatal(err)
		}
		return is
	}
	shell := func(line string) string {
		t.Helper()
		cmd := exec.Command("sh", "-c", line)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Skipf("%v: %s", err, out)
		}
		return strings.Fields(string(out))[0]
	}
	if got, want := sum(), shell("sha256sum "+prefix+"a"); got != want {
		t.Errorf("the sum of one file is %s; want %s", got, want)
	}
	files(t, dir, map[string]string{
		"helper.py": "h", "pkg/__init__.py": "", "pkg/deep/x.py": "x", "data/w.npz": "w", "venv/lib/y.py": "y", // no code in venv itself
		"__pycache__/helper.pyc": "p", ".hidden/z.py": "z", "._helper.py": "mac", prefix + "b": "#!/bin/sh\n", prefix + "c/q.py": "q",
	})
	_, covers, err := Covers(script)
	if want := []string{prefix + "a", "helper.py", "pkg/__init__.py", "pkg/deep/x.py"}; err != nil || !slices.Equal(covers, want) {
		t.Fatalf("covered are %v, %v; want %v", covers, err, want)
	}
	before := sum()
	if want := shell("LC_ALL=C; sha256sum " + strings.Join(covers, " ") + " | sha256sum"); before != want {
		t.Errorf("the sum of several files is %s; want %s", before, want)
	}
	files(t, dir, map[string]string{"data/w.npz": "other", "__pycache__/helper.pyc": "other", prefix + "b": "#!/bin/sh\nother"})
	if sum() != before {
		t.Error("the sum changes with what is not imported")
	}
	for _, name := range []string{"helper.py", "pkg/deep/x.py", "numpy.py", "json/__init__.py"} {
		last := sum()
		if files(t, dir, map[string]string{name: "changed"}); sum() == last {
			t.Errorf("the sum does not change with %s", name)
		}
	}
	// A link leads to the code that Python imports.
	link := filepath.Join(t.TempDir(), prefix+"l")
	if err := os.Symlink(script, link); err != nil {
		t.Fatal(err)
	}
	if got, err := Sum(link); err != nil || got != sum() {
		t.Errorf("the sum of a link is %s, %v; want that of what it leads to, %s", got, err, sum())
	}
	// A program is one file, whatever is beside it.
	files(t, dir, map[string]string{prefix + "d": "\x7fELF"})
	if _, covers, err := Covers(filepath.Join(dir, prefix+"d")); err != nil || len(covers) != 1 {
		t.Errorf("covered are %v, %v; want the file alone", covers, err)
	}
}

// counted is a plugin that writes a line into a file whenever it is started.
func countedCode(t *testing.T, dir string) (starts func() int) {
	t.Helper()
	log := filepath.Join(t.TempDir(), "starts")
	files(t, dir, map[string]string{prefix + "counted": "#!/bin/sh\necho >> " + log + "\nexec " + filepath.Join(install(t, "good"), prefix+"good") + "\n"})
	return func() int {
		text, _ := os.ReadFile(log)
		return bytes.Count(text, []byte("\n"))
	}
}

// TestKnown asks a plugin once what it is, until one of its files changes.
func TestKnown(t *testing.T) {
	dir, known := t.TempDir(), filepath.Join(t.TempDir(), "known")
	starts := countedCode(t, dir)
	describe := func(wantStarts int) {
		t.Helper()
		h := NewHost(Options{Folders: []string{dir}, Known: known})
		defer h.Close()
		defs, err := h.Describe(t.Context(), "counted")
		if err != nil || len(defs) != len(testStages) || defs[0].Name != "counted/ramp" {
			t.Fatalf("there are %d stages, %v; want %d", len(defs), err, len(testStages))
		}
		if got := starts(); got != wantStarts {
			t.Errorf("the plugin was started %d times; want %d", got, wantStarts)
		}
	}
	describe(1)
	describe(1)
	files(t, dir, map[string]string{"helper.py": "new"})
	describe(2)
	describe(2)
	t.Setenv("PYTHONPATH", "elsewhere")
	describe(3)
	t.Setenv("AUDIOSEP_ENV", "other") // which wrappers name an environment of Python by
	describe(4)
	// What was kept and is damaged is asked for again.
	kept, err := os.ReadDir(known)
	if err != nil || len(kept) != 4 {
		t.Fatalf("%d are kept, %v; want 4", len(kept), err)
	}
	for _, e := range kept {
		if err := os.WriteFile(filepath.Join(known, e.Name()), []byte("nonsense"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	describe(5)
	describe(5)
	// A stage of a description that was kept runs like any other.
	h := NewHost(Options{Folders: []string{dir}, Known: known})
	defer h.Close()
	got, err := stageOf(t, h, "counted", "ramp", `{"samples": 10}`).run(t.Context(), audiosep.Env{}, nil)
	if err != nil || starts() != 6 {
		t.Fatalf("%v, %d starts; want 6", err, starts())
	}
	want, err := compiled(t, "ramp", `{"samples": 10}`).run(t.Context(), audiosep.Env{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "samples", numbersOf(t, got["audio"]), numbersOf(t, want["audio"]), 0)
}

// What a plugin says that is exchanged while it is asked is not kept: another may have said it.
func TestKnownWhileChanged(t *testing.T) {
	dir, known := t.TempDir(), filepath.Join(t.TempDir(), "known")
	path := filepath.Join(dir, prefix+"changed")
	good := "exec " + filepath.Join(install(t, "good"), prefix+"good") + "\n"
	files(t, dir, map[string]string{prefix + "new": "#!/bin/sh\n" + good, prefix + "changed": "#!/bin/sh\nmv " + filepath.Join(dir, prefix+"new") + " " + path + "\n" + good})
	h := NewHost(Options{Folders: []string{dir}, Known: known})
	defer h.Close()
	if _, err := h.Describe(t.Context(), "changed"); err != nil {
		t.Fatal(err)
	}
	if kept, _ := os.ReadDir(known); len(kept) != 0 {
		t.Errorf("%d are kept; want none", len(kept))
	}
}

// TestChangedWhileStarted has plugins exchange their own files while they start: what runs is what the sum is of,
// or nothing.
func TestChangedWhileStarted(t *testing.T) {
	good := "exec " + filepath.Join(install(t, "good"), prefix+"good") + "\n"
	for name, c := range map[string]struct{ text, want string }{
		"once":   {"#!/bin/sh\nmv $0.new $0\n" + good, ""},
		"always": {"#!/bin/sh\ncp -p $0 $0.more; echo '#' >> $0.more; mv $0.more $0\n" + good, "has changed while it was started; want it left alone"},
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, prefix+name)
		files(t, dir, map[string]string{prefix + name: c.text, prefix + name + ".new": "#!/bin/sh\n" + good})
		h := NewHost(Options{Folders: []string{dir}})
		defer h.Close()
		_, err := h.Describe(t.Context(), name)
		if c.want != "" {
			if err == nil || !strings.Contains(err.Error(), "plugin "+name+": "+path+" "+c.want) {
				t.Errorf("%s: error is %v; want %s", name, err, c.want)
			}
			h.Close()
			nothingLeft(t, h)
			continue
		}
		pin, failed := h.Pin(name)
		is, _ := Sum(path)
		if err != nil || failed != nil || pin != is {
			t.Errorf("%s: %v, %v, the sum is %s; want that of the new file, %s", name, err, failed, pin, is)
		}
	}
}

// TestChangedOnceDescribed exchanges a plugin between its description and the start of a stage's process: what was
// described is not there any more, until it is described anew.
func TestChangedOnceDescribed(t *testing.T) {
	dir := t.TempDir()
	good := "exec " + filepath.Join(install(t, "good"), prefix+"good") + "\n"
	h := NewHost(Options{Folders: []string{dir}})
	defer h.Close()
	files(t, dir, map[string]string{prefix + "changed": "#!/bin/sh\n" + good})
	run := func(s *ported) error {
		_, err := s.run(t.Context(), audiosep.Env{}, nil)
		return err
	}
	// The first stage takes the process that was described, the other wants one more.
	first, second := stageOf(t, h, "changed", "ramp", `{"samples": 10}`), stageOf(t, h, "changed", "ramp", `{"samples": 10}`)
	was, _ := h.Pin("changed")
	files(t, dir, map[string]string{prefix + "changed": "#!/bin/sh\n: new\n" + good})
	if err := run(first); err != nil {
		t.Error(err)
	}
	if err := run(second); err == nil || !strings.Contains(err.Error(), "has changed since it was described; want it left alone") {
		t.Errorf("error is %v; want that the plugin has changed", err)
	}
	if pin, err := h.Pin("changed"); err != nil || pin != was {
		t.Errorf("the sum is %s, %v; want %s, of what was described", pin, err, was)
	}
	if err := run(stageOf(t, h, "changed", "ramp", `{"samples": 10}`)); err != nil {
		t.Error(err)
	}
	is, _ := Sum(filepath.Join(dir, prefix+"changed"))
	if pin, err := h.Pin("changed"); err != nil || pin != is || is == was {
		t.Errorf("described anew the sum is %s, %v; want %s", pin, err, is)
	}
}

// TestOthers warns, once, of plugins that others may change.
func TestOthers(t *testing.T) {
	for name, c := range map[string]struct {
		path string
		mode os.FileMode
		want string
	}{
		"mine":     {prefix + "good", 0o755, ""},
		"file":     {prefix + "s", 0o757, "everybody may change"},
		"code":     {"helper.py", 0o646, "everybody may change"},
		"folder":   {".", 0o757, "everybody may change"},
		"sticky":   {".", 0o757 | os.ModeSticky, "everybody may change"},
		"above":    {"..", 0o757, "everybody may change"},
		"like tmp": {"..", 0o757 | os.ModeSticky, ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "plugins")
			files(t, dir, map[string]string{prefix + "s": "#!/bin/sh\nexit 3\n", "helper.py": "", prefix + "good": "#!/bin/sh\n"})
			if err := os.Chmod(filepath.Join(dir, c.path), c.mode); err != nil {
				t.Fatal(err)
			}
			var log bytes.Buffer
			h := NewHost(Options{Folders: []string{dir}, Log: slog.New(slog.NewTextHandler(&log, nil))})
			defer h.Close()
			for range 2 {
				h.Describe(t.Context(), "s")
			}
			if got := strings.Count(log.String(), "is not safe"); got != len(c.want)/max(1, len(c.want)) || !strings.Contains(log.String(), c.want) {
				t.Errorf("the log is %q; want one warning with %q", log.String(), c.want)
			}
		})
	}
}

// TestOwnFolder finds plugins in folders of their own, and in the user's own folder.
func TestOwnFolder(t *testing.T) {
	dir, home := t.TempDir(), t.TempDir()
	t.Setenv("AUDIOSEP_PLUGIN_HOME", home)
	t.Setenv("AUDIOSEP_PLUGINS", "")
	at := func(dir, name string) string { return filepath.Join(dir, prefix+name, prefix+name) }
	files(t, "/", map[string]string{
		at(dir, "a"): "#!/bin/sh\n", at(home, "a"): "#!/bin/sh\n", at(home, "b"): "#!/bin/sh\n",
		filepath.Join(home, prefix+"c"): "#!/bin/sh\n", at(home, "d"): "not executable", filepath.Join(home, prefix+"E"): "#!/bin/sh\n",
		filepath.Join(home, prefix+"empty", "README"): "",
	})
	h := NewHost(Options{Folders: []string{dir}})
	defer h.Close()
	if got := h.Names(); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("names are %v; want a, b and c", got)
	}
	for name, want := range map[string]string{"a": at(dir, "a"), "b": at(home, "b"), "c": filepath.Join(home, prefix+"c")} {
		if got, err := h.Path(name); got != want || err != nil {
			t.Errorf("%s is %s, %v; want %s", name, got, err, want)
		}
	}
	broken := map[string]string{}
	for _, f := range h.Found() {
		if f.Reason != "" {
			broken[f.Path] = f.Reason
		}
	}
	for path, want := range map[string]string{
		at(home, "a"): "found first", at(home, "d"): "want a file that can be executed", filepath.Join(home, prefix+"E"): "want lower-case",
	} {
		if !strings.Contains(broken[path], want) {
			t.Errorf("%s: %q; want %q", path, broken[path], want)
		}
		delete(broken, path)
	}
	if len(broken) > 0 {
		t.Errorf("broken are %v too", broken)
	}
}
