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
}

// NoSum is the warning of a run that the sources of a plugin's stage do not sum to the recording.
const NoSum = "its sources do not sum to the recording, as it promises"

const (
	watchedPlaces = 64
	watchedRun    = 16 // samples at each place
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
		return 0, 0
	}
	return float64(worst) / float64(w.head.Rate), most / w.peak
}
