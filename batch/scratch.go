package batch

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/audiosep/audiosep/internal/whole"
)

// scratch is a folder of this process's own, for what is brought from stores and what is on its way
// to them. Folders of processes that were killed are removed by the next.
type scratch struct {
	mu   sync.Mutex
	dir  string
	lock *os.File
}

const scratchFolder = "audiosep-batch-"

// folder makes a folder in it.
func (s *scratch) folder() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir == "" {
		if err := s.make(); err != nil {
			return "", err
		}
	}
	return os.MkdirTemp(s.dir, "")
}

// lockPath is a file that is locked as long as this process lives.
func (s *scratch) lockPath() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir == "" {
		if err := s.make(); err != nil {
			return "", err
		}
	}
	return filepath.Abs(filepath.Join(s.dir, "lock"))
}

// place tells where names of files mean the same files as here: until this machine is started again, in
// what shares its mounts. Empty: it cannot be told.
var place = sync.OnceValue(func() string {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	mounts, err2 := os.Readlink("/proc/self/ns/mnt")
	if err != nil || err2 != nil {
		return ""
	}
	return strings.TrimSpace(string(boot)) + " " + mounts
})

func (s *scratch) make() error {
	for _, path := range whole.Named(os.TempDir(), scratchFolder+"*", "lock") {
		if abandoned(path) {
			os.RemoveAll(filepath.Dir(path))
		}
	}
	dir, err := whole.TemporaryFolder(scratchFolder)
	if err != nil {
		return err
	}
	// It gets its name when it is locked, so that nobody takes it for left behind.
	if s.lock, err = os.Create(filepath.Join(dir, "new")); err == nil {
		whole.Lock(s.lock)
		err = os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, "lock"))
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	s.dir = dir
	return nil
}

// abandoned tells whether a lock is there and nobody holds it any more.
func abandoned(path string) bool {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	return whole.Lock(f)
}

func (s *scratch) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir == "" {
		return nil
	}
	err := errors.Join(s.lock.Close(), os.RemoveAll(s.dir))
	s.dir = ""
	return err
}

// localPath joins a folder and a name with / in it.
func localPath(dir, name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }

// brought are the inputs of an item, on this machine.
type brought struct {
	files  []string // nil: they are where the item says
	folder string   // that they were brought to
}

// bring brings those inputs of an item that lie in stores.
func (s *scratch) bring(ctx context.Context, it *Item, o *opened) (b brought, err error) {
	far := false
	for _, name := range it.Input {
		far = far || isURL(name)
	}
	if !far {
		return b, nil
	}
	if b.folder, err = s.folder(); err != nil {
		return b, err
	}
	for _, name := range it.Input {
		file := name
		if isURL(name) {
			dir, err := os.MkdirTemp(b.folder, "")
			if err == nil {
				file, err = o.fetch(ctx, name, dir)
			}
			if err != nil {
				return b, errors.Join(err, b.close())
			}
		}
		b.files = append(b.files, file)
	}
	return b, nil
}

func (b *brought) close() error {
	if b.folder == "" {
		return nil
	}
	return os.RemoveAll(b.folder)
}

// named puts what the item calls its inputs into a text that has what they are called here.
func (b *brought) named(it *Item, text string) string {
	for i, file := range b.files {
		text = strings.ReplaceAll(text, file, it.Input[i])
	}
	return text
}
