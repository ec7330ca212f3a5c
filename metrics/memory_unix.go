//go:build linux || darwin

package metrics

import (
	"math"
	"syscall"
)

// addressSpace returns how many bytes of address space the process may have.
func addressSpace() int64 {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_AS, &limit); err != nil {
		return math.MaxInt64
	}
	return int64(min(limit.Cur, math.MaxInt64))
}
