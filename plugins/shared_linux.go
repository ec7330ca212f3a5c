package plugins

import (
	"os"

	"golang.org/x/sys/unix"
)

// newShared returns memory that has a descriptor but no name, so nobody can leave it
// behind, and that nobody can shorten, so touching it cannot fail.
func newShared(size int) (*os.File, []byte, error) {
	fd, err := unix.MemfdCreate("audiosep", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, nil, err
	}
	f := os.NewFile(uintptr(fd), "audiosep")
	if err = f.Truncate(int64(size)); err == nil {
		_, err = unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL)
	}
	var memory []byte
	if err == nil {
		memory, err = mapFile(f, size)
	}
	if err != nil {
		f.Close()
	}
	return f, memory, err
}
