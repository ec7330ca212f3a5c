// Package overlap adds up the weights of the frames over a sample, which divide what is joined.
package overlap

// Frames are N of them, Hop samples apart, the first Pad samples before the recording. Weights are
// those of a frame, one for each of its samples: the products of both windows.
type Frames struct {
	Weights     []float64
	Hop, Pad, N int
	sums        []float64
}

// New returns n frames whose windows are analysis and synthesis, of the same length, at least hop.
func New(analysis, synthesis []float64, hop, pad, n int) Frames {
	f := Frames{Weights: make([]float64, len(analysis)), Hop: hop, Pad: pad, N: n, sums: make([]float64, len(analysis))}
	for m := range analysis {
		f.Weights[m] = analysis[m] * synthesis[m]
		f.sums[m] = f.Weights[m]
		if m >= hop { // the sum of it and of those whole hops before it
			f.sums[m] += f.sums[m-hop]
		}
	}
	return f
}

// Weight returns the overlap-added weight of sample t.
func (f Frames) Weight(t int) float64 {
	var w float64
	for i := min((t+f.Pad)/f.Hop, f.N-1); i >= 0; i-- {
		m := t + f.Pad - i*f.Hop
		if m >= len(f.Weights) {
			break
		}
		w += f.Weights[m]
	}
	return w
}

// About is Weight up to rounding, in a time that does not grow with the frames over a sample.
func (f Frames) About(t int) float64 {
	at := t + f.Pad // in frame 0
	least := max(at%f.Hop, at-(f.N-1)*f.Hop)
	most := at
	if most >= len(f.sums) {
		most -= (most - len(f.sums) + f.Hop) / f.Hop * f.Hop
	}
	if most < least {
		return 0
	}
	w := f.sums[most]
	if least >= f.Hop {
		w -= f.sums[least-f.Hop]
	}
	return w
}
