package main

import (
	"math"

	"gonum.org/v1/gonum/dsp/fourier"
)

// network is what a description tells of, ready to run.
type network struct {
	*description
	models []*model
}

// separate returns the stems of a chunk x[channel][sample]: [stem][channel][sample].
func (n *network) separate(x [][]float64) ([][][]float64, error) {
	if n.Kind == "magnitude" {
		return n.byMagnitude(x)
	}
	y, err := n.run(x, []int{n.Chunk})
	if err != nil {
		return nil, err
	}
	out := make([][][]float64, len(n.Stems))
	for j := range out {
		out[j] = rows(n.Channels, n.Chunk)
		for c := range out[j] {
			for i := range out[j][c] {
				out[j][c][i] = float64(y[(j*n.Channels+c)*n.Chunk+i])
			}
		}
	}
	return out, nil
}

// run gives each model x[channel], whose numbers are of some shape, and returns what they make of
// it, [stem][channel] and that shape.
func (n *network) run(x [][]float64, shape []int) ([]float32, error) {
	given := []int64{1, int64(n.Channels)}
	want := []int64{1, int64(len(n.Stems)), int64(n.Channels)}
	if len(n.Models) > 0 {
		want = []int64{1, int64(n.Channels)}
	}
	for _, size := range shape {
		given, want = append(given, int64(size)), append(want, int64(size))
	}
	var flat, all []float32
	for _, channel := range x {
		for _, v := range channel {
			flat = append(flat, float32(v))
		}
	}
	for _, m := range n.models {
		y, err := m.run(given, want, flat)
		if err != nil {
			return nil, err
		}
		all = append(all, y...)
	}
	return all, nil
}

// byMagnitude has the models estimate the magnitudes of the stems and shares each coefficient of
// the STFT out in proportion to their powers. Frames begin half a frame before the chunk.
func (n *network) byMagnitude(x [][]float64) ([][][]float64, error) {
	bins, frames := n.FFT/2+1, (n.Chunk+n.FFT)/n.Hop
	fft := fourier.NewFFT(n.FFT)
	coefs := make([][]complex128, len(x)) // [channel][bin*frames+frame]
	magnitudes := make([][]float64, len(x))
	for c := range x {
		coefs[c] = n.analyse(fft, x[c], frames)
		magnitudes[c] = make([]float64, len(coefs[c]))
		for i, z := range coefs[c] {
			magnitudes[c][i] = math.Hypot(real(z), imag(z))
		}
	}
	y, err := n.run(magnitudes, []int{bins, frames})
	if err != nil {
		return nil, err
	}
	out := make([][][]float64, len(n.Stems))
	for j := range out {
		out[j] = make([][]float64, n.Channels)
		for c := range out[j] {
			own := make([]complex128, len(coefs[c]))
			for i, z := range coefs[c] {
				own[i] = z * complex(n.share(y, j, c*bins*frames+i, n.Channels*bins*frames), 0)
			}
			out[j][c] = n.synthesise(fft, own, frames)
		}
	}
	return out, nil
}

// share is that of stem j in number i of a channel's magnitudes, which stand so far apart.
func (n *network) share(y []float32, j, i, apart int) float64 {
	own, sum := 0.0, 0.0
	for k := range n.Stems {
		p := math.Pow(max(0, float64(y[k*apart+i])), n.Exponent)
		if sum += p; k == j {
			own = p
		}
	}
	if sum == 0 {
		return 1 / float64(len(n.Stems))
	}
	return own / sum
}

// hann is the window, periodic.
func (n *network) hann(i int) float64 {
	return 0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/float64(n.FFT))
}

// analyse returns the STFT of a chunk, [bin*frames+frame].
func (n *network) analyse(fft *fourier.FFT, x []float64, frames int) []complex128 {
	out := make([]complex128, (n.FFT/2+1)*frames)
	frame, z := make([]float64, n.FFT), make([]complex128, n.FFT/2+1)
	for t := range frames {
		for i := range frame {
			frame[i] = 0
			if at := t*n.Hop + i - n.FFT/2; at >= 0 && at < len(x) {
				frame[i] = n.hann(i) * x[at]
			}
		}
		for b, c := range fft.Coefficients(z, frame) {
			out[b*frames+t] = c
		}
	}
	return out
}

// synthesise overlap-adds frames, each windowed again, over the sum of the squared windows.
func (n *network) synthesise(fft *fourier.FFT, x []complex128, frames int) []float64 {
	out, weight := make([]float64, n.Chunk), make([]float64, n.Chunk)
	frame, z := make([]float64, n.FFT), make([]complex128, n.FFT/2+1)
	for t := range frames {
		for b := range z {
			z[b] = x[b*frames+t]
		}
		fft.Sequence(frame, z)
		for i, v := range frame {
			if at := t*n.Hop + i - n.FFT/2; at >= 0 && at < len(out) {
				w := n.hann(i)
				out[at] += w * v / float64(n.FFT)
				weight[at] += w * w
			}
		}
	}
	for i, w := range weight {
		if w > 1e-12 {
			out[i] /= w
		}
	}
	return out
}
