package plugins

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// arenaBytes is the size of the shared memory. Nothing of it is taken before it is used.
const arenaBytes = 512 << 20

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

// touch has the pages of memory made, all at once. Where the kernel cannot (it is older than
// 5.14) they are made one by one.
func touch(memory []byte) {
	page := os.Getpagesize()
	skip := -int(uintptr(unsafe.Pointer(unsafe.SliceData(memory)))) & (page - 1)
	if len(memory) > skip {
		unix.Madvise(memory[skip:], unix.MADV_POPULATE_WRITE)
	}
}
