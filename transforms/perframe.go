package transforms

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/counted"
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
			Is:   fmt.Sprintf("%s long", counted.Of(len(samples), "sample")),
			Want: fmt.Sprintf("whole frames of %d", s.len),
		}
	}
	if len(coefs.Re) != n*s.bins || s.complex && len(coefs.Im) != n*s.bins {
		return 0, &audiosep.ShapeError{
			What: fmt.Sprintf("the coefficients of %s", counted.Of(n, "frame")),
			Is:   fmt.Sprintf("%d real and %d imaginary numbers", len(coefs.Re), len(coefs.Im)),
			Want: fmt.Sprintf("%d of each, imaginary ones for a complex transform alone", n*s.bins),
		}
	}
	return n, nil
}

// numbersPerRun is how much is worth giving to a goroutine, and how much is done
// between two looks at the context; framesPerRun is what a fast transform does at once.
const (
	numbersPerRun = 1 << 14
	framesPerRun  = 8
)

// eachRun calls do for runs of frames from i to j that make up frames 0 to n-1, of m
// numbers each, on all cores when there are enough of them. Frames do not depend on
// each other, so neither does the result on their sharing out.
func eachRun(ctx context.Context, n, m int, do func(i, j int)) error {
	run := framesPerRun * max(1, numbersPerRun/(m*framesPerRun))
	runs := (n + run - 1) / run
	var next atomic.Int64
	work := func() {
		for r := int(next.Add(1)) - 1; r < runs && ctx.Err() == nil; r = int(next.Add(1)) - 1 {
			do(r*run, min(n, (r+1)*run))
		}
	}
	var wg sync.WaitGroup
	for range min(runs, runtime.GOMAXPROCS(0)) - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
	return ctx.Err()
}
