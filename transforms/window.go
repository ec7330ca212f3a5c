package transforms

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/dsp/window"

	"github.com/audiosep/audiosep/internal/resample"
)

// Window is a window function. The zero Window but for a name is periodic.
type Window struct {
	// Name is tukey, hann, hamming, blackman, blackman_harris, triangular, kaiser, kbd, sine,
	// rectangular or own.
	Name string
	// Own are the weights of own, as many as are asked for.
	Own []float64
	// Alpha is the part of a tukey window that its two flanks take together, 0 to 1.
	Alpha float64
	// Beta is the shape of kaiser and kbd, 0 to 700, as in numpy.kaiser: 0 is
	// rectangular, greater is narrower in time; π times the α of other texts.
	Beta float64
	// Symmetric asks for w[i] = w[n-1-i], as filters want. The periodic window of n
	// weights is the symmetric one of n+1 without its last, as a DFT wants.
	Symmetric bool
}

// Weights returns the n ≥ 1 weights of w, greatest at the middle, at most 1, but for own:
//
//	tukey            1 in the middle, raised-cosine flanks (Harris, 1978)
//	hann             ½ - ½ cos x,                 x = 2πi/n, or 2πi/(n-1) when symmetric
//	hamming          0.54 - 0.46 cos x
//	blackman         0.42 - 0.5 cos x + 0.08 cos 2x
//	blackman_harris  0.35875 - 0.48829 cos x + 0.14128 cos 2x - 0.01168 cos 3x (Harris, 1978)
//	triangular       1 - |x/π - 1|, 0 at the ends (Bartlett)
//	kaiser           I₀(β√(1-t²)) / I₀(β),        t from -1 to 1 (Kaiser, 1974)
//	kbd              roots of the running sums of a kaiser window (Kaiser-Bessel derived)
//	sine             sin(π(i+½)/n)
//	rectangular      1
//	own              Own, as they are, which must be n finite numbers, not all 0
//
// The squares of sine and kbd at half overlap add to 1. That fixes their form: they
// are symmetric about the middle of the frame, whatever Symmetric says. kbd needs an
// even n.
func (w Window) Weights(n int) ([]float64, error) {
	if n < 1 {
		return nil, fmt.Errorf("a window has %d weights; want at least 1", n)
	}
	if !(w.Alpha >= 0 && w.Alpha <= 1) {
		return nil, fmt.Errorf("alpha of a window is %v; want 0 to 1", w.Alpha)
	}
	if !(w.Beta >= 0 && w.Beta <= 700) { // exp(710) is infinite
		return nil, fmt.Errorf("beta of a window is %v; want 0 to 700", w.Beta)
	}
	full := n
	if !w.Symmetric && n > 1 {
		full = n + 1
	}
	all := make([]float64, full)
	for i := range all {
		all[i] = 1
	}
	switch w.Name {
	case "sine":
		for i := range n {
			all[i] = math.Sin(math.Pi * (float64(i) + 0.5) / float64(n))
		}
	case "kbd":
		if n%2 == 1 {
			return nil, fmt.Errorf("a kbd window has %d weights; want an even number", n)
		}
		kaiserBesselDerived(all[:n], w.Beta)
	case "own":
		return w.own(n)
	default:
		shape, ok := w.shape()
		if !ok {
			return nil, fmt.Errorf("no window is called %q", w.Name)
		}
		if n > 1 { // gonum divides by n-1
			shape(all)
		}
	}
	return all[:n], nil
}

// own returns a copy of the weights given.
func (w Window) own(n int) ([]float64, error) {
	if len(w.Own) != n {
		return nil, fmt.Errorf("a window has %d weights of one's own; want %d, as the frames are long", len(w.Own), n)
	}
	zero := true
	for i, a := range w.Own {
		if math.IsNaN(a) || math.IsInf(a, 0) {
			return nil, fmt.Errorf("weight %d of the window is %v; want finite numbers", i, a)
		}
		zero = zero && a == 0
	}
	if zero {
		return nil, fmt.Errorf("the %d weights of the window are all 0; want some that are not", n)
	}
	return slices.Clone(w.Own), nil
}

// shape returns what multiplies numbers by the symmetric form of w.
func (w Window) shape() (func([]float64) []float64, bool) {
	switch w.Name {
	case "tukey":
		return window.Tukey{Alpha: w.Alpha}.Transform, true
	case "hann":
		return window.Hann, true
	case "hamming":
		return window.Hamming, true
	case "blackman":
		return window.Blackman, true
	case "blackman_harris":
		return window.BlackmanHarris, true
	case "triangular":
		return triangular, true
	case "kaiser":
		return func(a []float64) []float64 { kaiser(a, w.Beta); return a }, true
	case "rectangular":
		return window.Rectangular, true
	}
	return nil, false
}

// triangular multiplies by the symmetric triangular window.
func triangular(a []float64) []float64 {
	for i := range a {
		a[i] *= 1 - math.Abs(2*float64(i)/float64(len(a)-1)-1)
	}
	return a
}

// kaiser sets dst to the symmetric Kaiser window.
func kaiser(dst []float64, beta float64) {
	peak := resample.BesselI0(beta)
	for i := range dst {
		t := 2*float64(i)/float64(len(dst)-1) - 1
		dst[i] = resample.BesselI0(beta*math.Sqrt(max(0, 1-t*t))) / peak
	}
}

// kaiserBesselDerived sets dst, of even length, to the roots of the running sums of
// the Kaiser window of half the length and one, and their mirror image.
func kaiserBesselDerived(dst []float64, beta float64) {
	half := len(dst) / 2
	k := make([]float64, half+1)
	kaiser(k, beta)
	var total, sum float64
	for _, x := range k {
		total += x
	}
	for i, x := range k[:half] {
		sum += x
		dst[i] = math.Sqrt(sum / total)
		dst[len(dst)-1-i] = dst[i]
	}
}
