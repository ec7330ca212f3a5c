package fft

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// symmetric returns 2·half+1 symmetric weights.
func symmetric(r *rand.Rand, half int) []float64 {
	w := noise(r, 2*half+1)
	for t := range half {
		w[t] = w[2*half-t]
	}
	return w
}

// A filter is the sums of its definition, at the beginning, the middle and the end of every block.
func TestFilter(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 1))
		for _, half := range []int{0, 1, 7, 500, 1300} {
			w := symmetric(r, half)
			f := NewFilter(w, 8)
			x, y := noise(r, f.Span()+2*half), make([]float64, f.Span())
			f.Run(y, x, len(y))
			for first := 0; first < len(y); first += f.Block() {
				for _, n := range []int{first, first + f.Block()/3, first + f.Block() - 1} {
					var want, norm float64
					for i, c := range w {
						want += c * x[n+2*half-i]
						norm = math.Hypot(norm, c)
					}
					if math.Abs(y[n]-want) > 1e-13*norm {
						t.Fatalf("half %d: sample %d is %v; want %v", half, n, y[n], want)
					}
				}
			}
		}
	})
}

// A pair of blocks has the same bits whatever stands in the others, and whether they are asked for.
func TestFilterPairsStandAlone(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(2, 2))
		f := NewFilter(symmetric(r, 900), 8)
		x, y := noise(r, f.Span()+2*f.Half()), make([]float64, f.Span())
		f.Run(y, x, len(y))
		pair := 2 * f.Block()
		for i := pair + 2*f.Half(); i < len(x); i++ {
			x[i] = 1e3 * r.NormFloat64()
		}
		for _, n := range []int{1, pair, len(y)} {
			again := make([]float64, len(y))
			f.Run(again, x, n)
			if !slices.Equal(again[:pair], y[:pair]) {
				t.Fatalf("%d samples asked for: the first pair has other bits", n)
			}
		}
	})
}

func TestFilterSizes(t *testing.T) {
	for _, c := range []struct{ half, pairs, most int }{{0, 8, 8}, {1720, 8, 8}, {1720, 1, 1}, {172000, 8, 1}} {
		f := NewFilter(make([]float64, 2*c.half+1), c.pairs)
		if f.Half() != c.half || f.Block() < 1 || f.Span()%(2*f.Block()) != 0 || f.Span()/(2*f.Block()) > c.most || 2*f.Block() < f.size {
			t.Errorf("half %d, %d pairs: blocks of %d of %d, %d at once", c.half, c.pairs, f.Block(), f.size, f.Span())
		}
	}
}
