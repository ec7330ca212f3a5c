// Package blocks works through a long run of frames block by block: several at a time, the
// results in order, memory bounded by the size of a block.
package blocks

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// samples is about how many numbers a block holds when its size is not given: 256 kB,
// so that a block and what is made of it stay in the caches.
const samples = 1 << 15

// most is how many numbers of all layers and sources a block holds at most, unless one frame
// has more, so that a recording of very many channels does not fill the memory.
const most = 1 << 23

type sizeKey struct{}

// WithSize asks everything below ctx for blocks of n frames; 0 leaves them to be chosen.
// The size changes memory and speed, never results.
func WithSize(ctx context.Context, n int) context.Context {
	return context.WithValue(ctx, sizeKey{}, n)
}

// Asked returns the size that WithSize asked for, 0 if it is to be chosen.
func Asked(ctx context.Context) int {
	size, _ := ctx.Value(sizeKey{}).(int)
	return size
}

// Size returns how many of total frames make a block, in whole groups of share. A frame has
// length numbers of what a thread goes through at once, in so many rows.
func Size(ctx context.Context, length, rows, share, total int) int {
	size := Asked(ctx)
	if size < 1 {
		size = min(max(samples/max(1, length), 16), 1024, max(1, most/max(1, length*rows)))
	}
	return (max(1, min(size, total)) + share - 1) / share * share
}

// Chosen tells whether somebody has asked for a size.
func Chosen(ctx context.Context) bool {
	size, _ := ctx.Value(sizeKey{}).(int)
	return size > 0
}

// Run works through frames 0 to n-1 in blocks of size, as many at a time as there are
// slots. work is given a slot that no other block uses meanwhile, from newSlot; emit is then
// called for the blocks in order, with their slots. What comes out depends on neither the
// number of slots nor, if work treats frames one by one, on size. A panic in either is an
// error.
func Run[T any](ctx context.Context, n, size, slots int, newSlot func() T,
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
	for range min(count, slots) {
		g.Go(func() (err error) {
			defer Recovered(&err)
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

// Recovered turns a panic, which breaks a stage's contract, into an error. It is to be
// deferred.
func Recovered(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("the stage panicked: %v\n%s", r, debug.Stack())
	}
}
