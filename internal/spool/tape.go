package spool

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// Tape is bytes that are written once from front to back, then read from anywhere: in memory
// while they are few, else in a file without a name. The zero Tape holds nothing and takes
// whatever comes.
type Tape struct {
	Most int64 // bytes that it may hold; 0: as many as there is room for

	memory []byte
	file   store
	size   int64
}

// ErrFull is what Write returns when there would be more than Most bytes.
var ErrFull = errors.New("more than may be kept")

// Write appends p.
func (t *Tape) Write(p []byte) (int, error) {
	if t.Most > 0 && int64(len(p)) > t.Most-t.size {
		return 0, fmt.Errorf("%w: want at most %d bytes", ErrFull, t.Most)
	}
	if t.file == nil && t.size+int64(len(p)) <= inMemory {
		t.memory = append(t.memory, p...)
		t.size += int64(len(p))
		return len(p), nil
	}
	if t.file == nil {
		if err := t.toFile(t.size + int64(len(p))); err != nil {
			return 0, err
		}
	}
	n, err := t.file.WriteAt(p, t.size)
	t.size += int64(n)
	if err != nil {
		err = fmt.Errorf("what was read cannot be kept in %s, the folder for temporary files (TMPDIR): %w", os.TempDir(), err)
	}
	return n, err
}

// toFile moves what is in memory into a file, which is to take so many bytes next.
func (t *Tape) toFile(bytes int64) error {
	file, err := newStore(bytes)
	if err != nil {
		return err
	}
	t.file = file
	_, err = t.file.WriteAt(t.memory, 0)
	t.memory = nil
	return err
}

// Size is how many bytes have been written.
func (t *Tape) Size() int64 { return t.size }

// ReadAt reads as io.ReaderAt says. It may be called from several goroutines at once, after
// the last Write.
func (t *Tape) ReadAt(p []byte, at int64) (int, error) {
	if t.file != nil {
		return t.file.ReadAt(p, at)
	}
	if at < 0 || at >= t.size {
		return 0, io.EOF
	}
	n := copy(p, t.memory[at:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Close ends the Tape; nothing of it is left.
func (t *Tape) Close() error {
	t.memory = nil
	if t.file == nil {
		return nil
	}
	err := t.file.Close()
	t.file = nil
	return err
}
