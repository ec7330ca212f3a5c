// Package garbage bounds how much memory of a process has been dropped and not been collected.
package garbage

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"time"
)

// least is the smallest part of what is in use, in percent, that is let be garbage: a collection costs
// time, little where few large arrays of numbers are most of what is in use.
const least = 5

var (
	bound atomic.Int64
	once  sync.Once
)

// Bound has garbage collected when there are so many bytes of it, or a twentieth of what is in use,
// from now on. By itself the runtime lets garbage be as much as what is in use, which may be gigabytes;
// below the bound, or where that is 0, it still does. Where somebody has set GOGC nothing is changed. It is for programs, not for
// libraries, as it is about all of the process.
func Bound(bytes int64) {
	if os.Getenv("GOGC") != "" {
		return
	}
	bound.Store(bytes)
	once.Do(func() { go watch(&watcher{live: []metrics.Sample{{Name: "/gc/heap/live:bytes"}}, percent: 100}) })
}

// Most returns how much garbage there is at most beside so many bytes in use.
func Most(inUse int64) int64 {
	b := bound.Load()
	if b == 0 {
		return inUse
	}
	return min(inUse, max(b, inUse/100*least))
}

// watcher sets the percent after each collection.
type watcher struct {
	mu      sync.Mutex
	live    []metrics.Sample
	percent int
}

// settle sets the percent for what was in use when it was collected last.
func (w *watcher) settle() {
	w.mu.Lock()
	defer w.mu.Unlock()
	metrics.Read(w.live)
	inUse := int64(min(w.live[0].Value.Uint64(), math.MaxInt64))
	if percent := percentFor(inUse); percent != w.percent {
		w.percent = percent
		debug.SetGCPercent(percent)
	}
}

// watch settles now and after the next collection: it collects a small thing that nobody has. What is made
// while a collection is on its way is kept by it, so that it is looked at again after a moment.
func watch(w *watcher) {
	w.settle()
	time.AfterFunc(moment, w.settle)
	runtime.AddCleanup(&struct{ self *watcher }{w}, watch, w)
}

// moment is longer than a collection takes where few large arrays are most of what is in use.
const moment = 50 * time.Millisecond

func percentFor(inUse int64) int { return int(100 * Most(max(1, inUse)) / max(1, inUse)) }
