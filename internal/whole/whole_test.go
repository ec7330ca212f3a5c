package whole

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func names(t *testing.T, dir string) string {
	t.Helper()
	var all []string
	filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if rel, _ := filepath.Rel(dir, path); err == nil && rel != "." {
			all = append(all, rel)
		}
		return nil
	})
	return strings.Join(all, " ")
}

func write(t *testing.T, s *Set, path, text string) {
	t.Helper()
	f, err := s.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

func content(path string) string { b, _ := os.ReadFile(path); return string(b) }

// Files of a set appear together, with the folders they need, and leave no trace otherwise.
func TestSet(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "new", "a"), filepath.Join(dir, "b")
	for _, commit := range []bool{false, true} {
		var s Set
		write(t, &s, a, "one")
		write(t, &s, b, "two")
		if _, err := os.Stat(a); err == nil {
			t.Error("a file is seen before Commit")
		}
		if commit {
			if err := s.Commit(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		want := map[bool]string{false: "", true: "b new new/a"}[commit]
		if got := names(t, dir); got != want {
			t.Errorf("committed %v: the folder has %q; want %q", commit, got, want)
		}
	}
	if content(a) != "one" || content(b) != "two" {
		t.Errorf("the files hold %q and %q", content(a), content(b))
	}
}

// Where one file cannot be put in its place, none is, and what was replaced is back.
func TestSetIsAllOrNothing(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	os.WriteFile(a, []byte("old"), 0o600)
	os.Mkdir(b, 0o700) // cannot be replaced while something is in it
	os.WriteFile(filepath.Join(b, "c"), nil, 0o600)
	s := Set{Overwrite: true}
	write(t, &s, a, "new")
	write(t, &s, b, "new")
	// A folder is moved aside as a file would be, so that only a name in the way stops it.
	os.RemoveAll(b)
	s.Overwrite = false
	if err := s.Commit(context.Background()); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Commit over a file: %v; want that it exists", err)
	}
	s.Close()
	if content(a) != "old" || names(t, dir) != "a" {
		t.Errorf("%q holds %q", names(t, dir), content(a))
	}
}

func TestWithdraw(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	os.WriteFile(a, []byte("old"), 0o600)
	s := Set{Overwrite: true}
	write(t, &s, a, "new")
	write(t, &s, b, "new")
	if err := s.Commit(context.Background()); err != nil || content(a) != "new" {
		t.Fatal(err, content(a))
	}
	if err := errors.Join(s.Withdraw(), s.Close()); err != nil {
		t.Error(err)
	}
	if content(a) != "old" || names(t, dir) != "a" {
		t.Errorf("%q holds %q after Withdraw", names(t, dir), content(a))
	}
}

func TestAllowed(t *testing.T) {
	dir := t.TempDir()
	file, link, sub := filepath.Join(dir, "file"), filepath.Join(dir, "link"), filepath.Join(dir, "sub")
	os.WriteFile(file, nil, 0o600)
	os.Symlink(file, link)
	os.Mkdir(sub, 0o700)
	for _, c := range []struct {
		path      string
		overwrite bool
		want      string // of the error, empty for none
	}{
		{filepath.Join(dir, "free"), false, ""},
		{filepath.Join(dir, "new", "folder", "free"), false, ""},
		{file, false, "exists already; overwrite (--overwrite) replaces it"},
		{sub, true, "is a folder; want another name"},
		{file, true, "would be replaced, but it is read too"},
		{link, true, "would be replaced, but it is read too"},
		{filepath.Join(file, "below"), false, "is no folder"},
		{filepath.Join(dir, strings.Repeat("n", 300)), false, "is 300 bytes long; want at most 255"},
		{filepath.Join(dir, "none", strings.Repeat("n", 256)), false, "is 256 bytes long"},
	} {
		err := Allowed(c.path, c.overwrite, []string{file})
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s, overwrite %v: %v; want %q", c.path, c.overwrite, err, c.want)
		}
	}
	if err := Room(filepath.Join(dir, "none"), 1<<62); err == nil || !strings.Contains(err.Error(), "MB left") {
		t.Errorf("no space for 4 EB: %v", err)
	}
	if err := Room(dir, 1); err != nil {
		t.Error(err)
	}
}

// What a program that was killed has left goes when the next writes into the folder; what
// another is writing stays.
func TestSweep(t *testing.T) {
	dir := t.TempDir()
	left := filepath.Join(dir, ".audiosep-KILLED.part")
	os.WriteFile(left, []byte("half"), 0o600)
	var other, own Set
	write(t, &other, filepath.Join(dir, "a"), "one")
	if _, err := os.Stat(left); err == nil {
		t.Error("what was left is still there")
	}
	write(t, &own, filepath.Join(dir, "b"), "two")
	for _, s := range []*Set{&other, &own} {
		if err := errors.Join(s.Commit(context.Background()), s.Close()); err != nil {
			t.Error(err)
		}
	}
	if names(t, dir) != "a b" {
		t.Errorf("the folder has %q", names(t, dir))
	}
}

// Commit has each file and each folder whose names have changed reach the disk.
func TestCommitSyncs(t *testing.T) {
	dir := t.TempDir()
	defer func(before func(*os.File) error) { sync = before }(sync)
	synced := map[string]int{}
	files := 0
	sync = func(f *os.File) error {
		if info, err := f.Stat(); err == nil && info.IsDir() {
			synced[f.Name()]++
		} else {
			files++
		}
		return nil
	}
	var s Set
	write(t, &s, filepath.Join(dir, "new", "a"), "one")
	write(t, &s, filepath.Join(dir, "b"), "two")
	if err := errors.Join(s.Commit(context.Background()), s.Close()); err != nil {
		t.Fatal(err)
	}
	if files != 2 || runtime.GOOS != "windows" && (synced[dir] == 0 || synced[filepath.Join(dir, "new")] == 0) {
		t.Errorf("%d files and the folders %v were synced; want 2 files, the folder and the new one", files, synced)
	}
}
