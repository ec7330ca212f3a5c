package metrics

import (
	"math/cmplx"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/dsp/fourier"
)

// The bins are gonum's in another order, and the inverse undoes the transform.
func TestFFT(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{4, 16, 64, 1024} {
		x := make([]complex128, n)
		for i := range x {
			x[i] = complex(rng.NormFloat64(), rng.NormFloat64())
		}
		y := append([]complex128(nil), x...)
		f := newFFT(n)
		f.forward(y)
		want := fourier.NewCmplxFFT(n).Coefficients(nil, x)
		for k := range y {
			from := 0 // k with its digits to the base 4 reversed
			for rest, d := k, n/4; d > 0; rest, d = rest/4, d/4 {
				from += rest % 4 * d
			}
			if cmplx.Abs(y[from]-want[k]) > 1e-12*float64(n) {
				t.Fatalf("n=%d: bin %d is %v; want %v", n, k, y[from], want[k])
			}
		}
		f.inverse(y)
		for i := range y {
			if cmplx.Abs(y[i]/complex(float64(n), 0)-x[i]) > 1e-13 {
				t.Fatalf("n=%d: sample %d is %v; want %v", n, i, y[i], x[i])
			}
		}
	}
}

func BenchmarkFFT(b *testing.B) {
	f := newFFT(4096)
	x := make([]complex128, 4096)
	b.Run("forward", func(b *testing.B) {
		for b.Loop() {
			f.forward(x)
		}
	})
	b.Run("inverse", func(b *testing.B) {
		for b.Loop() {
			f.inverse(x)
		}
	})
	g := fourier.NewCmplxFFT(4096)
	b.Run("gonum", func(b *testing.B) {
		for b.Loop() {
			g.Coefficients(x, x)
		}
	})
}
