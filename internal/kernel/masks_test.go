package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Kernels of masks do in each number what the plain loops do, to the bit, whatever the length.
func TestMasksAgainstLoops(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(5, 8))
		row := func(n int) []float64 {
			x := make([]float64, n)
			for i := range x {
				x[i] = r.NormFloat64()
			}
			return x
		}
		for n := range 70 {
			x, y, m, most, by, rest := row(n), row(n), row(n), row(n), row(n), row(n)
			for i := range m {
				if i%3 == 0 {
					most[i] = m[i]
				}
				if i%5 == 1 {
					most[i] = math.NaN()
				}
			}
			same := func(what string, got []float64, want func(i int) float64) {
				t.Helper()
				for i := range got {
					if w := want(i); math.Float64bits(got[i]) != math.Float64bits(w) && !(math.IsNaN(got[i]) && math.IsNaN(w)) {
						t.Fatalf("%s, number %d of %d: %g; want %g", what, i, n, got[i], w)
					}
				}
			}
			sum := append([]float64(nil), x...)
			Add(sum, y)
			same("a sum", sum, func(i int) float64 { return x[i] + y[i] })
			sum = append(sum[:0], x...)
			AddMul(sum, y, by)
			same("a sum of products", sum, func(i int) float64 { return math.FMA(y[i], by[i], x[i]) })
			Inverse(sum, x)
			same("an inverse", sum, func(i int) float64 { return 1 / x[i] })
			mask, left := append([]float64(nil), m...), append([]float64(nil), most...)
			Mask(mask, left, by)
			same("a mask", mask, func(i int) float64 {
				if m[i] == most[i] {
					return -1
				}
				return m[i] * by[i]
			})
			same("the greatest that are left", left, func(i int) float64 {
				if m[i] == most[i] {
					return math.NaN()
				}
				return most[i]
			})
			for i := range mask {
				if mask[i] < 0 {
					mask[i] = -1
				}
			}
			part, over := make([]float64, n), append([]float64(nil), rest...)
			ShareOut(part, mask, x, over)
			share := func(i int) float64 { return max(mask[i], 0) * x[i] }
			same("a part", part, share)
			same("what is left", over, func(i int) float64 { return rest[i] - share(i) })
			Leave(part, mask, over)
			same("a part with what is left", part, func(i int) float64 {
				if mask[i] < 0 {
					return over[i]
				}
				return share(i)
			})
		}
	})
}

// Of two sources MaskTwo makes the masks that Mask makes, and Part what ShareOut and Leave make, to the bit, whatever
// the length.
func TestTwoAreMaskedAsMany(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(6, 9))
		for n := range 70 {
			var masks, want, got [2][]float64
			most, sums, by, x := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
			for j := range masks {
				masks[j], want[j], got[j] = make([]float64, n), make([]float64, n), make([]float64, n)
			}
			for i := range x {
				x[i] = r.NormFloat64() * math.Pow(10, float64(r.IntN(40)-20))
				masks[0][i], masks[1][i] = r.ExpFloat64(), r.ExpFloat64()
				switch r.IntN(5) {
				case 0:
					masks[1][i] = masks[0][i]
				case 1:
					masks[0][i] = 0
				case 2:
					x[i] = 0
				}
				most[i], sums[i] = max(masks[0][i], masks[1][i]), masks[0][i]+masks[1][i]
			}
			rest := append([]float64(nil), x...)
			together := [2][]float64{append([]float64(nil), masks[0]...), append([]float64(nil), masks[1]...)}
			MaskTwo(together[0], together[1])
			Inverse(by, sums)
			for j, m := range masks {
				Mask(m, most, by)
				for i := range m {
					if math.Float64bits(m[i]) != math.Float64bits(together[j][i]) {
						t.Fatalf("mask %d, number %d of %d: %g; want %g", j, i, n, together[j][i], m[i])
					}
				}
			}
			for j, m := range masks {
				ShareOut(want[j], m, x, rest)
			}
			for j, m := range masks {
				Leave(want[j], m, rest)
				Part(got[j], m, masks[1-j], x)
				for i, w := range want[j] {
					if math.Float64bits(got[j][i]) != math.Float64bits(w) {
						t.Fatalf("source %d, number %d of %d: %g; want %g", j, i, n, got[j][i], w)
					}
				}
			}
		}
	})
}
