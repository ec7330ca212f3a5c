package spool

import (
	"fmt"
	"io"
)

// inMemory is how much a Tape has in memory: what is left beside it of the 4 GiB that a program
// can address there is for the work.
const inMemory = 1 << 30

type memory []byte

func newStore(size int64) (store, error) {
	if size > inMemory {
		return nil, fmt.Errorf("samples would take %d MiB of memory; want at most %d in a browser", size>>20, inMemory>>20)
	}
	return make(memory, size), nil
}

func (m memory) WriteAt(p []byte, at int64) (int, error) {
	n := copy(m[min(at, int64(len(m))):], p)
	if n < len(p) {
		return n, io.ErrShortWrite
	}
	return n, nil
}

func (m memory) ReadAt(p []byte, at int64) (int, error) {
	n := copy(p, m[min(at, int64(len(m))):])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (m memory) Close() error { return nil }
