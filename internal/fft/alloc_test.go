//go:build !race

package fft

// With the race detector a sync.Pool forgets at random.

import "testing"

func TestRunAllocatesNothing(t *testing.T) {
	p, x := NewDCT(2, 200), make([]float64, 200*16)
	p.Run(x, nil, x, nil)
	if n := testing.AllocsPerRun(50, func() { p.Run(x, nil, x, nil) }); n >= 1 {
		t.Errorf("a run allocates %v times; want 0", n)
	}
}
