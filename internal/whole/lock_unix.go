//go:build unix

package whole

import (
	"os"

	"golang.org/x/sys/unix"
)

// lock locks a file until it is closed, and tells whether nobody else has.
func lock(f *os.File) bool { return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil }
