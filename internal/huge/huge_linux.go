package huge

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

func advise(x []float64) {
	const page = 2 << 20
	b := unsafe.Slice((*byte)(unsafe.Pointer(&x[0])), 8*len(x))
	from := int(-uintptr(unsafe.Pointer(&b[0])) % page) // to the next page
	to := len(b) - (len(b)-from)%page
	_ = unix.Madvise(b[from:to], unix.MADV_HUGEPAGE) // advice: a system that has none goes on as before
}
