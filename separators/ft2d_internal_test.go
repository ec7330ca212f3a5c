package separators

import (
	"math"
	"math/cmplx"
	"math/rand/v2"
	"testing"
)

// backgroundPlainly is ft2d by its definition: the transform summed term by term, and each
// neighbourhood looked through.
func backgroundPlainly(x []float64, frames, bins, rates, scales int) []float64 {
	transform := func(x []complex128, sign float64) []complex128 {
		z := make([]complex128, len(x))
		for k := range frames {
			for q := range bins {
				for n := range frames {
					for f := range bins {
						angle := float64(k*n%frames)/float64(frames) + float64(q*f%bins)/float64(bins)
						z[k*bins+q] += x[n*bins+f] * cmplx.Rect(1, sign*2*math.Pi*angle)
					}
				}
			}
		}
		return z
	}
	v := make([]complex128, len(x))
	for i, a := range x {
		v[i] = complex(a, 0)
	}
	z := transform(v, -1)
	var sum, squares float64
	for _, c := range z {
		sum, squares = sum+cmplx.Abs(c), squares+real(c)*real(c)+imag(c)*imag(c)
	}
	n := float64(len(z))
	deviation := math.Sqrt(squares/n - sum/n*sum/n)
	peaks := make([]complex128, len(z))
	rates, scales = min(rates, frames)/2, min(scales, bins)/2
	for k := range frames {
		for q := range bins {
			most, least := 0.0, math.Inf(1)
			for i := -rates; i <= rates; i++ {
				for j := -scales; j <= scales; j++ {
					a := cmplx.Abs(z[(k+i+frames)%frames*bins+(q+j+bins)%bins])
					most, least = max(most, a), min(least, a)
				}
			}
			// Mirror images are as great but for their rounding.
			if c := z[k*bins+q]; cmplx.Abs(c) >= most*(1-1e-12) && most-least > deviation {
				peaks[k*bins+q] = c
			}
		}
	}
	out := make([]float64, len(x))
	for i, c := range transform(peaks, 1) {
		out[i] = math.Abs(real(c)) / n
	}
	return out
}

func TestFT2DAgainstDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, c := range []struct{ frames, bins, rates, scales int }{
		{20, 9, 5, 1}, {15, 17, 3, 3}, {12, 8, 1, 5}, {7, 6, 25, 3}, {21, 5, 7, 9}, {1, 9, 25, 1}, {13, 1, 3, 1}, {6, 18, 3, 17},
	} {
		x := make([]float64, c.frames*c.bins)
		for i := range x {
			x[i] = rng.ExpFloat64()
			if i/c.bins%3 == 0 {
				x[i] += 3
			}
		}
		want := backgroundPlainly(x, c.frames, c.bins, c.rates, c.scales)
		p := newPlane(c.frames, c.bins)
		p.Rows(0, x)
		p.keep(p.peaks(c.rates, c.scales, p.along()))
		p.Back(0, x)
		for i, w := range want {
			if math.Abs(x[i]-w) > 1e-11 {
				t.Errorf("%+v: number %d is %v; want %v", c, i, x[i], w)
				break
			}
		}
	}
}
