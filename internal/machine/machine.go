// Package machine says what the machine has: memory that may be used, and how fast a core is.
package machine

import (
	"runtime"
	"time"

	"github.com/audiosep/audiosep/internal/kernel"
)

// Memory returns how many bytes of memory this process may take, what it has among them: what the
// machine has available, and less where a limit is set for the process's group. ok is false where
// that is not known.
func Memory() (bytes int64, ok bool) { return memory() }

// held is how many bytes this process has: an earlier run may have left them to the next.
func held() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.Sys - m.HeapReleased)
}

// plainSpeed is taken for the speed of a core without vector instructions that are used.
const plainSpeed = 2e9

// Speed returns about how many floating-point operations a second all processors of this process
// make in the product of matrices. It takes a few milliseconds to find out.
func Speed() float64 {
	best := plainSpeed
	for range 5 {
		start := time.Now()
		if n := kernel.Peak(); n > 0 {
			best = max(best, n/time.Since(start).Seconds())
		}
	}
	return best * float64(runtime.GOMAXPROCS(0))
}
