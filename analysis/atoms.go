package analysis

import (
	"math"
	"math/cmplx"
	"slices"

	"gonum.org/v1/gonum/dsp/fourier"
	"gonum.org/v1/gonum/mat"
)

// Atom is the sinusoid nearest to a row of a transform:
// Amplitude·cos(2π·Frequency·t/rate + Phase), t = 0 … M-1.
type Atom struct {
	Row       int
	Frequency float64 // Hz, 0 to half the rate
	Amplitude float64 // ≥ 0
	Phase     float64 // radians, -π to π
	Residual  float64 // ‖row - sinusoid‖/‖row‖, 0 to 1
}

// Atoms fits a sinusoid to every row of phi, F×M, in the least-squares sense; rate is in Hz.
// For a given frequency amplitude and phase have a closed form, so only the frequency is
// searched for, near the highest peaks of the zero-padded spectrum.
func Atoms(phi mat.Matrix, rate float64) []Atom {
	f, m := phi.Dims()
	s := newSearch(m)
	atoms := make([]Atom, f)
	for i := range atoms {
		for j := range m {
			s.row[j] = phi.At(i, j)
		}
		atoms[i] = s.fit()
		atoms[i].Row = i
		atoms[i].Frequency *= rate
	}
	return atoms
}

// padding is the least zero-padded length over M, and so the number of bins in half the main
// lobe of a peak.
const padding = 8

type search struct {
	row, padded []float64
	fft         *fourier.FFT
	spectrum    []complex128
}

func newSearch(m int) *search {
	n := 64
	for n < padding*m {
		n *= 2
	}
	return &search{row: make([]float64, m), padded: make([]float64, n), fft: fourier.NewFFT(n), spectrum: make([]complex128, n/2+1)}
}

// candidates is how many peaks are tried. Near 0 and half the rate a peak overlaps with its
// mirror image, so that the highest need not be the best.
const candidates = 3

// fit returns the best sinusoid, its frequency in cycles per sample.
func (s *search) fit() Atom {
	copy(s.padded, s.row)
	s.spectrum = s.fft.Coefficients(s.spectrum, s.padded)
	best, captured := 0.0, -1.0
	for _, bin := range s.peaks() {
		f := s.climb(s.nearby(bin))
		if e, _, _ := s.project(f); e > captured {
			best, captured = f, e
		}
	}
	_, c, d := s.project(best)
	var energy, left float64
	for t, x := range s.row {
		sin, cos := math.Sincos(2 * math.Pi * best * float64(t))
		energy += x * x
		left += (x - c*cos - d*sin) * (x - c*cos - d*sin)
	}
	a := Atom{Frequency: best, Amplitude: math.Hypot(c, d), Phase: math.Atan2(-d, c)}
	if energy > 0 {
		a.Residual = math.Sqrt(left / energy)
	}
	return a
}

// peaks returns the bins of the highest local maxima of the spectrum.
func (s *search) peaks() []int {
	power := make([]float64, len(s.spectrum))
	for i, c := range s.spectrum {
		power[i] = cmplx.Abs(c)
	}
	var peaks []int
	for i, p := range power {
		if (i == 0 || p >= power[i-1]) && (i == len(power)-1 || p > power[i+1]) {
			peaks = append(peaks, i)
		}
	}
	slices.SortStableFunc(peaks, func(i, j int) int {
		switch {
		case power[i] > power[j]:
			return -1
		case power[i] < power[j]:
			return 1
		}
		return 0
	})
	return peaks[:min(candidates, len(peaks))]
}

// nearby returns the frequencies of the two neighbours of the bin, near a peak, at which a
// sinusoid captures most energy: not always the peak's bin, where its mirror image is near.
func (s *search) nearby(peak int) (from, to float64) {
	n := len(s.padded)
	best, captured := peak, -1.0
	for bin := max(0, peak-padding); bin <= min(n/2, peak+padding); bin++ {
		if e, _, _ := s.project(float64(bin) / float64(n)); e > captured {
			best, captured = bin, e
		}
	}
	return max(0, float64(best-1)/float64(n)), min(0.5, float64(best+1)/float64(n))
}

// climb returns the frequency between a and b at which a sinusoid captures most energy, by
// golden-section search.
func (s *search) climb(a, b float64) float64 {
	const golden = 0.6180339887498949
	x, y := b-golden*(b-a), a+golden*(b-a)
	ex, _, _ := s.project(x)
	ey, _, _ := s.project(y)
	for b-a > 1e-10 {
		if ex >= ey {
			b, y, ey = y, x, ex
			x = b - golden*(b-a)
			ex, _, _ = s.project(x)
		} else {
			a, x, ex = x, y, ey
			y = a + golden*(b-a)
			ey, _, _ = s.project(y)
		}
	}
	return (a + b) / 2
}

// project returns the c and d for which c·cos(2πft) + d·sin(2πft) is nearest to the row, and
// the energy of it.
func (s *search) project(f float64) (energy, c, d float64) {
	var cc, ss, cs, xc, xs float64
	turnSin, turnCos := math.Sincos(2 * math.Pi * f)
	sin, cos := 0.0, 1.0 // of 2πft: turned from sample to sample, which strays by some 1e-16 each
	for i, x := range s.row {
		if i > 0 {
			sin, cos = sin*turnCos+cos*turnSin, cos*turnCos-sin*turnSin
		}
		cc += cos * cos
		ss += sin * sin
		cs += cos * sin
		xc += x * cos
		xs += x * sin
	}
	if det := cc*ss - cs*cs; det > 1e-9*cc*cc { // else the sine is 0 or a multiple of the cosine
		c, d = (xc*ss-xs*cs)/det, (xs*cc-xc*cs)/det
	} else {
		c = xc / cc
	}
	return c*xc + d*xs, c, d
}
