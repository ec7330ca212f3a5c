package batch

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/audiosep/audiosep/internal/whole"
)

// stateFolder is where a batch keeps, below the folder of the results, what is not done:
//
//	leases/KEY       who is at work on an item; what it says is refreshed while they are
//	tries/KEY        a line for each time that work on it began and has not ended
//	failed/KEY       why an item failed
//
// All of it may be removed while nobody is at work. Results that are not whole are in a folder
// .audiosep-KEY.RANDOM beside the one in which they will be.
const stateFolder = ".audiosep"

// state is that folder.
type state struct {
	out  string // the folder of all results
	host string
	ttl  time.Duration // after so long without a sign of life a lease is void
	seen sightings     // leases of others
}

func newState(out, host string, ttl time.Duration) (*state, error) {
	s := &state{out: out, host: host, ttl: ttl}
	for _, sub := range []string{"leases", "tries", "failed"} {
		if err := os.MkdirAll(s.path(sub), 0o777); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *state) path(parts ...string) string {
	return filepath.Join(append([]string{s.out, stateFolder}, parts...)...)
}

// folder is where an item's results are.
func (s *state) folder(it *Item) string { return filepath.Join(s.out, filepath.FromSlash(it.Name)) }

// fileLease is a lease in a folder.
type fileLease struct {
	file *os.File
	path string
	text []byte
}

type holder struct {
	Host string `json:"host"`
	PID  int    `json:"pid"`
}

func (s *state) away() bool { return false }

func (s *state) take(it *Item) (l lease, ok bool, err error) {
	path := s.path("leases", it.key())
	for range 3 {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
		if err == nil {
			whole.Lock(f) // by which those on this machine see at once that its holder is gone
			text, _ := json.Marshal(holder{s.host, os.Getpid()})
			l := &fileLease{f, path, append(text, '\n')}
			_, err := f.WriteAt(l.text, 0)
			return l, true, err
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, false, err
		}
		if void, err := s.evict(path); err != nil || !void {
			return nil, false, err
		}
	}
	return nil, false, nil
}

// refresh gives a sign of life: the time at which the file was written, by the clock of the
// file system.
func (l *fileLease) refresh() error {
	if _, err := l.file.WriteAt(l.text, 0); err != nil {
		return err
	}
	return l.file.Sync()
}

func (l *fileLease) release() {
	if is, err := os.Stat(l.path); err == nil {
		if own, err := l.file.Stat(); err == nil && os.SameFile(is, own) {
			os.Remove(l.path)
		}
	}
	l.file.Close()
}

// evict removes a lease whose holder is gone, and tells whether it did.
func (s *state) evict(path string) (bool, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	} else if err != nil {
		return false, err
	}
	defer f.Close()
	is, err := f.Stat()
	if err != nil {
		return false, err
	}
	if void, err := s.void(f, is); err != nil || !void {
		return false, err
	}
	// Of several who see that it is void one gets it: the name moves once.
	aside := path + "." + rand.Text()
	if err := os.Rename(path, aside); err != nil {
		return errors.Is(err, fs.ErrNotExist), nil
	}
	if moved, err := os.Stat(aside); err == nil && !os.SameFile(moved, is) { // a new one by then
		os.Link(aside, path)
		os.Remove(aside)
		return false, nil
	}
	if err := os.Remove(aside); err != nil && !errors.Is(err, fs.ErrNotExist) { // another run may have swept it
		return false, err
	}
	return true, nil
}

// void tells whether the holder of an open lease is gone, or has given no sign of life for the time to live: by the
// clock of the file system, which tells at once, or, as that may have been set back since, by how long it has been the
// same.
func (s *state) void(f *os.File, is fs.FileInfo) (bool, error) {
	if s.gone(f) || s.seen.silent(f.Name(), is.ModTime().String(), s.ttl) {
		return true, nil
	}
	now, err := s.now()
	return err == nil && now.Sub(is.ModTime()) >= s.ttl, err
}

// gone tells whether the holder of an open lease was on this machine and has ended.
func (s *state) gone(f *os.File) bool {
	text := make([]byte, 1024)
	n, _ := f.ReadAt(text, 0)
	var by holder
	json.Unmarshal(bytes.TrimSpace(text[:n]), &by) // empty while it is being taken
	return by.Host == s.host && whole.Lock(f)
}

// now returns the time by the clock of the file system, which may be another machine's.
func (s *state) now() (time.Time, error) {
	f, err := os.CreateTemp(s.path("leases"), "clock-*")
	if err != nil {
		return time.Time{}, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return time.Time{}, err
	}
	return info.ModTime(), nil
}

// begin makes a folder beside the one where the results will be, so that names relative to it stay
// right. What those who were killed have left is removed.
func (s *state) begin(it *Item) (dir string, before int, err error) {
	path := s.path("tries", it.key())
	text, err := whole.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", 0, err
	}
	beside := filepath.Join(filepath.Dir(s.folder(it)), ".audiosep-"+it.key()+".")
	for line := range strings.Lines(string(text)) {
		before++
		if words := strings.Fields(line); len(words) == 4 {
			os.RemoveAll(beside + filepath.Base(words[3]))
		}
	}
	name := rand.Text()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o666)
	if err != nil {
		return "", 0, err
	}
	_, err = fmt.Fprintf(f, "%s %d %s %s\n", strings.ReplaceAll(s.host, " ", "_"), os.Getpid(), time.Now().UTC().Format(time.RFC3339), name)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.MkdirAll(beside+name, 0o777)
	}
	return beside + name, before, err
}

func (s *state) ended(it *Item) { os.Remove(s.path("tries", it.key())) }

func (s *state) fail(f Failure, it *Item) error {
	text, err := json.Marshal(f)
	if err != nil {
		return err
	}
	beside := s.path("failed", it.key()+"."+rand.Text())
	if err := os.WriteFile(beside, append(text, '\n'), 0o666); err != nil {
		os.Remove(beside)
		return err
	}
	return os.Rename(beside, s.path("failed", it.key()))
}

func (s *state) failure(it *Item) (Failure, bool) {
	text, err := whole.ReadFile(s.path("failed", it.key()))
	if err != nil {
		return Failure{}, false
	}
	return failureOf(it, text), true
}

func (s *state) forgive(it *Item) {
	os.Remove(s.path("failed", it.key()))
	s.ended(it)
}

// publish has the results appear at once where the item has no folder yet; else one after the other,
// the done-file last.
func (s *state) publish(_ context.Context, it *Item, work string) error {
	to := s.folder(it)
	if _, err := os.Lstat(to); errors.Is(err, fs.ErrNotExist) && os.Rename(work, to) == nil {
		return nil
	}
	if s.done(it) != nil { // somebody else was faster: the bytes are the same
		return os.RemoveAll(work)
	}
	if err := s.withdraw(it); err != nil {
		return err
	}
	var files []string
	err := filepath.WalkDir(work, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		return err
	}
	done := filepath.Join(work, DoneFile)
	for _, path := range files {
		if path != done {
			err = errors.Join(err, s.move(path, work, to))
		}
	}
	if err == nil {
		err = s.move(done, work, to)
	}
	return errors.Join(err, os.RemoveAll(work))
}

func (s *state) move(path, from, to string) error {
	rel, err := filepath.Rel(from, path)
	if err != nil {
		return err
	}
	at := filepath.Join(to, rel)
	if err := os.MkdirAll(filepath.Dir(at), 0o777); err != nil {
		return err
	}
	return os.Rename(path, at)
}

// withdraw removes the results of another pipeline or version from an item's folder: what its
// done-file lists, that file first. What else is there stays.
func (s *state) withdraw(it *Item) error {
	dir := s.folder(it)
	d, err := ReadDone(filepath.Join(dir, DoneFile))
	if err != nil {
		return nil // there is none, or it says nothing
	}
	if err := os.Remove(filepath.Join(dir, DoneFile)); err != nil {
		return err
	}
	for _, f := range d.Outputs {
		if local := filepath.FromSlash(f.File); filepath.IsLocal(local) {
			os.Remove(filepath.Join(dir, local))
		}
	}
	return nil
}

func (s *state) done(it *Item) *Done {
	dir := s.folder(it)
	d, err := ReadDone(filepath.Join(dir, DoneFile))
	if err != nil || d.ID != it.ID {
		return nil
	}
	for _, f := range d.Outputs {
		info, err := os.Stat(filepath.Join(dir, filepath.FromSlash(f.File)))
		if err != nil || info.Size() != f.Bytes {
			return nil
		}
	}
	return d
}

// sweepLeases removes what those who were killed have left beside the leases.
func (s *state) sweepLeases() {
	all, _ := os.ReadDir(s.path("leases"))
	now, err := s.now()
	for _, e := range all {
		if info, is := e.Info(); err == nil && is == nil && strings.ContainsAny(e.Name(), ".-") && now.Sub(info.ModTime()).Abs() > s.ttl {
			os.Remove(s.path("leases", e.Name()))
		}
	}
}

func (s *state) look(items []*Item) (*known, error) {
	k := newKnown()
	for _, it := range items {
		if d := s.done(it); d != nil {
			k.done[it] = d
		}
		if why, ok := s.failure(it); ok {
			k.failed[it] = why
		} else if at, ok := s.leased(it); ok {
			k.leased[it] = at
		}
	}
	return k, nil
}

// leased returns when whoever has the lease of an item last gave a sign of life, if anybody has it who
// is not known to be gone.
func (s *state) leased(it *Item) (at time.Time, ok bool) {
	f, err := os.Open(s.path("leases", it.key()))
	if err != nil {
		return at, false
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || s.gone(f) {
		return at, false
	}
	return info.ModTime(), true
}

func (s *state) verify(ctx context.Context, it *Item, d *Done) error {
	return d.Verify(ctx, s.folder(it))
}
