//go:build !race

package nets

// With the race detector a sync.Pool forgets at random.

import "testing"

func TestDenoiseAllocatesNothing(t *testing.T) {
	s, err := newStream(1)
	if err != nil {
		t.Fatal(err)
	}
	x, dst := [][]float64{talk(t).Data[0][:chunkSamples]}, [][]float64{make([]float64, 0, 2*chunkSamples)}
	if n := testing.AllocsPerRun(10, func() { dst[0] = dst[0][:0]; s.run(dst, x, false) }); n >= 1 {
		t.Errorf("%d frames allocate %v times; want 0", gtcrnFrames, n)
	}
}
