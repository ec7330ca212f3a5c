// Package whole writes files that appear whole or not at all. What is written has a hidden
// name until it is published; what is published can be withdrawn, and then what it replaced
// is there again, until the set is closed.
package whole

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"

	"github.com/audiosep/audiosep/internal/counted"
)

// hidden is the name of a file beside path that nobody guesses and no other run has. It
// begins with a dot, and is short enough wherever path is.
func hidden(path, what string) string {
	return filepath.Join(filepath.Dir(path), ".audiosep-"+rand.Text()+"."+what)
}

// File is one that will be at a path.
type File struct {
	*os.File
	path      string
	beside    string // its name until then
	kept      bool   // beside stays where the file is not published
	old       string // where what it replaced stands
	backup    string // where a journal has that stand; empty: where it likes
	published bool
}

// create makes a file for path, whose folder must be there. The file is locked, so that it
// can be told from those of programs that were killed.
func create(path string) (*File, error) {
	for {
		beside := hidden(path, part)
		f, err := os.OpenFile(beside, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
		if err != nil {
			return nil, err
		}
		Lock(f)
		// Between the two another program may have taken it for one that was left.
		if is, err := os.Stat(beside); err == nil {
			if own, err := f.Stat(); err == nil && os.SameFile(is, own) {
				return &File{File: f, path: path, beside: beside}, nil
			}
		}
		f.Close()
	}
}

// part ends the names of files that are being written.
const part = "part"

// sweep removes what programs that were killed have left in a folder.
func sweep(dir string) {
	for _, name := range Named(dir, ".audiosep-*."+part) {
		f, err := os.OpenFile(name, os.O_RDWR, 0)
		if err != nil {
			continue
		}
		if Lock(f) {
			os.Remove(name)
		}
		f.Close()
	}
}

// Path returns where the file will be.
func (f *File) Path() string { return f.path }

// publish puts the file in its place. Unless it may overwrite, it fails if something has
// got there meanwhile.
func (f *File) publish(overwrite bool) error {
	var err error
	if f.kept {
		// The name in the folder stays beside the new one, for a run that takes the new one back and goes
		// on. Where there are no links, what is killed now is lost.
		if also := hidden(f.path, part); os.Link(f.beside, also) == nil {
			f.beside = also
		}
	}
	if overwrite {
		err = f.replace()
	} else {
		err = f.link()
	}
	f.published = err == nil
	return err
}

// replace gives the file its name in one step, so that there is always a whole file of that
// name, and keeps what it replaces beside it.
func (f *File) replace() error {
	old := f.backup
	if old == "" {
		old = hidden(f.path, "old")
	}
	switch err := os.Link(f.path, old); {
	case err == nil:
		f.old = old
	case errors.Is(err, fs.ErrNotExist):
	default: // the file system has no links
		if err := os.Rename(f.path, old); err != nil {
			return err
		}
		f.old = old
	}
	return os.Rename(f.beside, f.path)
}

// hide takes what stands at the file's path away, as replace does, and puts nothing there.
func (f *File) hide() error {
	old := f.backup
	if old == "" {
		old = hidden(f.path, "old")
	}
	err := os.Rename(f.path, old)
	if err == nil {
		f.old = old
	} else if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return err
}

// link gives the file its name, which must be free.
func (f *File) link() error {
	if err := os.Link(f.beside, f.path); err == nil {
		return os.Remove(f.beside)
	} else if errors.Is(err, fs.ErrExist) {
		return existsError(f.path)
	}
	// Not every file system has links; there a look before the renaming must do.
	if _, err := os.Lstat(f.path); err == nil {
		return existsError(f.path)
	}
	return os.Rename(f.beside, f.path)
}

// existsError is the path of a file that is not to be replaced.
type existsError string

func (e existsError) Error() string {
	return fmt.Sprintf("%s exists already; overwrite (--overwrite) replaces it, or choose another name or folder", string(e))
}

func (e existsError) Is(target error) bool { return target == fs.ErrExist }

// withdraw takes the file from its place and puts what it replaced there again.
func (f *File) withdraw() error {
	var errs []error
	switch {
	case f.old != "":
		errs = append(errs, os.Rename(f.old, f.path))
	case f.published:
		errs = append(errs, os.Remove(f.path))
	}
	f.old, f.published = "", false
	return errors.Join(errs...)
}

// end closes the file; if it is not published nothing of it is left.
func (f *File) end() error {
	errs := []error{f.File.Close()}
	if !f.published && (!f.kept || filepath.Dir(f.beside) == filepath.Dir(f.path)) {
		if err := os.Remove(f.beside); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(append(errs, f.forget())...)
}

// forget removes what the file replaced.
func (f *File) forget() error {
	if f.old == "" || f.backup != "" { // a journal keeps it until all is done
		return nil
	}
	return os.Remove(f.old)
}

// Set is files that appear together. The zero Set is empty.
type Set struct {
	Overwrite bool // whether files that are there may be replaced
	// Keep is a folder of the same disk where files have their names until they are published, 1.part
	// and so on in the order of Create: what was written stays there when the set is closed, and
	// Create opens it again. Empty: files that are not published leave no trace.
	Keep string

	files     []*File
	gone      []*File  // files that go when the others appear, without a file of their own
	made      []string // folders, outermost first
	changed   []string // folders to be synced
	committed bool
}

// Create makes a file that will be at path, and the folders it needs.
func (s *Set) Create(path string) (*File, error) {
	dir := filepath.Dir(path)
	made, err := makeFolder(dir)
	s.made = append(s.made, made...)
	if err != nil {
		return nil, err
	}
	for _, d := range append(made, path) {
		if parent := filepath.Dir(d); !slices.Contains(s.changed, parent) {
			s.changed = append(s.changed, parent)
		}
	}
	if !slices.ContainsFunc(s.files, func(f *File) bool { return filepath.Dir(f.path) == dir }) {
		sweep(dir)
	}
	var f *File
	if s.Keep == "" {
		f, err = create(path)
	} else {
		f, err = s.open(path)
	}
	if err != nil {
		return nil, err
	}
	s.files = append(s.files, f)
	return f, nil
}

// Remove has a file go when the set is committed; it is there again if that is withdrawn. One that is not there is none.
func (s *Set) Remove(path string) {
	s.gone = append(s.gone, &File{path: path})
	if dir := filepath.Dir(path); !slices.Contains(s.changed, dir) {
		s.changed = append(s.changed, dir)
	}
}

// open opens the next kept file, or makes it.
func (s *Set) open(path string) (*File, error) {
	beside := filepath.Join(s.Keep, fmt.Sprintf("%d.%s", len(s.files)+1, part))
	f, err := os.OpenFile(beside, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	Lock(f) // under its hidden names others would take it for one that was left
	file := &File{File: f, path: path, beside: beside, kept: true}
	if at, err := f.Stat(); err != nil || at.Size() > 0 {
		return file, err
	}
	try := hidden(path, part)
	if err := os.Rename(beside, try); err != nil {
		return nil, errors.Join(fmt.Errorf("%s is on another disk than %s, where it would be written first; want both on one: %w", filepath.Dir(path), s.Keep, err), f.Close())
	}
	if err := os.Rename(try, beside); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return file, nil
}

// Forget removes the files of a set from its folder Keep.
func Forget(dir string) error {
	for _, path := range Named(dir, "*."+part) {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	return nil
}

// KeptBytes returns how much of a set's files is in its folder Keep.
func KeptBytes(dir string) (bytes int64) {
	for _, path := range Named(dir, "*."+part) {
		if info, err := os.Stat(path); err == nil {
			bytes += info.Size()
		}
	}
	return bytes
}

// Sync makes what is in the files so far last through a loss of power.
func (s *Set) Sync() error {
	for _, f := range s.files {
		if err := sync(f.File); err != nil {
			return err
		}
	}
	if s.Keep != "" {
		return syncFolder(s.Keep)
	}
	return nil
}

// Commit puts all files in their places, or none, and makes that last through a loss of
// power. A journal of the context notes them before.
func (s *Set) Commit(ctx context.Context) error {
	for _, f := range s.files {
		if err := errors.Join(ctx.Err(), sync(f.File)); err != nil {
			return err
		}
	}
	j, _ := ctx.Value(journalKey{}).(*Journal)
	if err := j.note(slices.Concat(s.files, s.gone)); err != nil {
		return err
	}
	s.committed = true
	for _, f := range s.files {
		if err := f.publish(s.Overwrite); err != nil {
			return errors.Join(err, s.Withdraw())
		}
	}
	for _, f := range s.gone {
		if err := f.hide(); err != nil {
			return errors.Join(err, s.Withdraw())
		}
	}
	for _, dir := range s.changed {
		if err := syncFolder(dir); err != nil {
			return errors.Join(err, s.Withdraw())
		}
	}
	return nil
}

// Committed tells whether the files are in their places.
func (s *Set) Committed() bool { return s.committed }

// Withdraw undoes Commit.
func (s *Set) Withdraw() error {
	var errs []error
	for _, f := range slices.Backward(slices.Concat(s.files, s.gone)) {
		errs = append(errs, f.withdraw())
	}
	s.committed = false
	return errors.Join(errs...)
}

// Close ends the set. What is not committed leaves no trace.
func (s *Set) Close() error {
	var errs []error
	for _, f := range s.files {
		errs = append(errs, f.end())
	}
	for _, f := range s.gone {
		errs = append(errs, f.forget())
	}
	if !s.committed {
		for _, dir := range slices.Backward(s.made) {
			os.Remove(dir) // unless somebody else has put something into it
		}
	}
	s.files, s.gone, s.made, s.changed = nil, nil, nil, nil
	return errors.Join(errs...)
}

// longestName is what most file systems can hold, in bytes.
const longestName = 255

// Allowed says why a file cannot be written at path, as far as that can be known before:
// something is there, the folder cannot be made or written to, the name is too long, or it
// is one of the files that are read.
func Allowed(path string, overwrite bool, inputs []string) error {
	info, err := os.Lstat(path)
	switch {
	case err == nil && info.IsDir():
		return fmt.Errorf("%s is a folder; want another name for the file", path)
	case err == nil && !overwrite:
		return existsError(path)
	case len(filepath.Base(path)) > longestName || errors.Is(err, syscall.ENAMETOOLONG):
		return fmt.Errorf("the name %.40q… is %s long; want at most %d", filepath.Base(path), counted.Of(len(filepath.Base(path)), "byte"), longestName)
	}
	if at, err := os.Stat(path); err == nil {
		for _, in := range inputs {
			if read, err := os.Stat(in); err == nil && os.SameFile(at, read) {
				return fmt.Errorf("%s would be replaced, but it is read too (as %s); want another name or folder for what is written", path, in)
			}
		}
	}
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		switch {
		case err == nil && !info.IsDir():
			return fmt.Errorf("%s is no folder; want one to write %s into", dir, filepath.Base(path))
		case err == nil:
			return writable(dir)
		case !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir):
			return err
		}
	}
}

// Room says why bytes cannot be written below dir for want of space.
func Room(dir string, bytes int64) error {
	for {
		if _, err := os.Stat(dir); err == nil || dir == filepath.Dir(dir) {
			break
		}
		dir = filepath.Dir(dir)
	}
	if free, ok := freeBytes(dir); ok && bytes > free {
		return fmt.Errorf("%s has %.3g MB left, and %.3g MB will be written; want more space, or another folder: %w", dir, float64(free)/1e6, float64(bytes)/1e6, syscall.ENOSPC)
	}
	return nil
}

// makeFolder makes a folder and those above it. It returns the ones that were not there
// before, outermost first.
func makeFolder(dir string) (made []string, err error) {
	switch is, err := os.Stat(dir); {
	case err == nil && !is.IsDir():
		return nil, fmt.Errorf("%s is no folder; want one, or a name that is free", dir)
	case err == nil:
		return nil, nil
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	if parent := filepath.Dir(dir); parent != dir {
		if made, err = makeFolder(parent); err != nil {
			return made, err
		}
	}
	switch err := os.Mkdir(dir, 0o777); {
	case err == nil:
		return append(made, dir), nil
	case errors.Is(err, fs.ErrExist): // somebody else was faster
		return made, nil
	default:
		return made, err
	}
}

// sync makes what is in a file last through a loss of power. A variable, so that a test can count.
var sync = (*os.File).Sync

// syncFolder makes the names in a folder last through a loss of power.
func syncFolder(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // it has no such call, and orders names itself
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	// Some file systems cannot; then there is nothing more to do.
	if err := sync(d); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, fs.ErrInvalid) {
		return errors.Join(err, d.Close())
	}
	return d.Close()
}

// Settle writes a file that is there whole or not at all, through a loss of power too.
func Settle(path string, content []byte) error {
	err := Appear(path, func(f *os.File) error {
		if _, err := f.Write(content); err != nil {
			return err
		}
		return sync(f)
	})
	if err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}
