package separators

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"

	"gonum.org/v1/gonum/floats"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/kernel"
)

// HPSSParams are the parameters of hpss.
type HPSSParams struct {
	Frames int     `json:"frames" min:"1" max:"10001" unit:"frames" doc:"Length of the median along time, odd: what lasts longer than half of it is harmonic."`
	Bins   int     `json:"bins" min:"1" max:"10001" unit:"bins" doc:"Length of the median along frequency, odd: what is broader than half of it is percussive."`
	Power  float64 `json:"power" min:"0.02" max:"200" doc:"Exponent of the magnitudes in the masks; 2 is the Wiener filter, greater ones come closer to a binary mask."`
	Margin float64 `json:"margin" min:"1" max:"1000" doc:"How many times the other's magnitude a part must have to be called harmonic or percussive. Above 1, what is neither is a third stem, residual."`
}

// DefaultHPSS returns the parameters with which most begin: 31 frames and bins, masks of
// power 2, no residual.
func DefaultHPSS() HPSSParams { return HPSSParams{Frames: 31, Bins: 31, Power: 2, Margin: 1} }

var hpssStage = audiosep.Define("hpss",
	`Separates harmonic from percussive sound by medians of the magnitude along time and along frequency (Fitzgerald, Harmonic/percussive separation using median filtering, 2010).
With a margin, what is clearly neither is a residual (Driedger, Müller and Disch, Extending harmonic-percussive separation of audio signals, 2014). Each channel is treated by itself.`,
	DefaultHPSS(), NewHPSS, audiosep.Lazy, audiosep.Sums)

// HPSS is the stage hpss.
type HPSS struct{ p HPSSParams }

// Validate checks what the ranges do not say.
func (p HPSSParams) Validate() error {
	return oddLengths(map[string]int{"bins": p.Bins, "frames": p.Frames})
}

// oddLengths says which lengths of windows, by the names of their parameters, are even.
func oddLengths(lengths map[string]int) error {
	var errs audiosep.ParamErrors
	for _, name := range slices.Sorted(maps.Keys(lengths)) {
		if n := lengths[name]; n%2 == 0 {
			errs = append(errs, &audiosep.ParamError{Name: name, What: fmt.Sprintf("is %d; want an odd number, so that a window has a middle", n)})
		}
	}
	if errs != nil {
		return errs
	}
	return nil
}

// NewHPSS returns a stage that separates as p says.
func NewHPSS(p HPSSParams) (*HPSS, error) {
	if err := audiosep.CheckStruct(p); err != nil {
		return nil, err
	}
	return &HPSS{p}, nil
}

// HPSSIn is what hpss takes.
type HPSSIn struct {
	Coefs audiosep.Spectra `port:"coefs"`
}

// HPSSOut is what hpss makes: the stems harmonic, percussive and, with a margin, residual.
type HPSSOut struct {
	Sources audiosep.Stems `port:"sources"`
}

// Run says how to separate; it is done when the stems are taken.
func (s *HPSS) Run(_ context.Context, _ audiosep.Env, in HPSSIn) (HPSSOut, error) {
	return HPSSOut{s.Separate(in.Coefs)}, nil
}

func (s *HPSS) names() []string {
	if s.p.Margin > 1 {
		return []string{"harmonic", "percussive", residualName}
	}
	return []string{"harmonic", "percussive"}
}

// Forecast says how the sources will be called.
func (s *HPSS) Forecast(map[string]audiosep.Forecast) (map[string]audiosep.Forecast, error) {
	return map[string]audiosep.Forecast{"sources": {Sources: s.names()}}, nil
}

// Needs says what it takes: long medians along time have as many frames in memory.
func (s *HPSS) Needs(e audiosep.Extent) audiosep.Needs {
	sources, halo := len(s.names())-1, s.p.Frames/2 // the last is what the others leave
	return audiosep.Needs{Streams: e.Separated(sources, halo, 24), Passes: e.SeparatedPasses(sources, halo), Operations: medianOperations(e, s.p.Frames) + medianOperations(e, s.p.Bins)}
}

// medianOperations is about what medians of a length take around all coefficients, for which
// go test ./separators -run '^$' -bench HPSS times lengths.
func medianOperations(e audiosep.Extent, length int) float64 {
	return float64(e.Frames) * float64(e.Bins) * float64(max(1, e.Layers())) * (1000 + 5*float64(length))
}

// Separate returns the harmonic and percussive stems of x.
func (s *HPSS) Separate(x audiosep.Spectra) audiosep.Stems {
	total := x.Framing().Frames()
	separate := func(ctx context.Context, dst [][]audiosep.Coefs, x *audiosep.Spectrogram, skip, n int) error {
		m := mediansPool.Get().(*medians)
		defer mediansPool.Put(m)
		for l, mix := range x.Layers {
			if err := ctx.Err(); err != nil {
				return err
			}
			bins := x.Transform.Bins()
			m.magnitude = magnitudes(m.magnitude, mix)
			if err := m.alongTime(ctx, bins, s.p.Frames, total, x.First, skip, n); err != nil {
				return err
			}
			if err := m.alongFrequency(ctx, bins, s.p.Bins, skip, n); err != nil {
				return err
			}
			shareTwo(dst, l, mix.Slice(skip, skip+n, bins), m.harmonic, m.percussive, s.p.Power, s.p.Margin)
		}
		return nil
	}
	return &audiosep.SeparatedStems{X: x, Sources: s.names(), Halo: s.p.Frames / 2, Separate: separate, Rest: true}
}

// shareTwo shares the coefficients x of one layer out by masks of power p between two parts
// whose magnitudes are a and b, which it replaces by their masks. What the first mask leaves is
// the second part's or, with a margin, what both leave is the residual's, so that the stems sum.
func shareTwo(dst [][]audiosep.Coefs, layer int, x audiosep.Coefs, a, b []float64, power, margin float64) {
	softMasks(a, b, power, margin)
	if margin == 1 {
		b = nil
	}
	maskTwo(dst, layer, x, a, b)
}

// maskTwo writes the first part by mask a and, unless that is nil, the second by b. The last part is what
// they leave.
func maskTwo(dst [][]audiosep.Coefs, layer int, x audiosep.Coefs, a, b []float64) {
	for j, m := range [][]float64{a, b} {
		if m == nil {
			continue
		}
		kernel.Mul(dst[j][layer].Re, m, x.Re)
		if x.Im != nil {
			kernel.Mul(dst[j][layer].Im, m, x.Im)
		}
	}
	leave(dst, layer, x)
}

// leave writes what the other sources leave of x as the last, if that is wanted.
func leave(dst [][]audiosep.Coefs, layer int, x audiosep.Coefs) {
	last := len(dst) - 1
	rest := dst[last][layer]
	if rest.Re == nil {
		return
	}
	copy(rest.Re, x.Re)
	copy(rest.Im, x.Im)
	for _, d := range dst[:last] {
		floats.Sub(rest.Re, d[layer].Re)
		if x.Im != nil {
			floats.Sub(rest.Im, d[layer].Im)
		}
	}
}

// softMasks sets a to aᵖ/(aᵖ+(margin b)ᵖ) and, where margin is above 1, b to
// bᵖ/(bᵖ+(margin a)ᵖ).
func softMasks(a, b []float64, power, margin float64) {
	b = b[:len(a)]
	switch {
	case margin > 1:
		for i, v := range a {
			a[i], b[i] = softMask(v, margin*b[i], power), softMask(b[i], margin*v, power)
		}
	case power == 1:
		for i, v := range a {
			if sum := v + b[i]; sum > 1e-300 {
				a[i] = v / sum
			} else {
				a[i] = 0.5
			}
		}
	default:
		for i, v := range a {
			a[i] = softMask(v, b[i], power)
		}
	}
}

// softMask returns aᵖ/(aᵖ+bᵖ), and ½ where there is nothing to tell them apart.
func softMask(a, b, power float64) float64 {
	most := max(a, b)
	if most < 1e-300 {
		return 0.5
	}
	less := min(a, b) / most
	switch power {
	case 1:
	case 2:
		less *= less
	default:
		less = math.Pow(less, power)
	}
	if a < b {
		return less / (1 + less)
	}
	return 1 / (1 + less)
}

var mediansPool = sync.Pool{New: func() any { return new(medians) }}

// medians are those of the magnitudes of one layer, and scratch memory to find them.
type medians struct {
	magnitude            []float64 // of all frames given, [n*F+f]
	harmonic, percussive []float64 // of the frames asked for, [n*F+f]
	line, out, values    []float64
	window               []uint64
}

// ofRows sets dst to the medians, place by place, of count rows, few enough for a sorting network.
func (m *medians) ofRows(dst []float64, count int, row func(k int) []float64) {
	m.values = slices.Grow(m.values[:0], medianStrip*count)[:medianStrip*count]
	for from := 0; from < len(dst); from += medianStrip {
		n := min(medianStrip, len(dst)-from)
		for k := range count {
			copy(m.values[k*n:(k+1)*n], row(k)[from:])
		}
		medianOf(dst[from:from+n], m.values[:count*n], n, count)
	}
}

// alongTime finds the median of each bin over length frames around each of n frames. Beyond
// the ends of the recording of total frames its frames stand in reverse order (mode reflect
// of scipy.ndimage). Frame 0 of the magnitudes is frame first of the recording.
func (m *medians) alongTime(ctx context.Context, bins, length, total, first, skip, n int) error {
	r := length / 2
	m.harmonic = slices.Grow(m.harmonic[:0], n*bins)[:n*bins]
	if length <= networkUpTo {
		for i := range n {
			m.ofRows(m.harmonic[i*bins:(i+1)*bins], length, func(k int) []float64 {
				return m.magnitude[(mirrored(first+skip+i+k-r, total)-first)*bins:][:bins]
			})
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		return nil
	}
	m.line = slices.Grow(m.line[:0], n+2*r)[:n+2*r]
	m.out = slices.Grow(m.out[:0], n)[:n]
	for f := range bins {
		for i := range m.line {
			m.line[i] = m.magnitude[(mirrored(first+skip+i-r, total)-first)*bins+f]
		}
		m.slide(m.out, m.line, length)
		for i, v := range m.out {
			m.harmonic[i*bins+f] = v
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// alongFrequency finds the median over length bins around each bin of n frames.
func (m *medians) alongFrequency(ctx context.Context, bins, length, skip, n int) error {
	r := length / 2
	m.percussive = slices.Grow(m.percussive[:0], n*bins)[:n*bins]
	m.line = slices.Grow(m.line[:0], bins+2*r)[:bins+2*r]
	for t := range n {
		frame := m.magnitude[(skip+t)*bins : (skip+t+1)*bins]
		for i := range m.line {
			m.line[i] = frame[mirrored(i-r, bins)]
		}
		if medians := m.percussive[t*bins : (t+1)*bins]; length <= networkUpTo {
			m.ofRows(medians, length, func(k int) []float64 { return m.line[k : k+bins] })
		} else {
			m.slide(medians, m.line, length)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// mirrored returns the place in 0 to n-1 that stands for i beyond them: … 1 0 0 1 … n-1 n-1 ….
func mirrored(i, n int) int {
	if i %= 2 * n; i < 0 {
		i += 2 * n
	}
	if i >= n {
		i = 2*n - 1 - i
	}
	return i
}

// slide sets dst[i] to the median of line[i:i+length], length odd, in a sorted window from
// which one number leaves and into which one comes at a time. The numbers are ≥ 0: the window has
// their bits, whose order is theirs and by which a place is found without a branch to guess.
func (m *medians) slide(dst, line []float64, length int) {
	w := m.window[:0]
	for _, v := range line[:length] {
		w = append(w, math.Float64bits(v))
	}
	m.window = w
	slices.Sort(w)
	for i := range dst {
		dst[i] = math.Float64frombits(w[length/2])
		if i+1 == len(dst) {
			return
		}
		out, in := math.Float64bits(line[i]), math.Float64bits(line[i+length])
		at := 0
		for n := len(w); n > 1; {
			half := n / 2
			at += half & -int((w[at+half-1]-out)>>63)
			n -= half
		}
		for at+1 < len(w) && w[at+1] < in {
			w[at] = w[at+1]
			at++
		}
		for at > 0 && w[at-1] > in {
			w[at] = w[at-1]
			at--
		}
		w[at] = in
	}
}
