// Command audiosep-plugin-hartley offers the discrete Hartley transform.
package main

import (
	"math"

	"gonum.org/v1/gonum/dsp/fourier"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/plugins"
)

func hartley(m int) (forward, inverse func(dst, src []float64), err error) {
	dht := func(dst, src []float64) {
		fft := fourier.NewFFT(m) // has scratch space, so each call has its own
		for k, x := range fft.Coefficients(nil, src) {
			dst[k] = (real(x) - imag(x)) / math.Sqrt(float64(m))
			dst[(m-k)%m] = (real(x) + imag(x)) / math.Sqrt(float64(m))
		}
	}
	return dht, dht, nil // it is its own inverse
}

func main() {
	build := func(struct{}) (audiosep.Transformer, error) { return audiosep.PerFrame(hartley), nil }
	plugins.Serve(audiosep.Define("dht", "Discrete Hartley transform. Real, orthonormal, F = M.", struct{}{}, build))
}
