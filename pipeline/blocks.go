package pipeline

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// blockSamples is about how many samples of one layer a block holds when its size is
// not given: a megabyte, so that a block and what is made of it stay in the caches.
const blockSamples = 1 << 17

// blockSize returns how many frames of length samples make a block: size if it is
// given, in whole groups of share.
func blockSize(size, length, share int) int {
	if size < 1 {
		size = min(max(blockSamples/length, 16), 1024)
	}
	return (size + share - 1) / share * share
}

// inBlocks works through frames 0 to n-1 in blocks of size, several at a time. work is
// given a slot that no other block uses meanwhile, from newSlot; emit is then called for
// the blocks in order, with their slots. What comes out depends on neither the number
// of threads nor, if work treats frames one by one, on size.
func inBlocks[T any](ctx context.Context, n, size int, newSlot func() T,
	work func(ctx context.Context, slot T, first, n int) error,
	emit func(ctx context.Context, slot T, first, n int) error) error {
	count := (n + size - 1) / size
	turn := make([]chan struct{}, count+1) // closed when it is the block's turn to be emitted
	for i := range turn {
		turn[i] = make(chan struct{})
	}
	if count > 0 {
		close(turn[0])
	}
	var next atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	for range min(count, runtime.GOMAXPROCS(0)) {
		g.Go(func() (err error) {
			defer recovered(&err)
			slot := newSlot()
			for {
				b := int(next.Add(1)) - 1
				if b >= count {
					return nil
				}
				if err := ctx.Err(); err != nil {
					return err
				}
				first := b * size
				frames := min(size, n-first)
				if err := work(ctx, slot, first, frames); err != nil {
					return err
				}
				select {
				case <-turn[b]:
				case <-ctx.Done():
					return ctx.Err()
				}
				if err := emit(ctx, slot, first, frames); err != nil {
					return err
				}
				close(turn[b+1])
			}
		})
	}
	return g.Wait()
}

// recovered turns a panic, which breaks a stage's contract, into an error.
func recovered(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("the stage panicked: %v\n%s", r, debug.Stack())
	}
}
