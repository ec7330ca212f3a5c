package separators

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/counted"
)

// KAMParams are the parameters of kam.
type KAMParams struct {
	Sources    []string `json:"sources" min:"2" max:"100" oneof:"harmonic|percussive|repeating|smooth" doc:"What is alike in the spectrogram of each source: harmonic, the frames around; percussive, the bins around; repeating, the frames whole periods away; smooth, a cross of both around, for a voice."`
	Names      []string `json:"names" doc:"The names of the sources; empty: what they are, numbered where two are the same."`
	Frames     int      `json:"frames" min:"1" max:"10001" unit:"frames" doc:"How many frames around are alike in what is harmonic, odd."`
	Bins       int      `json:"bins" min:"1" max:"10001" unit:"bins" doc:"How many bins around are alike in what is percussive, odd."`
	Cross      int      `json:"cross" min:"1" max:"1001" doc:"How many frames and how many bins the cross of what is smooth has, odd."`
	Period     float64  `json:"period" min:"0.001" max:"1e6" unit:"s" doc:"The period of what is repeating; repet finds one and logs it."`
	Repeats    int      `json:"repeats" min:"1" max:"1000" unit:"periods" doc:"How many periods to either side are alike in what is repeating."`
	Iterations int      `json:"iterations" min:"1" max:"1000" doc:"How often the sources are separated and their spectrograms estimated anew."`
}

// DefaultKAM returns harmonic and percussive sources, and a smooth one, in three iterations.
func DefaultKAM() KAMParams {
	return KAMParams{Sources: []string{"harmonic", "percussive", "smooth"}, Frames: 31, Bins: 31, Cross: 15, Period: 2, Repeats: 4, Iterations: 3}
}

var kamStage = audiosep.Define("kam",
	`Kernel additive modelling: each source is what is alike in its own way around each place of its spectrogram, which medians over these places estimate; the sources are separated by Wiener filters of the estimates, and estimated again from what was separated (Liutkus, Fitzgerald, Rafii, Pardo and Daudet, Kernel additive models for source separation, 2014).
With sources harmonic and percussive and one iteration it is hpss. Each channel is treated by itself. So many frames are read around each run as a source reaches, times the iterations.`,
	DefaultKAM(), NewKAM, audiosep.Lazy, audiosep.Sums)

// KAM is the stage kam.
type KAM struct {
	p     KAMParams
	names []string
}

// Validate checks what the ranges do not say.
func (p KAMParams) Validate() error {
	if n := len(p.Names); n > 0 && n != len(p.Sources) {
		return &audiosep.ParamError{Name: "names", What: fmt.Sprintf("has %s; want %d, one for each source", counted.Of(n, "entry"), len(p.Sources))}
	}
	for i, name := range p.Names {
		if name == "" || slices.Contains(p.Names[:i], name) {
			return &audiosep.ParamError{Name: "names", What: fmt.Sprintf("has %q as its entry %d; want names that differ", name, i+1)}
		}
	}
	return oddLengths(map[string]int{"frames": p.Frames, "bins": p.Bins, "cross": p.Cross})
}

// NewKAM returns a stage that separates as p says.
func NewKAM(p KAMParams) (*KAM, error) {
	if err := audiosep.CheckStruct(p); err != nil {
		return nil, err
	}
	s := &KAM{p: p, names: p.Names}
	if len(s.names) > 0 {
		return s, nil
	}
	for i, kind := range p.Sources {
		before := 0
		for _, other := range p.Sources[:i] {
			if other == kind {
				before++
			}
		}
		if before > 0 {
			kind = fmt.Sprintf("%s-%d", kind, before+1)
		}
		s.names = append(s.names, kind)
	}
	return s, nil
}

// KAMIn is what kam takes.
type KAMIn struct {
	Coefs audiosep.Spectra `port:"coefs"`
}

// KAMOut is what kam makes: a stem for each source.
type KAMOut struct {
	Sources audiosep.Stems `port:"sources"`
}

// Forecast says how the sources will be called.
func (s *KAM) Forecast(map[string]audiosep.Forecast) (map[string]audiosep.Forecast, error) {
	return map[string]audiosep.Forecast{"sources": {Sources: s.names}}, nil
}

// Run says how to separate; it is done when the stems are taken.
func (s *KAM) Run(_ context.Context, _ audiosep.Env, in KAMIn) (KAMOut, error) {
	return KAMOut{s.Separate(in.Coefs)}, nil
}

// Needs says what it takes: as many frames are in memory as a source reaches, times the
// iterations.
func (s *KAM) Needs(e audiosep.Extent) audiosep.Needs {
	reach, length := 0, 0
	for _, kind := range s.p.Sources {
		switch kind {
		case "harmonic":
			reach, length = max(reach, s.p.Frames/2), length+s.p.Frames
		case "percussive":
			length += s.p.Bins
		case "smooth":
			reach, length = max(reach, s.p.Cross/2), length+2*s.p.Cross
		default:
			period := math.Round(s.p.Period * float64(e.Rate) / float64(max(1, e.Hop)))
			reach = max(reach, int(min(period, float64(e.Frames)))*s.p.Repeats)
		}
	}
	n := len(s.names)
	halo := s.p.Iterations * min(reach, e.Frames)
	return audiosep.Needs{Streams: e.Separated(max(1, n-1), halo, 8*int64(1+2*n)), Passes: e.SeparatedPasses(max(1, n-1), halo), Operations: float64(s.p.Iterations) * medianOperations(e, length)}
}

// Separate returns the stems of x.
func (s *KAM) Separate(x audiosep.Spectra) audiosep.Stems {
	reach, total := 0, x.Framing().Frames()
	kernels := make([]kernelOf, len(s.p.Sources))
	for j, kind := range s.p.Sources {
		kernels[j] = s.kernel(kind, x)
		reach = max(reach, kernels[j].reach)
	}
	reach = min(reach, total)
	halo := min(s.p.Iterations*reach, total)
	separate := func(ctx context.Context, dst [][]audiosep.Coefs, x *audiosep.Spectrogram, skip, n int) error {
		b := backfits.Get().(*backfit)
		defer backfits.Put(b)
		b.bins, b.total, b.first, b.have = x.Transform.Bins(), total, x.First, x.N
		for l, mix := range x.Layers {
			b.start(mix, len(kernels))
			for i := range s.p.Iterations {
				// The iterations after this one need reach frames more around.
				left := (s.p.Iterations - 1 - i) * reach
				from, to := max(0, skip-left), min(x.N, skip+n+left)
				for j, k := range kernels {
					if err := k.model(ctx, b, j, from, to-from); err != nil {
						return err
					}
				}
				b.share(from, to)
			}
			b.separate(dst, l, mix, skip, n)
		}
		return nil
	}
	return &audiosep.SeparatedStems{X: x, Sources: s.names, Halo: halo, Separate: separate, Rest: true}
}

// kernelOf says which places are alike: model sets b.models[j] of n frames from one on to the
// medians of b.powers[j] over them. reach is how far away in time they are, in frames.
type kernelOf struct {
	reach int
	model func(ctx context.Context, b *backfit, j, from, n int) error
}

// kernel returns that of a kind of source.
func (s *KAM) kernel(kind string, x audiosep.Spectra) kernelOf {
	switch kind {
	case "harmonic":
		return kernelOf{s.p.Frames / 2, func(ctx context.Context, b *backfit, j, from, n int) error {
			b.magnitude = b.powers[j]
			err := b.alongTime(ctx, b.bins, s.p.Frames, b.total, b.first, from, n)
			copy(b.models[j][from*b.bins:], b.harmonic)
			return err
		}}
	case "percussive":
		return kernelOf{0, func(ctx context.Context, b *backfit, j, from, n int) error {
			b.magnitude = b.powers[j]
			err := b.alongFrequency(ctx, b.bins, s.p.Bins, from, n)
			copy(b.models[j][from*b.bins:], b.percussive)
			return err
		}}
	case "smooth":
		return kernelOf{s.p.Cross / 2, func(ctx context.Context, b *backfit, j, from, n int) error {
			return b.cross(ctx, j, s.p.Cross/2, from, n)
		}}
	default: // repeating
		period := inFrames(x, s.p.Period)
		return kernelOf{min(period, x.Framing().Frames()) * s.p.Repeats, func(ctx context.Context, b *backfit, j, from, n int) error {
			return b.repeats(ctx, j, period, s.p.Repeats, from, n)
		}}
	}
}

var backfits = sync.Pool{New: func() any { return new(backfit) }}

// backfit is the sources of one layer in a run of frames: frame 0 is frame first of the
// recording of total frames.
type backfit struct {
	medians
	bins, total, first, have int
	mix                      []float64   // powers of the mixture, [n*F+f]
	powers, models           [][]float64 // of each source: those separated, and what medians make of them
	line                     []float64
}

// start has every source be the mixture.
func (b *backfit) start(mix audiosep.Coefs, sources int) {
	b.mix = magnitudes(b.mix, mix)
	for i, v := range b.mix {
		b.mix[i] = v * v
	}
	b.powers, b.models = slices.Grow(b.powers[:0], sources)[:sources], slices.Grow(b.models[:0], sources)[:sources]
	for j := range sources {
		b.powers[j] = append(b.powers[j][:0], b.mix...)
		b.models[j] = slices.Grow(b.models[j][:0], len(b.mix))[:len(b.mix)]
	}
}

// masks sets m to each source's part of place i: equal parts where no source has any power.
func (b *backfit) masks(m []float64, i int) {
	var most, sum float64
	for j := range m {
		most = max(most, b.models[j][i])
	}
	for j := range m {
		if m[j] = 1; most >= 1e-300 {
			m[j] = b.models[j][i] / most
		}
		sum += m[j]
	}
	for j := range m {
		m[j] /= sum
	}
}

// share sets the powers of frames from to to-1 to what the models leave each source.
func (b *backfit) share(from, to int) {
	m := make([]float64, len(b.models))
	for i := from * b.bins; i < to*b.bins; i++ {
		b.masks(m, i)
		for j, v := range m {
			b.powers[j][i] = v * v * b.mix[i]
		}
	}
}

// separate writes n frames of every source from frame skip on. The last source is what the
// others leave, so that they sum.
func (b *backfit) separate(dst [][]audiosep.Coefs, layer int, x audiosep.Coefs, skip, n int) {
	m := make([]float64, len(dst))
	x = x.Slice(skip, skip+n, b.bins)
	last := len(dst) - 1
	for i := range x.Re {
		b.masks(m, skip*b.bins+i)
		for j, d := range dst[:last] {
			d[layer].Re[i] = m[j] * x.Re[i]
			if x.Im != nil {
				d[layer].Im[i] = m[j] * x.Im[i]
			}
		}
	}
	leave(dst, layer, x)
}

// cross finds medians over the r frames and the r bins to either side.
func (b *backfit) cross(ctx context.Context, j, r, from, n int) error {
	x := b.powers[j]
	b.line = slices.Grow(b.line[:0], b.bins+2*r)[:b.bins+2*r]
	for t := from; t < from+n; t++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		for i := range b.line {
			b.line[i] = x[t*b.bins+mirrored(i-r, b.bins)]
		}
		b.ofAnyRows(b.models[j][t*b.bins:(t+1)*b.bins], 4*r+1, func(k int) []float64 {
			if k <= 2*r {
				return b.line[k : k+b.bins]
			}
			d := k - 3*r // -r+1 … r
			if d <= 0 {
				d--
			}
			return x[(mirrored(b.first+t+d, b.total)-b.first)*b.bins:][:b.bins]
		})
	}
	return nil
}

// repeats finds medians over the frames of the recording up to so many periods away.
func (b *backfit) repeats(ctx context.Context, j, period, repeats, from, n int) error {
	x := b.powers[j]
	for t := from; t < from+n; t++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		at := b.first + t
		before, after := min(repeats, at/period), min(repeats, (b.total-1-at)/period)
		b.ofAnyRows(b.models[j][t*b.bins:(t+1)*b.bins], before+1+after, func(k int) []float64 {
			return x[(t+(k-before)*period)*b.bins:][:b.bins]
		})
	}
	return nil
}

// ofAnyRows is ofRows of however many rows.
func (b *backfit) ofAnyRows(dst []float64, count int, row func(k int) []float64) {
	if count <= networkUpTo {
		b.ofRows(dst, count, row)
		return
	}
	line := make([]float64, count)
	for i := range dst {
		for k := range line {
			line[k] = row(k)[i]
		}
		dst[i] = medianAny(line)
	}
}

// medianAny returns the median of numbers, which it reorders.
func medianAny(x []float64) float64 {
	high := nthFloat(x, len(x)/2)
	if len(x)%2 == 1 {
		return high
	}
	return (slices.Max(x[:len(x)/2]) + high) / 2
}

// nthFloat returns the number that is k-th of x, from 0, in ascending order, and has those before
// it in front (Hoare's quickselect, pivots being medians of three).
func nthFloat(x []float64, k int) float64 {
	for lo, hi := 0, len(x)-1; lo < hi; {
		a, b, c := x[lo], x[(lo+hi)/2], x[hi]
		pivot := max(min(a, b), min(max(a, b), c))
		i, j := lo, hi
		for i <= j {
			for x[i] < pivot {
				i++
			}
			for x[j] > pivot {
				j--
			}
			if i <= j {
				x[i], x[j] = x[j], x[i]
				i++
				j--
			}
		}
		switch {
		case k <= j:
			hi = j
		case k >= i:
			lo = i
		default:
			return x[k]
		}
	}
	return x[k]
}
