package metrics

import (
	"context"
	"math"
	"sync"

	"gonum.org/v1/gonum/blas/blas64"
)

// pair is a reference and the estimate that is compared with it.
type pair struct{ ref, est int } // est counts sources: refs + k, or the mixture

// energies are those of the parts of one estimate ŝ of a reference s, summed over the channels
// and samples of one frame. Every ratio is one of two of them.
type energies struct {
	reference float64 // ‖s‖²
	estimate  float64 // ‖ŝ‖²
	loss      float64 // ‖ŝ - s‖²
	target    float64 // ‖P_j ŝ‖²
	spatial   float64 // ‖P_j ŝ - s‖²
	rest      float64 // ‖ŝ - P_j ŝ‖²
	interf    float64 // ‖P ŝ - P_j ŝ‖²
	projected float64 // ‖P ŝ‖²
	artifacts float64 // ‖ŝ - P ŝ‖²
}

// add adds the energies of one channel's samples; own is P_j ŝ and all is P ŝ.
func (e *energies) add(ref, est, own, all []float64) {
	est, own, all = est[:len(ref)], own[:len(ref)], all[:len(ref)]
	var sum energies
	for t, s := range ref {
		x, p, q := est[t], own[t], all[t]
		sum.reference += s * s
		sum.estimate += x * x
		sum.loss += (x - s) * (x - s)
		sum.target += p * p
		sum.spatial += (p - s) * (p - s)
		sum.rest += (x - p) * (x - p)
		sum.interf += (q - p) * (q - p)
		sum.projected += q * q
		sum.artifacts += (x - q) * (x - q)
	}
	e.plus(sum)
}

func (e *energies) plus(f energies) {
	e.reference += f.reference
	e.estimate += f.estimate
	e.loss += f.loss
	e.target += f.target
	e.spatial += f.spatial
	e.rest += f.rest
	e.interf += f.interf
	e.projected += f.projected
	e.artifacts += f.artifacts
}

// measure applies the filters of f to each of wins, cut out of the signals, and
// returns the energies of each pair's parts, [window][pair]. Filtered sound is as
// much longer than its window as the filters are. What needs a projection on silence
// is NaN, and a part that is mere rounding has no energy.
func (f *fit) measure(ctx context.Context, s *signals, wins []span, pairs []pair) ([][]energies, error) {
	longest := 0
	for _, win := range wins {
		longest = max(longest, win.len())
	}
	m, err := newMeasurer(ctx, f, s, pairs, longest)
	if err != nil {
		return nil, err
	}
	type part struct{ win, at int }
	var parts []part
	for w, win := range wins {
		for at := 0; at < win.len()+m.taps-1; at += m.step {
			parts = append(parts, part{w, at})
		}
	}
	sums := planes[energies](len(parts), len(pairs))
	scratch := sync.Pool{New: func() any { return m.newScratch() }}
	err = parallel(len(parts), func(i int) error {
		sc := scratch.Get().(*measurerScratch)
		defer scratch.Put(sc)
		return m.block(ctx, sums[i], sc, wins[parts[i].win], parts[i].at)
	})
	if err != nil {
		return nil, err
	}
	out := planes[energies](len(wins), len(pairs))
	for i, p := range parts {
		for k := range pairs {
			out[p.win][k].plus(sums[i][k])
		}
	}
	for _, win := range out {
		for k := range pairs {
			f.settle(&win[k], pairs[k].ref)
		}
	}
	return out, nil
}

// settle makes NaN what needs a projection on silence, and zero what is rounding.
func (f *fit) settle(e *energies, ref int) {
	nan := math.NaN()
	own, whole := f.own[ref].noise(), f.whole.noise()
	largest := max(e.estimate, e.target, e.projected)
	for _, part := range []struct {
		energy *float64
		noise  float64
	}{{&e.target, own}, {&e.spatial, own}, {&e.rest, own}, {&e.interf, max(own, whole)}, {&e.artifacts, whole}} {
		if *part.energy <= part.noise*largest {
			*part.energy = 0
		}
	}
	if f.own[ref].factor == nil {
		e.target, e.spatial, e.rest, e.interf = nan, nan, nan, nan
	}
	if f.whole.factor == nil {
		e.interf, e.projected, e.artifacts = nan, nan, nan
	}
}

// measurer holds the filters of all pairs in the form in which blocks of sound are filtered.
type measurer struct {
	*signals
	pairs      []pair
	taps, step int             // step: new samples in a block
	fft        *fft            // nil if the filters are gains
	used       []int           // estimates that are in a pair
	whole      map[int]filters // [estimate]
	own        []filters       // [pair]
}

// filters turn references into the channels of one estimate. They are empty where
// the projection is singular.
type filters struct {
	signals []int
	gains   []float64        // [signal], without delays
	spectra [][][]complex128 // [channel][signal]
}

// newMeasurer prepares for windows of at most longest samples.
func newMeasurer(ctx context.Context, f *fit, s *signals, pairs []pair, longest int) (*measurer, error) {
	m := &measurer{signals: s, pairs: pairs, taps: len(f.corr.lags[0][0]), step: min(blockFor(len(s.sources)*s.channels), longest), whole: map[int]filters{}}
	if !f.gain {
		m.fft = transformFor(m.taps)
		m.step = 2 * (m.fft.n - m.taps + 1)
	}
	for _, p := range pairs {
		if _, ok := m.whole[p.est]; !ok {
			m.used = append(m.used, p.est)
			fl, err := m.filters(ctx, f.corr, f.whole, p.est)
			if err != nil {
				return nil, err
			}
			m.whole[p.est] = fl
		}
		fl, err := m.filters(ctx, f.corr, f.own[p.ref], p.est)
		if err != nil {
			return nil, err
		}
		m.own = append(m.own, fl)
	}
	return m, nil
}

func (m *measurer) filters(ctx context.Context, c *correlations, p projector, est int) (filters, error) {
	if p.factor == nil {
		return filters{}, nil
	}
	fl := filters{signals: p.signals}
	if m.fft == nil {
		fl.gains, _ = p.project(ctx, c, est, true)
		return fl, ctx.Err()
	}
	fl.spectra = make([][][]complex128, c.per)
	err := each(ctx, c.per, func(ch int) {
		taps, _ := p.project(ctx, c, est*c.per+ch, true)
		fl.spectra[ch] = planes[complex128](len(p.signals), m.fft.n)
		for i, x := range taps {
			fl.spectra[ch][i%len(p.signals)][i/len(p.signals)] = complex(x/float64(m.fft.n), 0)
		}
		for _, h := range fl.spectra[ch] {
			m.fft.forward(h)
		}
	})
	return fl, err
}

// measurerScratch is what one block needs: step+taps-1 samples of every source's
// channels, the references' spectra and the two projections.
type measurerScratch struct {
	x        [][][]float64
	z        [][]complex128
	sum      []complex128
	own, all [][]float64
}

func (m *measurer) newScratch() *measurerScratch {
	sc := &measurerScratch{own: planes[float64](m.channels, m.step), all: planes[float64](m.channels, m.step)}
	for range m.sources {
		sc.x = append(sc.x, planes[float64](m.channels, m.step+m.taps-1))
	}
	if m.fft != nil {
		sc.z, sc.sum = planes[complex128](m.refs*m.channels, m.fft.n), make([]complex128, m.fft.n)
	}
	return sc
}

// block adds the energies of the step samples of win from at on to sums.
func (m *measurer) block(ctx context.Context, sums []energies, sc *measurerScratch, win span, at int) error {
	for i := range m.refs {
		if err := m.read(ctx, sc.x[i], i, win, win.from+at-(m.taps-1)); err != nil {
			return err
		}
		for ch, x := range sc.x[i] {
			if m.fft != nil {
				z := sc.z[i*m.channels+ch]
				pack(z, x, m.step/2, 0)
				m.fft.forward(z)
			}
		}
	}
	from, to := m.taps-1, m.taps-1+min(m.step, win.len()+m.taps-1-at)
	for _, est := range m.used {
		if err := m.read(ctx, sc.x[est], est, win, win.from+at-(m.taps-1)); err != nil {
			return err
		}
		m.apply(sc.all, m.whole[est], sc)
		for k, p := range m.pairs {
			if p.est != est {
				continue
			}
			m.apply(sc.own, m.own[k], sc)
			for ch := range m.channels {
				sums[k].add(sc.x[p.ref][ch][from:to], sc.x[est][ch][from:to], sc.own[ch], sc.all[ch])
			}
		}
	}
	return nil
}

// apply sets dst[channel] to the filtered references.
func (m *measurer) apply(dst [][]float64, fl filters, sc *measurerScratch) {
	for ch, d := range dst {
		clear(d)
		for i, s := range fl.signals {
			if m.fft == nil {
				blas64.Axpy(fl.gains[i], vector(sc.x[s][ch]), vector(d))
			}
		}
		if fl.spectra == nil {
			continue
		}
		clear(sc.sum)
		for i, s := range fl.signals {
			multiplyAdd(sc.sum, sc.z[s], fl.spectra[ch][i])
		}
		m.fft.inverse(sc.sum)
		half := m.step / 2
		for t, z := range sc.sum[m.taps-1:] {
			d[t], d[half+t] = real(z), imag(z)
		}
	}
}

func multiplyAdd(sum, a, b []complex128) {
	a, b = a[:len(sum)], b[:len(sum)]
	for i := range sum {
		sum[i] += a[i] * b[i]
	}
}

func vector(x []float64) blas64.Vector { return blas64.Vector{N: len(x), Inc: 1, Data: x} }
