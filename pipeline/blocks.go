package pipeline

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/audiosep/audiosep"
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

// inBlocks works through frames 0 to n-1 in blocks of size, as many at a time as there are
// slots. work is given a slot that no other block uses meanwhile, from newSlot; emit is then
// called for the blocks in order, with their slots. What comes out depends on neither the
// number of slots nor, if work treats frames one by one, on size.
func inBlocks[T any](ctx context.Context, n, size, slots int, newSlot func() T,
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

// loan is memory for the numbers that go to and from stages, of those among them that lend.
type loan struct {
	from []audiosep.Lender
	mu   sync.Mutex
	back []func()
}

func lenders(stages ...any) *loan {
	l := new(loan)
	for _, s := range stages {
		if lender, ok := s.(audiosep.Lender); ok {
			l.from = append(l.from, lender)
		}
	}
	return l
}

// slots returns how many blocks are worked on at a time: more than there are processors
// where some of the time is spent waiting for other processes.
func (l *loan) slots() int {
	if len(l.from) > 0 {
		return 2 * runtime.GOMAXPROCS(0)
	}
	return runtime.GOMAXPROCS(0)
}

// numbers returns n numbers of the first that lends. If there are several, the others copy.
func (l *loan) numbers(n int) []float64 {
	if len(l.from) == 0 {
		return make([]float64, n)
	}
	x, back := l.from[0].Lend(n)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.back = append(l.back, back)
	return x
}

// coefs returns coefficients for n frames of t.
func (l *loan) coefs(t audiosep.Transform, n int) audiosep.Coefs {
	x := audiosep.Coefs{Re: l.numbers(n * t.Bins())}
	if t.Complex() {
		x.Im = l.numbers(n * t.Bins())
	}
	return x
}

func (l *loan) giveBack() {
	for _, back := range l.back {
		back()
	}
}
