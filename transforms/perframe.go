package transforms

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/audiosep/audiosep"
)

// shape is what the methods of every Transform in this package share.
type shape struct {
	len, bins int // M, F
	complex   bool
}

func (s shape) Len() int      { return s.len }
func (s shape) Bins() int     { return s.bins }
func (s shape) Complex() bool { return s.complex }

// frames returns how many frames samples and coefs hold, which must be as many.
func (s shape) frames(samples []float64, coefs audiosep.Coefs) (int, error) {
	n := len(samples) / s.len
	if n*s.len != len(samples) {
		return 0, &audiosep.ShapeError{
			What: "the run of frames",
			Is:   fmt.Sprintf("%d samples long", len(samples)),
			Want: fmt.Sprintf("whole frames of %d", s.len),
		}
	}
	if len(coefs.Re) != n*s.bins || s.complex && len(coefs.Im) != n*s.bins {
		return 0, &audiosep.ShapeError{
			What: fmt.Sprintf("the coefficients of %d frames", n),
			Is:   fmt.Sprintf("%d real and %d imaginary numbers", len(coefs.Re), len(coefs.Im)),
			Want: fmt.Sprintf("%d of each, imaginary ones for a complex transform alone", n*s.bins),
		}
	}
	return n, nil
}

// samplesPerChunk is how much is worth giving to a goroutine, and how much is done
// between two looks at the context.
const samplesPerChunk = 1 << 14

// eachFrame calls do for every frame 0 to n-1 of m samples, on all cores when there
// are enough of them. plans makes what holds the scratch; each goroutine has its own.
// Frames do not depend on each other, so neither does the result on their sharing out.
func eachFrame[P any](ctx context.Context, plans *sync.Pool, n, m int, do func(p P, i int)) error {
	chunk := max(1, samplesPerChunk/m)
	chunks := (n + chunk - 1) / chunk
	var next atomic.Int64
	work := func() {
		p := plans.Get().(P)
		defer plans.Put(p)
		for c := int(next.Add(1)) - 1; c < chunks && ctx.Err() == nil; c = int(next.Add(1)) - 1 {
			for i := c * chunk; i < min(n, (c+1)*chunk); i++ {
				do(p, i)
			}
		}
	}
	var wg sync.WaitGroup
	for range min(chunks, runtime.GOMAXPROCS(0)) - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
	return ctx.Err()
}
