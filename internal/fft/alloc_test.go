//go:build !race

package fft

// With the race detector a sync.Pool forgets at random.

import (
	"testing"

	"github.com/audiosep/audiosep/internal/allocs"
)

func TestRunAllocatesNothing(t *testing.T) {
	p, x := NewDCT(2, 200), make([]float64, 200*16)
	p.Run(x, nil, x, nil)
	if n := allocs.PerRun(50, func() { p.Run(x, nil, x, nil) }); n >= 1 {
		t.Errorf("a run allocates %v times; want 0", n)
	}
}
