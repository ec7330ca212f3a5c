package audio

import (
	"runtime"
	"slices"

	"github.com/audiosep/audiosep/internal/blocks"
)

// behind encodes what a file is given while the next blocks are made: it holds a copy of one block.
// What goes wrong in a block is told when the next comes, or at the end.
type behind struct {
	*output
	block [][]float64
	done  chan error // of the block that is encoded; nil: there is none
	err   error      // the first
}

// append takes a block of samples, [channel][sample].
func (b *behind) append(block [][]float64) error {
	if err := b.wait(); err != nil {
		return err
	}
	if runtime.GOMAXPROCS(0) == 1 {
		b.err = b.output.append(block)
		return b.err
	}
	b.block = slices.Grow(b.block[:0], len(block))[:len(block)]
	for c, x := range block {
		b.block[c] = append(b.block[c][:0], x...)
	}
	done := make(chan error, 1)
	b.done = done
	go func() {
		var err error
		defer func() { done <- err }()
		defer blocks.Recovered(&err)
		err = b.output.append(b.block)
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
