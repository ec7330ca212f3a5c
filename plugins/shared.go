package plugins

import (
	"os"
	"slices"
	"sync"
	"unsafe"
)

const (
	regionAlign = 64
	pageBytes   = 4096 // the arena's head, which has the magic
)

// arena is the half of the memory shared by host and plugin that is one side's to place
// numbers in, cut into regions. Memory that is never written takes none of the machine's.
type arena struct {
	file   *os.File // the host's; nil in a plugin
	memory []byte   // both halves

	mu     sync.Mutex
	free   []region // in order, no two adjacent
	out    []*region
	users  int // who besides use any of the memory
	closed bool
	// touched is where pages begin that were never used: the kernel makes many at once
	// far sooner than one by one, as they are first written to.
	touched int
}

// region is a part of an arena. It is lost if a call on it was given up: the plugin may
// still write there.
type region struct {
	at, bytes int
	lost      bool
}

// newArena returns the host's half of new memory, or nil where there is no shared memory.
func newArena() *arena {
	if !littleEndian {
		return nil
	}
	file, memory, err := newShared(arenaBytes)
	if err != nil {
		return nil
	}
	copy(memory, sharedMagic)
	from, to := hostHalf(memory)
	return &arena{file: file, memory: memory, free: []region{{at: from, bytes: to - from}}}
}

// pluginArena returns the plugin's half of memory that the host made, or nil if there is none.
func pluginArena(memory []byte) *arena {
	if memory == nil {
		return nil
	}
	from, to := pluginHalf(memory)
	return &arena{memory: memory, free: []region{{at: from, bytes: to - from}}, touched: from}
}

func hostHalf(memory []byte) (from, to int) {
	return pageBytes, len(memory) / 2 / pageBytes * pageBytes
}

func pluginHalf(memory []byte) (from, to int) {
	_, from = hostHalf(memory)
	return from, len(memory)
}

// take returns a region for n numbers, or nil if there is none: the first that is free,
// which is most likely to be in the processor's caches.
func (a *arena) take(n int) *region {
	if a == nil || n < 1 {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if n > len(a.memory)/8 { // which is none once it is closed
		return nil
	}
	bytes := (8*n + regionAlign - 1) / regionAlign * regionAlign
	i := slices.IndexFunc(a.free, func(r region) bool { return r.bytes >= bytes })
	if i < 0 || a.closed {
		return nil
	}
	r := &region{at: a.free[i].at, bytes: bytes}
	a.free[i].at += bytes
	if a.free[i].bytes -= bytes; a.free[i].bytes == 0 {
		a.free = slices.Delete(a.free, i, i+1)
	}
	a.out = append(a.out, r)
	if end := r.at + bytes; end > a.touched {
		touch(a.memory[a.touched:end])
		a.touched = end
	}
	return r
}

// giveBack frees a region that was taken.
func (a *arena) giveBack(r *region) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.out = slices.DeleteFunc(a.out, func(o *region) bool { return o == r })
	if !r.lost {
		i, _ := slices.BinarySearchFunc(a.free, r.at, func(f region, at int) int { return f.at - at })
		a.free = slices.Insert(a.free, i, *r)
		a.merge(i)
		a.merge(i - 1)
	}
	a.unmapUnused()
}

// merge makes one of free regions i and i+1, if they are adjacent.
func (a *arena) merge(i int) {
	if i >= 0 && i+1 < len(a.free) && a.free[i].at+a.free[i].bytes == a.free[i+1].at {
		a.free[i].bytes += a.free[i+1].bytes
		a.free = slices.Delete(a.free, i+1, i+2)
	}
}

// numbers returns the n numbers of a region.
func (a *arena) numbers(r *region, n int) []float64 { return decode(a.memory[r.at : r.at+8*n]) }

// find returns the region that x stands in and where in the arena, or nil.
func (a *arena) find(x []float64) (r *region, at int) {
	if a == nil || len(x) == 0 {
		return nil, 0
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	at = int(uintptr(unsafe.Pointer(&x[0])) - uintptr(unsafe.Pointer(unsafe.SliceData(a.memory))))
	for _, r := range a.out {
		if r.at <= at && at+8*len(x) <= r.at+r.bytes {
			return r, at
		}
	}
	return nil, 0
}

// lose marks a region as lost.
func (a *arena) lose(r *region) {
	a.mu.Lock()
	defer a.mu.Unlock()
	r.lost = true
}

// close frees the memory as soon as no region of it is out.
func (a *arena) close() {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.closed {
		a.closed = true
		if a.file != nil {
			a.file.Close()
		}
		a.unmapUnused()
	}
}

// hold keeps the memory, all of it, until it is let go. It reports whether it is still there.
func (a *arena) hold() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.memory == nil {
		return false
	}
	a.users++
	return true
}

func (a *arena) letGo() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.users--
	a.unmapUnused()
}

func (a *arena) unmapUnused() {
	if a.closed && len(a.out) == 0 && a.users == 0 && a.memory != nil {
		unmap(a.memory)
		a.memory = nil
	}
}
