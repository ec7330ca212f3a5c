package metrics

import "math"

// fft is a complex Fourier transform of n = 4ᵏ numbers in place, for convolution only. Bins stay
// in digit-reversed order, which is no matter to products of spectra. Two real blocks are
// transformed as the real and the imaginary part of one; filters with real taps keep the two
// apart. So it takes about a quarter of the time of a general real transform of each block. It
// may be used by many goroutines.
type fft struct {
	n       int
	twiddle [][]complex128 // [stage][3j…]: w, w², w³ with w = exp(-2πi j/size), from size n down
}

func newFFT(n int) *fft {
	f := &fft{n: n}
	for size := n; size >= 4; size /= 4 {
		w := make([]complex128, 0, 3*size/4)
		for j := range size / 4 {
			for p := 1; p <= 3; p++ {
				sin, cos := math.Sincos(2 * math.Pi * float64(p*j) / float64(size))
				w = append(w, complex(cos, -sin))
			}
		}
		f.twiddle = append(f.twiddle, w)
	}
	return f
}

// forward transforms x by decimation in frequency.
func (f *fft) forward(x []complex128) {
	size := f.n
	for _, w := range f.twiddle {
		q := size / 4
		for base := 0; base < f.n; base += size {
			x0, x1, x2, x3 := x[base:][:q], x[base+q:][:q], x[base+2*q:][:q], x[base+3*q:][:q]
			w := w[:3*q]
			for j, a := range x0 {
				b, c, d := x1[j], x2[j], x3[j]
				s, t, u, v := a+c, a-c, b+d, b-d
				v = complex(imag(v), -real(v))
				w3 := w[3*j : 3*j+3]
				x0[j] = s + u
				x1[j] = (t + v) * w3[0]
				x2[j] = (s - u) * w3[1]
				x3[j] = (t - v) * w3[2]
			}
		}
		size = q
	}
}

// inverse undoes forward but for the factor n.
func (f *fft) inverse(x []complex128) {
	size := 4
	for stage := len(f.twiddle) - 1; stage >= 0; stage-- {
		q, w := size/4, f.twiddle[stage]
		for base := 0; base < f.n; base += size {
			x0, x1, x2, x3 := x[base:][:q], x[base+q:][:q], x[base+2*q:][:q], x[base+3*q:][:q]
			w := w[:3*q]
			for j, a := range x0 {
				w3 := w[3*j : 3*j+3]
				b, c, d := x1[j]*conj(w3[0]), x2[j]*conj(w3[1]), x3[j]*conj(w3[2])
				s, t, u, v := a+c, a-c, b+d, b-d
				v = complex(-imag(v), real(v))
				x0[j], x2[j] = s+u, s-u
				x1[j], x3[j] = t+v, t-v
			}
		}
		size *= 4
	}
}

func conj(z complex128) complex128 { return complex(real(z), -imag(z)) }
