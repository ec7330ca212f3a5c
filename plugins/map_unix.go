//go:build unix

package plugins

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

func mapFile(f *os.File, size int) ([]byte, error) {
	return unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
}

func unmap(memory []byte) { unix.Munmap(memory) }

// openShared maps the memory that the host gave this process. It returns nil if there
// is none.
func openShared() []byte {
	var fd, size int
	if n, _ := fmt.Sscanf(os.Getenv(sharedEnv), "%d:%d", &fd, &size); n != 2 || size < pageBytes {
		return nil
	}
	f := os.NewFile(uintptr(fd), sharedEnv)
	if f == nil {
		return nil
	}
	defer f.Close()
	memory, err := mapFile(f, size)
	if err != nil || string(memory[:len(sharedMagic)]) != sharedMagic {
		return nil
	}
	return memory
}
