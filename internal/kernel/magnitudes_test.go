package kernel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// Every path, whatever the length, has the bits of the formula.
func TestMagnitudesAgainstLoops(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(4, 4))
		positive := func(n int) []float64 {
			x := make([]float64, n)
			for i := range x {
				if x[i] = r.ExpFloat64(); r.IntN(5) == 0 {
					x[i] = [...]float64{0, 1, 1e-310, 1e-300, math.MaxFloat64}[r.IntN(5)]
				}
			}
			return x
		}
		for n := range 50 {
			x, y := positive(n), positive(n)
			small, great, most, share := slices.Clone(x), slices.Clone(y), make([]float64, n), slices.Clone(x)
			if n > 1 {
				share[n/2] = math.Inf(1)
			}
			from := slices.Clone(share)
			Exchange(small, great)
			Max(most, x, y)
			Share(share, y)
			re, im := random(r, 1, n, n).Data, random(r, 1, n, n).Data
			size := make([]float64, n)
			Magnitude(size, re, im)
			for i := range n {
				part := 0.5
				if m := min(from[i], y[i]); m+(y[i]-m) > 1e-300 {
					part = m / (m + (y[i] - m))
				}
				if small[i] != min(x[i], y[i]) || great[i] != max(x[i], y[i]) || most[i] != great[i] || share[i] != part ||
					size[i] != math.Sqrt(math.FMA(im[i], im[i], re[i]*re[i])) {
					t.Fatalf("element %d of %d of %v, %v: %v %v %v %v %v", i, n, from[i], y[i], small[i], great[i], most[i], share[i], size[i])
				}
			}
		}
	})
}

func TestMagnitudesOfLanes(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(5, 4))
		for _, lanes := range []int{4, 8} {
			z, got := random(r, 1, 14*lanes, 14*lanes).Data, make([]float64, 7*lanes)
			Magnitudes(got, z, lanes)
			for i, v := range got {
				re, im := z[i/lanes*2*lanes+i%lanes], z[i/lanes*2*lanes+lanes+i%lanes]
				if v != math.Sqrt(math.FMA(im, im, re*re)) {
					t.Fatalf("%d lanes: number %d is %v", lanes, i, v)
				}
			}
		}
	})
}
