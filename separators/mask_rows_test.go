package separators

import (
	"math"
	"testing"

	"github.com/audiosep/audiosep"
)

// TestMasksOfRows: masks of a frame, made row by row, are in each bin those that shares makes of the
// bin alone, to the bit: where powers are alike, nothing, next to nothing, or next to the greatest
// number.
func TestMasksOfRows(t *testing.T) {
	const bins, sources = 61, 5
	rng := audiosep.Env{Seed: 3}.Rand("masks")
	for _, exponent := range []float64{1, 0.5, 2, 0.01, math.Inf(1)} {
		sh := &sharer{mask: &mask{exponent: exponent}, bins: bins, groups: make([]audiosep.Group, sources), floor: []float64{0.1, 0.3, 0.2, 0.3, 0.1}}
		b := new(shareBench)
		b.fit(sh)
		for j, p := range b.powers {
			b.masks[j] = row(p, 0)
		}
		for f := range bins {
			scale := []float64{1, 0, 5e-324, 1e-310, 1e307, 1e-200}[f%6]
			for j := range sources {
				if b.masks[j][f] = rng.Float64() * scale; f%7 == 0 {
					b.masks[j][f] = scale
				}
			}
		}
		var want [bins][sources]float64
		var best [bins]int
		for f := range bins {
			for j := range sources {
				want[f][j] = b.masks[j][f]
			}
			best[f] = sh.shares(want[f][:])
		}
		sh.setMasks(b)
		for f := range bins {
			for j := range sources {
				if j == best[f] {
					want[f][j] = -1
				}
				if got := b.masks[j][f]; got != want[f][j] {
					t.Errorf("exponent %g, bin %d: source %d has %g; want %g", exponent, f, j, got, want[f][j])
				}
			}
		}
	}
}
