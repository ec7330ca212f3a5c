//go:build unix

package whole

import (
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// WasClosed tells whether a standard stream was closed when the program began, as a shell's >&- has it. Go then opens
// the null device in its place, for reading and writing, and all that is written is lost without an error. Somebody
// who opens it so and passes it on is not told apart; who redirects to /dev/null opens it for writing alone.
func WasClosed(f *os.File) bool {
	is, err := f.Stat()
	if err != nil {
		return false
	}
	null, err := os.Stat(os.DevNull)
	if err != nil || is.Mode()&fs.ModeCharDevice == 0 || !os.SameFile(is, null) {
		return false
	}
	flags, err := unix.FcntlInt(f.Fd(), unix.F_GETFL, 0)
	return err == nil && flags&unix.O_ACCMODE == unix.O_RDWR
}
