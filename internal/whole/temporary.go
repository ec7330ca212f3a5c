package whole

import (
	"errors"
	"fmt"
	"os"
	"runtime"
)

// Temporary makes a file in the folder for temporary files, as os.CreateTemp does. Its errors say
// which folder that is, and where it is set.
func Temporary(pattern string) (*os.File, error) {
	f, err := os.CreateTemp("", pattern)
	return f, temporaryError(err)
}

// Nameless is a temporary file of which nothing is left when it is closed, nor, but on Windows, when the process
// is killed: it has no name, where the system lets one go without.
type Nameless struct {
	*os.File
	path string // to be removed in the end; empty where the name is gone already
}

// NewNameless makes a file as Temporary does, without a name.
func NewNameless(pattern string) (*Nameless, error) {
	f, err := Temporary(pattern)
	if err != nil {
		return nil, err
	}
	n := &Nameless{f, f.Name()}
	if runtime.GOOS != "windows" && os.Remove(n.path) == nil {
		n.path = ""
	}
	return n, nil
}

// Close closes the file, and removes it.
func (n *Nameless) Close() error {
	err := n.File.Close()
	if n.path != "" {
		err = errors.Join(err, os.Remove(n.path))
		n.path = ""
	}
	return err
}

// TemporaryFolder makes a folder in that for temporary files, as os.MkdirTemp does.
func TemporaryFolder(pattern string) (string, error) {
	dir, err := os.MkdirTemp("", pattern)
	return dir, temporaryError(err)
}

func temporaryError(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("nothing can be made in %s, the folder for temporary files: %w; want another by TMPDIR", os.TempDir(), err)
}
