package whole

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	mutex "sync" // sync is a function here
)

// A Journal notes in a folder what files are about to get their names, and what they replace. If the
// program is killed before all of it is done, the next takes back those that had theirs.
type Journal struct {
	dir string
	mu  mutex.Mutex
	all []entry
}

// entry is a file that gets its name. Paths are relative to the journal's folder where they can be,
// so that all may be moved together.
type entry struct {
	Path string `json:"path"`
	New  string `json:"new,omitempty"` // another name of the same file; empty where there are no links
	Old  string `json:"old"`           // where what stood at Path is kept, if anything did
}

// NewJournal returns the journal in a folder, which is made when there is something to note.
func NewJournal(dir string) *Journal { return &Journal{dir: dir} }

type journalKey struct{}

// WithJournal has every set that is committed with the context note its files in j.
func WithJournal(ctx context.Context, j *Journal) context.Context {
	return context.WithValue(ctx, journalKey{}, j)
}

// note writes down, through a loss of power too, what is about to be published, and says where each
// file is to keep what it replaces. Without a journal it does nothing.
func (j *Journal) note(files []*File) error {
	if j == nil {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := os.MkdirAll(j.dir, 0o777); err != nil {
		return err
	}
	for _, f := range files {
		name := filepath.Join(j.dir, fmt.Sprint(len(j.all)+1))
		link, old := name+".new", name+".old"
		if os.Link(f.beside, link) != nil { // it is on another disk, or on one without links
			link, old = hidden(f.path, "new"), hidden(f.path, "old")
			if os.Link(f.beside, link) != nil {
				link = ""
			}
		}
		f.backup = old
		j.all = append(j.all, entry{j.relative(f.path), j.relative(link), j.relative(old)})
	}
	text, err := json.MarshalIndent(j.all, "", "  ")
	if err != nil {
		return err
	}
	if err := Settle(j.list(), text); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(j.dir))
}

func (j *Journal) list() string { return filepath.Join(j.dir, "files.json") }

// relative returns a path as it is noted, and path where one that was noted is.
func (j *Journal) relative(path string) string {
	if path == "" {
		return ""
	}
	dir, err := filepath.Abs(j.dir)
	if abs, e := filepath.Abs(path); err == nil && e == nil {
		if rel, err := filepath.Rel(dir, abs); err == nil {
			return rel
		}
		return abs
	}
	return path
}

func (j *Journal) path(noted string) string {
	if noted == "" || filepath.IsAbs(noted) {
		return noted
	}
	return filepath.Join(j.dir, noted)
}

// Noted tells whether anything is noted.
func (j *Journal) Noted() bool {
	_, err := os.Lstat(j.list())
	return err == nil
}

// read reads what an earlier process has noted, nothing if it has not.
func (j *Journal) read() (all []entry, err error) {
	text, err := os.ReadFile(j.list())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil {
		return nil, fmt.Errorf("which files a run that was killed has replaced cannot be read (%s): %w", j.list(), err)
	}
	return all, nil
}

// TakeBack removes each file that was noted and has its name, and puts what it replaced there again.
// What somebody else has put there since stays. Done twice it does the same.
func (j *Journal) TakeBack() error {
	all, err := j.read()
	if err != nil {
		return err
	}
	for _, e := range slices.Backward(all) {
		if err := takeBack(j.path(e.Path), j.path(e.New), j.path(e.Old)); err != nil {
			return fmt.Errorf("a file of a run that was killed cannot be taken back: %w", err)
		}
	}
	return j.Forget()
}

// takeBack takes back the file at path, if it is the same as link.
func takeBack(path, link, old string) error {
	at, err := os.Lstat(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	own, free := false, err != nil
	if link != "" {
		is, err := os.Lstat(link)
		own = err == nil && !free && os.SameFile(at, is)
	}
	switch _, err := os.Lstat(old); {
	case err == nil && (own || free || link == ""):
		err = os.Rename(old, path)
		if err != nil {
			return err
		}
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	case err != nil && own:
		if err := os.Remove(path); err != nil {
			return err
		}
	default:
		return nil
	}
	return syncFolder(filepath.Dir(path))
}

// Forget ends the journal: what was published stays, and what it replaced goes.
func (j *Journal) Forget() error {
	all, err := j.read()
	if err != nil {
		return err
	}
	// First the list: without it nobody takes back a file whose predecessor is gone already.
	if err := os.Remove(j.list()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if all != nil {
		if err := syncFolder(j.dir); err != nil {
			return err
		}
	}
	for _, e := range all {
		for _, name := range []string{j.path(e.New), j.path(e.Old)} {
			if name != "" {
				os.Remove(name) // those on other disks
			}
		}
	}
	j.all = nil
	return os.RemoveAll(j.dir)
}
