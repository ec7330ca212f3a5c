//go:build unix && !linux

package plugins

import (
	"os"

	"github.com/audiosep/audiosep/internal/whole"
)

// arenaBytes is the size of the shared memory, all of which is written to a file.
const arenaBytes = 64 << 20

// newShared maps a temporary file whose name is gone before anyone uses it.
func newShared(size int) (*os.File, []byte, error) {
	f, err := whole.Temporary("audiosep-shared-")
	if err != nil {
		return nil, nil, err
	}
	os.Remove(f.Name())
	// Written, not only made longer: a disk that is full says so now.
	var memory []byte
	if _, err = f.Write(make([]byte, size)); err == nil {
		memory, err = mapFile(f, size)
	}
	if err != nil {
		f.Close()
	}
	return f, memory, err
}

func touch([]byte) {}
