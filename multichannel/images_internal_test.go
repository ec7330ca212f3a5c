package multichannel

import (
	"math/cmplx"
	"math/rand/v2"
	"testing"
)

// The loops over the bins of a frame make a_n w_n x as the plain formula does, one coefficient after the other. A compiler
// may round less in one of the two, where the processor multiplies and adds at once.
func TestImagesArePlainProducts(t *testing.T) {
	const bins, channels, sources = 7, 3, 2
	rng := rand.New(rand.NewPCG(5, 6))
	numbers := func(n int) []complex128 {
		all := make([]complex128, n)
		for i := range all {
			all[i] = complex(rng.NormFloat64(), rng.NormFloat64())
		}
		return all
	}
	s := &images{channels: channels, sources: sources, w: numbers(bins * sources * channels), a: numbers(bins * sources * channels)}
	x := overBins(numbers(bins*channels), channels)
	w, a := overBins(s.w, sources*channels), overBins(s.a, sources*channels)
	y, image := overBins(make([]complex128, bins), 1)[0], overBins(make([]complex128, bins), 1)[0]
	plain := make([]complex128, sources)
	for n := range sources {
		clear(y.Re)
		clear(y.Im)
		for c := range channels {
			addProducts(y, w[n*channels+c], x[c])
		}
		for c := range channels {
			products(image, a[n*channels+c], row(y, 0, bins))
			for f := range bins {
				s.demix(plain, x, f, f)
				want := s.a[(f*sources+n)*channels+c] * plain[n]
				if got := complex(image.Re[f], image.Im[f]); cmplx.Abs(got-want) > 1e-14*(1+cmplx.Abs(want)) {
					t.Errorf("bin %d of source %d on channel %d is %v; want %v", f, n, c, got, want)
				}
			}
		}
	}
}
