package machine

import (
	"unsafe"

	"golang.org/x/sys/windows"
)

// memoryStatus is MEMORYSTATUSEX of the Windows API.
type memoryStatus struct {
	length, load                                               uint32
	totalPhysical, availablePhysical, totalPage, availablePage uint64
	totalVirtual, availableVirtual, availableExtendedVirtual   uint64
}

var globalMemoryStatus = windows.NewLazySystemDLL("kernel32.dll").NewProc("GlobalMemoryStatusEx")

func memory() (int64, bool) {
	s := memoryStatus{length: uint32(unsafe.Sizeof(memoryStatus{}))}
	if r, _, _ := globalMemoryStatus.Call(uintptr(unsafe.Pointer(&s))); r == 0 {
		return 0, false
	}
	return int64(s.availablePhysical) + held(), true
}
