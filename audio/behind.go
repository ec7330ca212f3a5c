package audio

import (
	"runtime"
	"slices"

	"github.com/audiosep/audiosep/internal/blocks"
)

// copies are blocks that wait to be encoded, in so many files at a time as there are processors.
type copies chan [][]float64

func newCopies() copies {
	c := make(copies, runtime.GOMAXPROCS(0))
	for range cap(c) {
		c <- nil
	}
	return c
}

// behind encodes what a file is given while the next blocks are made, from a copy.
// What goes wrong in a block is told when the next comes, or at the end.
type behind struct {
	*output
	copies copies     // of all files of a writer
	done   chan error // of the block that is encoded; nil: there is none
	err    error      // the first
}

// append takes a block of samples, [channel][sample].
func (b *behind) append(block [][]float64) error {
	if err := b.wait(); err != nil {
		return err
	}
	if cap(b.copies) == 1 {
		b.err = b.output.append(block)
		return b.err
	}
	own := <-b.copies
	own = slices.Grow(own[:0], len(block))[:len(block)]
	for c, x := range block {
		own[c] = append(own[c][:0], x...)
	}
	done := make(chan error, 1)
	b.done = done
	go func() {
		var err error
		defer func() { b.copies <- own; done <- err }()
		defer blocks.Recovered(&err)
		err = b.output.append(own)
	}()
	return nil
}

// wait returns when all that was given is encoded, with the first error.
func (b *behind) wait() error {
	if b.done != nil {
		err := <-b.done
		b.done = nil
		if b.err == nil {
			b.err = err
		}
	}
	return b.err
}
