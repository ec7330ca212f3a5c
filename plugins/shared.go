package plugins

import (
	"context"
	"os"
	"sync"
)

// The arena is cut into slots, each for one call at a time: what goes in and what
// comes out. Pages that are never written take no memory.
const (
	slots     = 8
	slotBytes = 4 << 20
	slotAlign = 64
	pageBytes = 4096 // the arena's head, which has the magic
)

// arena is memory shared with a plugin.
type arena struct {
	file   *os.File
	memory []byte

	turn chan struct{} // has an entry for each free slot
	mu   sync.Mutex
	free []*slot // the last one used on top: it is in the processor's caches
}

// slot is a part of an arena. A slot is lost if a call on it was given up: the plugin
// may still write there.
type slot struct {
	at   uint64 // in the arena
	data []byte
	lost bool
}

// newArena returns an arena, or nil where there is no shared memory.
func newArena() *arena {
	if !littleEndian {
		return nil
	}
	const size = pageBytes + slots*slotBytes
	file, memory, err := newShared(size)
	if err != nil {
		return nil
	}
	copy(memory, sharedMagic)
	a := &arena{file: file, memory: memory, turn: make(chan struct{}, slots)}
	for i := range slots {
		at := pageBytes + i*slotBytes
		a.giveBack(&slot{at: uint64(at), data: memory[at : at+slotBytes]})
	}
	return a
}

// take waits for a slot. It returns nil if there is no arena, or the slot is lost.
func (a *arena) take(ctx context.Context) (*slot, error) {
	if a == nil {
		return nil, nil
	}
	select {
	case <-a.turn:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	a.mu.Lock()
	s := a.free[len(a.free)-1]
	a.free = a.free[:len(a.free)-1]
	a.mu.Unlock()
	if s.lost {
		a.giveBack(s)
		return nil, nil
	}
	return s, nil
}

func (a *arena) giveBack(s *slot) {
	a.mu.Lock()
	if s.lost {
		a.free = append([]*slot{s}, a.free...) // the last to be taken
	} else {
		a.free = append(a.free, s)
	}
	a.mu.Unlock()
	a.turn <- struct{}{}
}

func (a *arena) close() {
	if a != nil {
		unmap(a.memory)
		a.file.Close()
	}
}
