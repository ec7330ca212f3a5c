// Command audiosep-plugin-hpss separates harmonic from percussive sound.
package main

import (
	"context"
	"math"
	"slices"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/plugins"
)

type hpss struct {
	Radius int `json:"radius" min:"1" max:"1000" doc:"Medians are over 2*radius+1 frames, and as many bins."`
}

func (s hpss) Run(_ context.Context, _ audiosep.Env, in struct {
	Coefs audiosep.Spectra `port:"coefs"`
}) (out struct {
	Sources audiosep.Stems `port:"sources"`
}, err error) {
	r, frames := s.Radius, in.Coefs.Framing().Frames()
	out.Sources = &audiosep.SeparatedStems{X: in.Coefs, Sources: []string{"harmonic", "percussive"}, Halo: r, Rest: true, Separate: func(ctx context.Context, dst [][]audiosep.Coefs, x *audiosep.Spectrogram, skip, n int) error {
		bins, window := x.Transform.Bins(), make([]float64, 2*r+1)
		for i := range len(x.Layers) * n * bins {
			l, t, f, mask := i/bins/n, i/bins%n, i%bins, 0.5
			planes := [][3][]float64{{x.Layers[l].Re, dst[0][l].Re, dst[1][l].Re}, {x.Layers[l].Im, dst[0][l].Im, dst[1][l].Im}}[:1+min(1, len(x.Layers[l].Im))]
			median := func(time, frequency int) float64 { // of |X| along one of them
				for k := range window {
					window[k] = 0 // will be |X|²
					at := (mirrored(x.First+skip+t+time*(k-r), frames)-x.First)*bins + mirrored(f+frequency*(k-r), bins)
					for _, y := range planes {
						window[k] += y[0][at] * y[0][at]
					}
				}
				slices.Sort(window)
				return math.Sqrt(window[r])
			}
			if h, p := median(1, 0), median(0, 1); max(h, p) >= 1e-300 {
				h, p = h/max(h, p), p/max(h, p)
				mask = h * h / (h*h + p*p)
			}
			for _, y := range planes {
				y[1][t*bins+f] = mask * y[0][(skip+t)*bins+f]
				if y[2] != nil { // else it is left of the samples
					y[2][t*bins+f] = y[0][(skip+t)*bins+f] - y[1][t*bins+f]
				}
			}
		}
		return ctx.Err()
	}}
	return out, nil
}

func mirrored(i, n int) int { // the place in 0 to n-1 that stands for i: ... 1 0 0 1 ... n-1 n-1 ...
	i = (i%(2*n) + 2*n) % (2 * n)
	return min(i, 2*n-1-i)
}

func main() {
	plugins.Serve(audiosep.Define("hpss", "Medians along time and along frequency (Fitzgerald, 2010).", hpss{15}, func(s hpss) (hpss, error) { return s, nil }, audiosep.Lazy, audiosep.Sums))
}
