package whole

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// What is not there is told in the same words by all that opens or reads, and is fs.ErrNotExist to programs; so is
// what would lie below a file.
func TestAbsent(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(dir, "none", "x.wav"), filepath.Join(file, "x.wav")} {
		_, stat := Stat(path)
		_, open := Open(path)
		_, pipe := OpenPipe(t.Context(), path)
		_, read := ReadFile(path)
		_, _, sum := Sum(t.Context(), path)
		for name, err := range map[string]error{"Stat": stat, "Open": open, "OpenPipe": pipe, "ReadFile": read, "Sum": sum} {
			if want := "there is no file " + path; !errors.Is(err, fs.ErrNotExist) || err.Error() != want {
				t.Errorf("%s: %v; want %s", name, err, want)
			}
		}
		if _, err := ReadDir(path); !errors.Is(err, fs.ErrNotExist) || err.Error() != "there is no folder "+path {
			t.Errorf("ReadDir: %v", err)
		}
	}
	if _, err := ReadDir(file); err == nil || err.Error() != file+" is a file; want a folder" {
		t.Errorf("ReadDir of a file: %v", err)
	}
}

// What may not be read is told in the same words by all, and is fs.ErrPermission to programs.
func TestDenied(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.wav")
	if err := os.WriteFile(path, nil, 0); err != nil {
		t.Fatal(err)
	}
	if f, err := os.Open(path); err == nil {
		f.Close()
		t.Skip("this user, such as root, may read every file")
	}
	_, open := Open(path)
	_, pipe := OpenPipe(t.Context(), path)
	_, read := ReadFile(path)
	_, _, sum := Sum(t.Context(), path)
	for name, err := range map[string]error{"Open": open, "OpenPipe": pipe, "ReadFile": read, "Sum": sum} {
		if want := path + ": cannot be read: permission denied"; !errors.Is(err, fs.ErrPermission) || err.Error() != want {
			t.Errorf("%s: %v; want %s", name, err, want)
		}
	}
}
