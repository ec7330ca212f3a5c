//go:build !js

package spool

import (
	"errors"
	"os"
	"runtime"

	"github.com/audiosep/audiosep/internal/whole"
)

// inMemory is how much a Tape has in memory.
const inMemory = 16 << 20

// file is a file without a name, where the system lets one go without.
type file struct {
	*os.File
	path string // to be removed in the end; empty where the name is gone already
}

func newStore(int64) (store, error) {
	f, err := whole.Temporary("audiosep-*.spool")
	if err != nil {
		return nil, err
	}
	s := &file{f, f.Name()}
	if runtime.GOOS != "windows" && os.Remove(s.path) == nil {
		s.path = ""
	}
	return s, nil
}

func (f *file) Close() error {
	err := f.File.Close()
	if f.path != "" {
		err = errors.Join(err, os.Remove(f.path))
		f.path = ""
	}
	return err
}
