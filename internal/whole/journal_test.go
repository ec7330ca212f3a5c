package whole

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// What is published in a context with a journal can be taken back by another process until the journal
// ends, the files that were there before with it; what somebody else has put there since stays.
func TestJournal(t *testing.T) {
	for _, keep := range []bool{false, true} {
		for _, done := range []bool{false, true} {
			dir := t.TempDir()
			a, b, c := filepath.Join(dir, "a"), filepath.Join(dir, "b"), filepath.Join(dir, "new", "c")
			os.WriteFile(a, []byte("old"), 0o600)
			j := NewJournal(filepath.Join(dir, "partial", "published"))
			if err := errors.Join(j.TakeBack(), os.MkdirAll(filepath.Join(dir, "partial", "kept"), 0o700)); err != nil {
				t.Fatal(err)
			}
			s := Set{Overwrite: true}
			if keep {
				s.Keep = filepath.Join(dir, "partial", "kept")
			}
			for _, path := range []string{a, b, c} {
				write(t, &s, path, "new "+path)
			}
			if err := errors.Join(s.Commit(WithJournal(context.Background(), j)), s.Close()); err != nil {
				t.Fatal(err)
			}
			if content(a) != "new "+a || content(b) != "new "+b || !j.Noted() {
				t.Fatalf("%q and %q were published, noted: %v", content(a), content(b), j.Noted())
			}
			os.Remove(c)
			os.WriteFile(c, []byte("somebody's"), 0o600)
			wantA, wantB := "old", ""
			next := NewJournal(filepath.Join(dir, "partial", "published"))
			for range 2 { // the second time there is nothing to do
				end := next.TakeBack
				if done {
					wantA, wantB, end = "new "+a, "new "+b, next.Forget
				}
				if err := end(); err != nil {
					t.Fatal(err)
				}
				if content(a) != wantA || content(b) != wantB || content(c) != "somebody's" || next.Noted() {
					t.Errorf("keep %v, done %v: %q, %q and %q, noted: %v; want %q, %q, somebody's", keep, done, content(a), content(b), content(c), next.Noted(), wantA, wantB)
				}
			}
			os.RemoveAll(filepath.Join(dir, "partial"))
			want := map[bool]string{false: "a new new/c", true: "a b new new/c"}[done]
			if got := names(t, dir); got != want {
				t.Errorf("keep %v, done %v: the folder has %q; want %q", keep, done, got, want)
			}
		}
	}
}

// A process may be killed at any step of a commit: until the journal ends, all is as it was.
func TestJournalHalfWay(t *testing.T) {
	dir := t.TempDir()
	path, j := filepath.Join(dir, "a"), NewJournal(filepath.Join(dir, "published"))
	os.WriteFile(path, []byte("old"), 0o600)
	steps := []func(f *File) error{
		func(f *File) error { return nil },
		func(f *File) error { return os.Link(path, f.backup) },
		func(f *File) error { return errors.Join(os.Link(path, f.backup), os.Rename(f.beside, path)) },
		// a disk without links
		func(f *File) error {
			return errors.Join(os.Remove(filepath.Join(dir, "published", "1.new")), os.Rename(path, f.backup))
		},
		func(f *File) error {
			return errors.Join(os.Remove(filepath.Join(dir, "published", "1.new")), os.Rename(path, f.backup), os.Rename(f.beside, path))
		},
	}
	for i, step := range steps {
		s := Set{Overwrite: true}
		write(t, &s, path, "new")
		if i >= 3 { // as note would have it there
			j.all = nil
		}
		if err := errors.Join(j.note(s.files), step(s.files[0])); err != nil {
			t.Fatal(err)
		}
		if i >= 3 {
			j.all[0].New = ""
			if err := Settle(j.list(), []byte(`[{"path": "../a", "old": "1.old"}]`)); err != nil {
				t.Fatal(err)
			}
		}
		s.files[0].File.Close() // as the end of the process does
		if err := NewJournal(j.dir).TakeBack(); err != nil || content(path) != "old" {
			t.Errorf("step %d: %v, %q; want old", i, err, content(path))
		}
		j.all = nil
	}
	var s Set
	write(t, &s, filepath.Join(dir, "b"), "b") // sweeps
	s.Close()
	if got := names(t, dir); got != "a" {
		t.Errorf("the folder has %q; want a alone", got)
	}
}

// Files that are kept are locked, so that nobody takes them for those of a program that was killed.
func TestKeptAreLocked(t *testing.T) {
	dir := t.TempDir()
	s := Set{Keep: dir}
	write(t, &s, filepath.Join(dir, "a"), "text")
	defer s.Close()
	f, err := os.OpenFile(filepath.Join(dir, "1."+part), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if Lock(f) {
		t.Error("a kept file is not locked")
	}
}

// A file that went with a commit is there again where that is taken back, by the set or by the next process, and gone for
// good where it is not.
func TestRemove(t *testing.T) {
	for _, c := range []struct {
		end  func(s *Set, j *Journal) error
		want string
	}{
		{func(s *Set, j *Journal) error { return errors.Join(s.Close(), j.Forget()) }, "a"},
		{func(s *Set, j *Journal) error { return errors.Join(s.Close(), NewJournal(j.dir).TakeBack()) }, "b"},
		{func(s *Set, j *Journal) error { return errors.Join(s.Withdraw(), s.Close(), j.Forget()) }, "b"},
	} {
		dir := t.TempDir()
		os.WriteFile(filepath.Join(dir, "b"), []byte("old"), 0o600)
		s, j := Set{}, NewJournal(filepath.Join(dir, "published"))
		write(t, &s, filepath.Join(dir, "a"), "new")
		s.Remove(filepath.Join(dir, "b"))
		s.Remove(filepath.Join(dir, "none"))
		if err := s.Commit(WithJournal(context.Background(), j)); err != nil {
			t.Fatal(err)
		}
		if content(filepath.Join(dir, "b")) != "" {
			t.Error("b is there after the commit")
		}
		if err := c.end(&s, j); err != nil {
			t.Fatal(err)
		}
		if got := names(t, dir); got != c.want {
			t.Errorf("the folder has %q; want %q", got, c.want)
		}
	}
	dir := t.TempDir() // without a journal
	os.WriteFile(filepath.Join(dir, "b"), nil, 0o600)
	var s Set
	s.Remove(filepath.Join(dir, "b"))
	if err := errors.Join(s.Commit(context.Background()), s.Close()); err != nil || names(t, dir) != "" {
		t.Errorf("%v, and the folder has %q; want none", err, names(t, dir))
	}
}
