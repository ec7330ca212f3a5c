package huge

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

const page = 2 << 20

func advise(x []byte) {
	_ = unix.Madvise(pages(x), unix.MADV_HUGEPAGE) // advice: a system that has none goes on as before
}

// pages returns the whole pages of 2 MiB that lie within b, which has one at least.
func pages(b []byte) []byte {
	from := int(-uintptr(unsafe.Pointer(&b[0])) % page) // to the next page
	to := len(b) - (len(b)-from)%page
	return b[from:to]
}
