//go:build !race

package separators

import (
	"math"
	"runtime"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
)

// A mask that is applied block after block makes no garbage as large as W for each: the heap would
// be let grow to twice what is in it. Memory of a pool may be lost now and then, so that the least
// of some calls counts.
func TestMaskLeavesNoGarbage(t *testing.T) {
	const bins, frames, rank = 1025, 16, 8
	s, err := NewWiener(DefaultWiener())
	if err != nil {
		t.Fatal(err)
	}
	rng := audiosep.Env{Seed: 5}.Rand("garbage")
	random := func(n int) []float64 {
		x := make([]float64, n)
		for i := range x {
			x[i] = 0.1 + rng.Float64()
		}
		return x
	}
	f := &audiosep.Factors{W: mat.NewDense(bins, rank, random(bins*rank)), H: mat.NewDense(rank, frames, random(rank*frames))}
	groups, dst := make([]audiosep.Group, rank), make([]audiosep.Coefs, rank)
	for j := range groups {
		groups[j] = audiosep.Group{Name: string(rune('a' + j)), Components: []int{j}}
		dst[j] = audiosep.Coefs{Re: make([]float64, bins*frames)}
	}
	x := audiosep.Coefs{Re: random(bins * frames)}
	least := uint64(math.MaxUint64)
	for range 20 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if err := s.Separate(t.Context(), dst, x, f, groups); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	if least > 8*bins {
		t.Errorf("a call leaves %d bytes of garbage; want less than one spectrum of W, %d", least, 8*bins)
	}
}
