package transforms

import (
	"math"
	"math/cmplx"

	"gonum.org/v1/gonum/dsp/fourier"
)

// Everything in this package that needs a DFT uses realDFT or complexDFT, so a faster
// FFT goes in here and nowhere else. Both hold scratch: one goroutine at a time.

// greatestRadix is the greatest prime factor of a length that is left to gonum, which
// takes time and loses digits in proportion to it (errors of 3e-13 at 211, 8e-12 at
// 1009); other lengths are convolved with a chirp (1e-15).
const greatestRadix = 23

// realDFT is X[k] = Σ_t x[t] exp(-2πi·kt/n) of n ≥ 1 real numbers, k = 0 … n/2.
type realDFT struct {
	n    int
	fft  *fourier.FFT // nil: by full
	full *complexDFT
	work []complex128 // n numbers for full
}

func newRealDFT(n int) *realDFT {
	if greatestPrime(n) <= greatestRadix {
		return &realDFT{n: n, fft: fourier.NewFFT(n)}
	}
	return &realDFT{n: n, full: newComplexDFT(n), work: make([]complex128, n)}
}

// forward writes n/2+1 coefficients.
func (d *realDFT) forward(dst []complex128, src []float64) {
	if d.fft != nil {
		d.fft.Coefficients(dst, src)
		return
	}
	for i, x := range src {
		d.work[i] = complex(x, 0)
	}
	d.full.forward(d.work)
	copy(dst, d.work)
}

// inverse writes n times what forward had read. The imaginary parts of the first
// coefficient and, for even n, of the last are taken for zero.
func (d *realDFT) inverse(dst []float64, src []complex128) {
	if d.fft != nil {
		d.fft.Sequence(dst, src)
		return
	}
	// conj X runs forward to the conjugate of the sequence, which is real.
	d.work[0] = complex(real(src[0]), 0)
	for k := 1; k < len(src); k++ {
		d.work[k], d.work[d.n-k] = cmplx.Conj(src[k]), src[k]
	}
	if d.n%2 == 0 {
		d.work[d.n/2] = complex(real(src[d.n/2]), 0)
	}
	d.full.forward(d.work)
	for i := range dst {
		dst[i] = real(d.work[i])
	}
}

// complexDFT is X[k] = Σ_t x[t] exp(-2πi·kt/n), k = 0 … n-1, in place.
type complexDFT struct {
	fft   *fourier.CmplxFFT // of n numbers, or of the padded length when chirp is set
	chirp []complex128      // exp(-πi·t²/n)
	kern  []complex128      // DFT of the conjugate chirp, over the padded length
	work  []complex128
}

func newComplexDFT(n int) *complexDFT {
	if greatestPrime(n) <= greatestRadix {
		return &complexDFT{fft: fourier.NewCmplxFFT(n)}
	}
	// Bluestein (1970): kt = (k² + t² - (k-t)²)/2 makes the DFT a convolution.
	padded := 2*n - 1
	for greatestPrime(padded) > 5 {
		padded++
	}
	d := &complexDFT{
		fft:   fourier.NewCmplxFFT(padded),
		chirp: make([]complex128, n),
		kern:  make([]complex128, padded),
		work:  make([]complex128, padded),
	}
	for t := range n {
		d.chirp[t] = expPi(-(t * t % (2 * n)), n)
		d.kern[t] = cmplx.Conj(d.chirp[t])
		d.kern[(padded-t)%padded] = d.kern[t]
	}
	d.fft.Coefficients(d.kern, d.kern)
	for i := range d.kern {
		d.kern[i] /= complex(float64(padded), 0)
	}
	return d
}

func (d *complexDFT) forward(x []complex128) {
	if d.chirp == nil {
		d.fft.Coefficients(x, x)
		return
	}
	clear(d.work)
	for t, c := range d.chirp {
		d.work[t] = x[t] * c
	}
	d.fft.Coefficients(d.work, d.work)
	for i, k := range d.kern {
		d.work[i] *= k
	}
	d.fft.Sequence(d.work, d.work)
	for k, c := range d.chirp {
		x[k] = d.work[k] * c
	}
}

// expPi returns exp(πi·a/b).
func expPi(a, b int) complex128 {
	sin, cos := math.Sincos(math.Pi * float64(a) / float64(b))
	return complex(cos, sin)
}

// greatestPrime returns the greatest prime factor of n, or 1 for n = 1.
func greatestPrime(n int) int {
	greatest := 1
	for p := 2; p*p <= n; p++ {
		for n%p == 0 {
			greatest, n = p, n/p
		}
	}
	return max(greatest, n)
}
