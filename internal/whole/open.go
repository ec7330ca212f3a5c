package whole

import (
	"fmt"
	"os"
)

// Open opens a regular file to be read. Others, such as a named pipe, could keep the program
// waiting for ever.
func Open(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file; want one", path)
	}
	return os.Open(path)
}

// Lock locks a file until it is closed or the program ends, and tells whether nobody else
// has. Where there are no such locks it is false.
func Lock(f *os.File) bool { return lock(f) }
