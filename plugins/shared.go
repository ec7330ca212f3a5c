package plugins

import (
	"context"
	"os"
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
	free   chan *slot
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
	a := &arena{file: file, memory: memory, free: make(chan *slot, slots)}
	for i := range slots {
		at := pageBytes + i*slotBytes
		a.free <- &slot{at: uint64(at), data: memory[at : at+slotBytes]}
	}
	return a
}

// take waits for a slot. It returns nil for an arena that is nil or has lost its slots.
func (a *arena) take(ctx context.Context) (*slot, error) {
	if a == nil {
		return nil, nil
	}
	select {
	case s := <-a.free:
		if s.lost {
			a.free <- s
			return nil, nil
		}
		return s, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (a *arena) close() {
	if a != nil {
		unmap(a.memory)
		a.file.Close()
	}
}
