package whole

import (
	"errors"
	"os"
	"path/filepath"
)

// Appearing begins the names of files that Appear is writing.
const Appearing = ".new-"

// Appear writes a file that is there whole or not at all, though perhaps not after a loss of
// power: one that can be done without.
func Appear(path string, write func(*os.File) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), Appearing+"*")
	if err != nil {
		return err
	}
	err = write(f)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}
