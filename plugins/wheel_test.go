//go:build unix

package plugins

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/audiosep/audiosep"
)

// TestSDKPackage packs the SDK in Python, installs the wheel without a network, and runs a plugin that
// has the SDK from there alone.
func TestSDKPackage(t *testing.T) {
	if testing.Short() {
		t.Skip("it installs a package")
	}
	needPython(t)
	if err := exec.Command("/usr/bin/python3", "-c", "import importlib.util as u, sys; sys.exit(not u.find_spec('pip'))").Run(); err != nil {
		t.Skip("there is no pip")
	}
	dir := t.TempDir()
	run := func(args ...string) {
		t.Helper()
		if out, err := exec.Command("/usr/bin/python3", args...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	run("../scripts/package.py", "1.2.3", "--sdk", dir)
	run("-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-compile", "--disable-pip-version-check", "--target", filepath.Join(dir, "site"), filepath.Join(dir, "audiosep_plugin-1.2.3-py3-none-any.whl"))
	about, err := os.ReadFile(filepath.Join(dir, "site", "audiosep_plugin-1.2.3.dist-info", "METADATA"))
	if err != nil || !strings.Contains(string(about), "Name: audiosep-plugin\nVersion: 1.2.3\n") || !strings.Contains(string(about), "Requires-Dist: grpcio") {
		t.Errorf("%v: the wheel says %q", err, about)
	}
	project := filepath.Join(dir, "project")
	frames, coefs := []audiosep.Port{{Name: "frames", Cargo: audiosep.CargoFrames}}, []audiosep.Port{{Name: "coefs", Cargo: audiosep.CargoCoefs}}
	if _, err := Scaffold(Project{Dir: project, Language: "python", Name: "packed", In: frames, Out: coefs}); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(project, "audiosep_plugin.py")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PYTHONPATH", filepath.Join(dir, "site"))
	// As the README has it, a wrapper names the environment.
	plugin := filepath.Join(project, prefix+"packed")
	if err := os.Rename(plugin, filepath.Join(project, "packed.py")); err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile(filepath.Join(project, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, wrapper, _ := strings.Cut(string(readme), "```\n#!/bin/sh\n")
	wrapper, _, _ = strings.Cut(wrapper, "```")
	files(t, project, map[string]string{prefix + "packed": "#!/bin/sh\n" + wrapper})
	t.Setenv("AUDIOSEP_ENV", "/usr")
	h := NewHost(Options{Folders: []string{project}})
	defer h.Close()
	if defs, err := h.Describe(t.Context(), "packed"); err != nil || defs[0].Name != "packed/packed" {
		t.Fatalf("%v, %v", defs, err)
	}
}

// TestProjectVersion has a project build with the released version that began it.
func TestProjectVersion(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "x")
	audio := []audiosep.Port{{Name: "audio", Cargo: audiosep.CargoAudio}}
	if _, err := Scaffold(Project{Dir: dir, Language: "go", Name: "x", In: audio, Out: audio, Version: "v1.2.3"}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if want := "module audiosep-plugin-x\n\ngo 1.26\n\nrequire github.com/audiosep/audiosep v1.2.3\n"; err != nil || string(text) != want {
		t.Errorf("go.mod is %q, %v; want %q", text, err, want)
	}
	// What is built is not to be committed, as Go would say that the version has changes.
	ignored, err := os.ReadFile(filepath.Join(dir, ".gitignore"))
	if err != nil || !strings.HasPrefix(string(ignored), "/audiosep-plugin-x\n") {
		t.Errorf("git ignores %q, %v; want the program first", ignored, err)
	}
}
