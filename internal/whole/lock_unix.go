//go:build unix

package whole

import (
	"os"

	"golang.org/x/sys/unix"
)

const locks = true

// Lock locks a file until it is closed or the program ends, and tells whether nobody else has.
func Lock(f *os.File) bool { return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil }
