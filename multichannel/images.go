package multichannel

import (
	"context"
	"math/cmplx"
	"slices"
	"strconv"

	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/cmplxs"
	"gonum.org/v1/gonum/floats"

	"github.com/audiosep/audiosep"
)

// Scaling says how the sources, whose scale the models leave open, become images.
type Scaling struct {
	Scale string `json:"scale" oneof:"projection_back|minimal_distortion" doc:"How a source becomes its image on each microphone: projection_back, by the inverse of the demixing matrix, so that the images sum to the mixture; minimal_distortion, by least squares from each source alone, so that in what is learnt from none has more power than the mixture, and the images do not sum."`
}

func defaultScaling() Scaling { return Scaling{"projection_back"} }

// images are the steering vectors a_fn, C×1, that make images of the sources: a_fn w_fn x_ft,
// w_fn being row n of W_f. With fewer sources than channels there is a rest.
type images struct {
	channels, sources int
	w, a              []complex128 // [f][n][c]
	sums              bool         // whether the images, with the rest, sum to the mixture
}

// images finds the steering vectors for the matrices as they are. With projection back they
// are the columns of W⁻¹ (Murata, Ikeda and Ziehe, An approach to blind source separation based
// on temporal structure of speech signals, 2001); with minimal distortion, E[x ȳ_n]/E|y_n|²
// (Matsuoka and Nakashima, Minimal distortion principle for blind source separation, 2001).
func (d *demixer) images(scale string) *images {
	c := d.channels
	s := &images{channels: c, sources: d.sources, sums: sumsToMixture(scale, d.sources, c), a: make([]complex128, d.bins*d.sources*c)}
	b, ones := d.each[0], d.ones()
	for f := range d.bins {
		w, a := d.matrix(f), s.a[f*d.sources*c:(f+1)*d.sources*c]
		s.w = append(s.w, w[:d.sources*c]...)
		if scale == "minimal_distortion" {
			d.leastSquares(b, f, ones, a)
			continue
		}
		copy(b.a, w)
		factorise(b.a, b.pivot, c)
		x := b.b[:c]
		for n := range d.sources { // column n of W⁻¹
			solve(x, b.a, b.pivot, n, c)
			copy(a[n*c:], x)
		}
	}
	return s
}

// asHeard returns the images of sources that are the microphones as they are.
func (m *mixture) asHeard(sources int, scale string) *images {
	n := m.bins * sources * m.channels
	s := &images{channels: m.channels, sources: sources, w: make([]complex128, n), a: make([]complex128, n), sums: sumsToMixture(scale, sources, m.channels)}
	for f := range m.bins {
		s.leave(f)
	}
	return s
}

// sumsToMixture tells whether images, with the rest where there is one, sum to the mixture.
func sumsToMixture(scale string, sources, channels int) bool {
	return scale == "projection_back" || sources < channels
}

// bin returns w and a of a bin, [n][c].
func (s *images) bin(f int) (w, a []complex128) {
	each := s.sources * s.channels
	return s.w[f*each : (f+1)*each], s.a[f*each : (f+1)*each]
}

// leave has the sources of a bin be the microphones as they are.
func (s *images) leave(f int) {
	w, a := s.bin(f)
	clear(w)
	clear(a)
	for n := range s.sources {
		w[n*s.channels+n], a[n*s.channels+n] = 1, 1
	}
}

// How loud a direction of the microphones may come out as an image, in amplitude, before what was learnt from is taken
// to have had nothing in it, or by chance alone. Where frames leave a direction out, as fewer frames than microphones do,
// the ridge alone bounds its gain, to about 1/√ridge = 1e7. The two bounds are from trials on rooms and on little sound.
const (
	mostGain      = 1e5
	mostGainOfFew = 10 // of sound for less than a frame a microphone, side by side, or of copies
)

// bounded leaves microphones as they are, as in silence, in bins where an image would be that much louder than the
// mixture as soon as it has something in a direction that was not learnt from, and warns of them. They were learnt from m.
func (s *images) bounded(m *mixture, env audiosep.Env) *images {
	undetermined := 0
	for f := range m.bins {
		gain := s.gain(s.bin(f))
		switch {
		case gain == 0: // silence
		case gain <= mostGainOfFew || gain <= mostGain && !m.copies && m.sounding(f) >= float64(s.channels):
			continue
		default:
			undetermined++
		}
		s.leave(f)
	}
	if undetermined > 0 {
		env.Logger().Warn("in some bins what is learnt from does not tell the sources apart, and each is left as on one microphone; want many more frames than microphones, in which there is sound and the microphones differ",
			"bins", undetermined, "of", m.bins, "frames", m.frames)
	}
	return s
}

// leastSounding is the least power of a frame that counts, of that of the loudest in the bin.
const leastSounding = 1e-8

// sounding returns for how long there is sound in a bin, in frames side by side: those that overlap have much in common.
func (m *mixture) sounding(f int) (frames float64) {
	powers, x := make([]float64, m.frames), m.bin(f).Double(make([]float64, 2*m.channels*m.stride)).Data
	for r := range 2 * m.channels {
		for t, v := range x[r*m.stride:][:m.frames] {
			powers[t] += v * v
		}
	}
	least := leastSounding * slices.Max(powers)
	for _, p := range powers {
		if p > least {
			frames += m.apart
		}
	}
	return frames
}

// gain returns the greatest ‖a_n‖‖w_n‖ of a bin: the amplitude of an image of a mixture of amplitude 1, at most.
func (s *images) gain(w, a []complex128) (most float64) {
	for n := range s.sources {
		row, column := w[n*s.channels:(n+1)*s.channels], a[n*s.channels:(n+1)*s.channels]
		most = max(most, cmplxs.Norm(row, 2)*cmplxs.Norm(column, 2))
	}
	return most
}

// leastSquares sets a, [n][c], to E[x ȳ_n]/E|y_n|².
func (d *demixer) leastSquares(b *workbench, f int, ones blas64.General, a []complex128) {
	c, w := d.channels, d.matrix(f)
	d.covariances(b, f, ones)
	u := b.cov[:c*c]
	for n := range d.sources {
		row := w[n*c : (n+1)*c]
		power := real(form(row, u, row, c))
		for i := range c {
			var sum complex128
			for j := range c {
				sum += u[i*c+j] * cmplx.Conj(row[j])
			}
			if a[n*c+i] = 0; power > 0 {
				a[n*c+i] = sum / complex(power, 0)
			}
		}
	}
}

// out returns the images of the sources of x, which are located first.
func (s *images) out(x audiosep.Spectra, l Line, env audiosep.Env) (Out, error) {
	if err := s.locate(l, x, env.Logger()); err != nil {
		return Out{}, err
	}
	stems := s.stems(x)
	watch(stems, env.Logger())
	return Out{stems}, nil
}

// stems returns the images of all sources on all channels of x, which are separated as they
// are taken.
func (s *images) stems(x audiosep.Spectra) *audiosep.SeparatedStems {
	names := numbered(s.sources)
	if s.sources < s.channels {
		names = append(names, restName)
	}
	w, a := overBins(s.w, s.sources*s.channels), overBins(s.a, s.sources*s.channels)
	separate := func(ctx context.Context, dst [][]audiosep.Coefs, x *audiosep.Spectrogram, _, n int) error {
		bins := x.Transform.Bins()
		y := audiosep.Coefs{Re: make([]float64, bins), Im: make([]float64, bins)}
		for r := 0; r < len(x.Layers); r += s.channels {
			if err := ctx.Err(); err != nil {
				return err
			}
			for t := range n {
				for j := range s.sources {
					if dst[j][r].Re == nil {
						continue // what the others leave of the recording
					}
					clear(y.Re)
					clear(y.Im)
					for c := range s.channels {
						addProducts(y, w[j*s.channels+c], row(x.Layers[r+c], t, bins))
					}
					for c := range s.channels {
						products(row(dst[j][r+c], t, bins), a[j*s.channels+c], y)
					}
				}
			}
			if s.sources < s.channels && dst[s.sources][r].Re != nil {
				rest(dst, x.Layers, r, s.channels)
			}
		}
		return nil
	}
	return &audiosep.SeparatedStems{X: x, Sources: names, Separate: separate, Rest: s.sums}
}

// overBins returns the real and imaginary parts of numbers [f][i], i below each, as [i], over f: what is beside each
// other in memory is what a loop over the bins of a frame takes.
func overBins(all []complex128, each int) []audiosep.Coefs {
	bins := len(all) / each
	parts := make([]audiosep.Coefs, each)
	for i := range parts {
		parts[i] = audiosep.Coefs{Re: make([]float64, bins), Im: make([]float64, bins)}
		for f := range bins {
			parts[i].Re[f], parts[i].Im[f] = real(all[f*each+i]), imag(all[f*each+i])
		}
	}
	return parts
}

// row returns frame t of coefficients.
func row(x audiosep.Coefs, t, bins int) audiosep.Coefs {
	return audiosep.Coefs{Re: x.Re[t*bins:][:bins:bins], Im: x.Im[t*bins:][:bins:bins]}
}

// addProducts adds x y to dst, number by number.
func addProducts(dst, x, y audiosep.Coefs) {
	n := len(dst.Re)
	re, im, xr, xi, yr, yi := dst.Re, dst.Im[:n], x.Re[:n], x.Im[:n], y.Re[:n], y.Im[:n]
	for f := range re {
		re[f] += xr[f]*yr[f] - xi[f]*yi[f]
		im[f] += xr[f]*yi[f] + xi[f]*yr[f]
	}
}

// products sets dst to x y, number by number.
func products(dst, x, y audiosep.Coefs) {
	n := len(dst.Re)
	re, im, xr, xi, yr, yi := dst.Re, dst.Im[:n], x.Re[:n], x.Im[:n], y.Re[:n], y.Im[:n]
	for f := range re {
		re[f] = xr[f]*yr[f] - xi[f]*yi[f]
		im[f] = xr[f]*yi[f] + xi[f]*yr[f]
	}
}

// numbered returns what n sources are called that have no names: 1, 2, ….
func numbered(n int) (names []string) {
	for i := range n {
		names = append(names, strconv.Itoa(i+1))
	}
	return names
}

// restName is what is left where there are fewer sources than channels.
const restName = "rest"

// rest writes what the other sources leave of some layers.
func rest(dst [][]audiosep.Coefs, x []audiosep.Coefs, first, channels int) {
	last := len(dst) - 1
	for l := first; l < first+channels; l++ {
		copy(dst[last][l].Re, x[l].Re)
		copy(dst[last][l].Im, x[l].Im)
		for _, source := range dst[:last] {
			floats.Sub(dst[last][l].Re, source[l].Re)
			floats.Sub(dst[last][l].Im, source[l].Im)
		}
	}
}

// demix sets y to W_f x of coefficient i of the channels.
func (s *images) demix(y []complex128, x []audiosep.Coefs, i, f int) {
	c := s.channels
	for n := range y {
		var sum complex128
		for j, w := range s.w[(f*s.sources+n)*c:][:c] {
			sum += w * complex(x[j].Re[i], x[j].Im[i])
		}
		y[n] = sum
	}
}
