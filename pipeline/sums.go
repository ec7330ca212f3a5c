package pipeline

import (
	"context"
	"math"

	"github.com/audiosep/audiosep"
	inside "github.com/audiosep/audiosep/internal/wrap"
)

// mixtureOf returns the recording that a stage's sources are of: that of the first input which
// has one; nil if none has.
func mixtureOf(st *stage, in audiosep.Values) audiosep.Source {
	for _, port := range st.def.In {
		switch v := in[port.Name].(type) {
		case audiosep.Source:
			return v
		case *audiosep.Framed:
			return v.Source
		case audiosep.Spectra:
			if x, ok := inside.As[*audiosep.FramedSpectra](v); ok {
				return x.Framed.Source
			}
		}
	}
	return nil
}

// A sumWatch sees, at a few places, whether the sources of a stage sum to the recording, as it
// promises. Those of stages that are compiled in are known to; a plugin may be anybody's.
type sumWatch struct {
	mixture audiosep.Source
	head    audiosep.Head
	places  []int         // the first samples of the runs looked at
	sums    [][][]float64 // [place][layer][sample]
	done    []int         // how far each source has come
	peak    float64       // of what was looked at
	// rest is the stems if the last of them is what the others leave of the recording. Then the samples
	// sum to it whatever the plugin makes, and what it makes is looked at.
	rest *audiosep.SeparatedStems
}

// NoSum is the warning of a run that the sources of a plugin's stage do not sum to the recording.
const NoSum = "its sources do not sum to the recording, as it promises"

const (
	watchedPlaces = 64
	watchedRun    = 16 // samples at each place
	watchedFrames = 8  // columns of frames, where the last source is the rest
	// watchedOff is how far sums may be off, as part of the greatest sample: what is transformed
	// and back is, by rounding, and a learnt transform may be far from orthogonal.
	watchedOff = 1e-6
)

// watchSums returns a watch of stems that p's stage has made, from a sample on, or nil where nothing is
// promised.
func (p *passage) watchSums(ctx context.Context, s audiosep.Stems, from int) *sumWatch {
	mixture := p.mixtures[p.by]
	if mixture == nil {
		return nil
	}
	h, err := mixture.Head(ctx)
	if own := s.Head(); err != nil || own.Samples != h.Samples || own.Layers() != h.Layers() {
		return nil
	}
	w := &sumWatch{mixture: mixture, head: h, done: make([]int, len(s.Names()))}
	for j := range w.done {
		w.done[j] = from
	}
	if s, ok := inside.As[*audiosep.SeparatedStems](s); ok && s.Rest && len(s.Sources) > 1 {
		w.rest = s
	}
	for i := range watchedPlaces {
		at := (2*i + 1) * h.Samples / (2 * watchedPlaces)
		if n := len(w.places); at < from || n > 0 && at < w.places[n-1]+watchedRun {
			continue
		}
		w.places = append(w.places, at)
		w.sums = append(w.sums, w.room())
	}
	return w
}

func (w *sumWatch) room() [][]float64 {
	rows := make([][]float64, w.head.Layers())
	for l := range rows {
		rows[l] = make([]float64, watchedRun)
	}
	return rows
}

// add takes note of the next samples of a source.
func (w *sumWatch) add(source int, block [][]float64) {
	if source >= len(w.done) || len(block) == 0 {
		return
	}
	from := w.done[source]
	to := from + len(block[0])
	w.done[source] = to
	for i, at := range w.places {
		for t := max(at, from); t < min(at+watchedRun, to); t++ {
			for l := range min(len(block), len(w.sums[i])) {
				x := block[l][t-from]
				w.sums[i][l][t-at] += x
				w.peak = max(w.peak, math.Abs(x))
			}
		}
	}
}

// off returns where the sums are farthest from the recording, and how far as part of the greatest
// sample: 0 if they are as near as they should be.
func (w *sumWatch) off(ctx context.Context) (seconds, part float64) {
	x, most, worst := w.room(), 0.0, 0
	for i, at := range w.places {
		if w.mixture.ReadAt(ctx, x, at) != nil {
			return 0, 0
		}
		for l := range x {
			for t := range min(watchedRun, w.head.Samples-at) {
				w.peak = max(w.peak, math.Abs(x[l][t]))
				if d := math.Abs(x[l][t] - w.sums[i][l][t]); d > most {
					most, worst = d, at+t
				}
			}
		}
	}
	if most <= watchedOff*w.peak {
		return w.coefsOff(ctx)
	}
	return float64(worst) / float64(w.head.Rate), most / w.peak
}

// coefsOff has the last source separated too, in a few frames, and returns what off does, of the
// coefficients: nothing unless that source is the rest. Why this fails, if it does, is not told, as
// nothing that was wanted has failed.
func (w *sumWatch) coefsOff(ctx context.Context) (seconds, part float64) {
	if w.rest == nil {
		return 0, 0
	}
	f := w.rest.X.Framing()
	columns := f.Columns()
	looked := min(watchedFrames, columns)
	most, peak, worst := 0.0, 0.0, 0
	for i := range looked {
		first := (2*i + 1) * columns / (2 * looked) * f.Share
		off, greatest, err := w.framesOff(ctx, first, f.Share)
		if err != nil {
			return 0, 0
		}
		if peak = max(peak, greatest); off > most {
			most, worst = off, first
		}
	}
	if most <= watchedOff*peak {
		return 0, 0
	}
	return float64(max(0, worst*f.Hop-f.Pad)) / float64(w.head.Rate), most / peak
}

// framesOff returns how far all sources together are from the coefficients of n frames, and the greatest
// of these.
func (w *sumWatch) framesOff(ctx context.Context, first, n int) (most, peak float64, err error) {
	s, f, t := w.rest, w.rest.X.Framing(), w.rest.X.Transform()
	from, to := max(0, first-s.Halo), min(f.Frames(), first+n+s.Halo)
	mix := new(audiosep.Spectrogram)
	if err := s.X.Read(ctx, mix, from, to-from); err != nil {
		return 0, 0, err
	}
	dst := make([][]audiosep.Coefs, len(s.Sources))
	for j := range dst {
		for range mix.Layers {
			dst[j] = append(dst[j], audiosep.MakeCoefs(t, n))
		}
	}
	if err := s.Separate(ctx, dst, mix, first-from, n); err != nil {
		return 0, 0, err
	}
	for l, layer := range mix.Layers {
		layer = layer.Slice(first-from, first-from+n, t.Bins())
		for p, x := range [][]float64{layer.Re, layer.Im} {
			for i, v := range x {
				peak = max(peak, math.Abs(v))
				for j := range dst {
					v -= [][]float64{dst[j][l].Re, dst[j][l].Im}[p][i]
				}
				most = max(most, math.Abs(v))
			}
		}
	}
	return most, peak, nil
}
