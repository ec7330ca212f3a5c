package pages

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// size is that of a large page of amd64, and of arm64 with small pages of 4 KiB.
const size = 2 << 20

// enlarge asks for large pages where x has whole ones. If the system has none it is as it was.
func enlarge(x []float64) {
	first := unsafe.Pointer(unsafe.SliceData(x))
	skip, bytes := -uintptr(first)&(size-1), uintptr(8*len(x))
	if bytes < skip+size {
		return
	}
	_ = unix.Madvise(unsafe.Slice((*byte)(unsafe.Add(first, skip)), (bytes-skip)&^(size-1)), unix.MADV_HUGEPAGE)
}
