package audio

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"

	"gonum.org/v1/gonum/floats"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/fft"
	"github.com/audiosep/audiosep/internal/resample"
)

// PassParams are the parameters of high_pass and low_pass.
type PassParams struct {
	Frequency float64  `json:"frequency" min:"1" max:"1e7" unit:"Hz" doc:"Where the filter lets half of the amplitude through, -6 dB; below half the sample rate."`
	Width     *float64 `json:"width" min:"1" max:"1e7" unit:"Hz" doc:"How broad the transition is from all to nothing, half of it on either side; the frequency itself if left open. Narrower takes longer: the filter reaches 4 times the inverse of it to either side."`
}

var highPassStage = audiosep.Define("high_pass",
	`Takes away what is below a frequency, such as rumble, by a filter without delay or ripple: what low_pass with the same parameters leaves of the recording. Attenuation -120 dB, ripple 10⁻⁶.`,
	PassParams{Frequency: 100}, NewHighPass, audiosep.Lazy)

var lowPassStage = audiosep.Define("low_pass",
	`Takes away what is above a frequency, by a windowed-sinc filter (Kaiser's) without delay. Attenuation -120 dB, ripple 10⁻⁶. Outside the recording is silence.`,
	PassParams{Frequency: 4000}, NewLowPass, audiosep.Lazy)

// Pass is the stages high_pass and low_pass.
type Pass struct {
	p    PassParams
	high bool
}

// NewHighPass returns a stage that takes away what is below p's frequency.
func NewHighPass(p PassParams) (*Pass, error) { return newPass(p, true) }

// NewLowPass returns a stage that takes away what is above p's frequency.
func NewLowPass(p PassParams) (*Pass, error) { return newPass(p, false) }

func newPass(p PassParams, high bool) (*Pass, error) {
	if err := audiosep.CheckStruct(p); err != nil {
		return nil, err
	}
	if p.Width != nil && *p.Width > 2*p.Frequency {
		return nil, &audiosep.ParamError{Name: "width", What: fmt.Sprintf("is %g Hz; want at most %g Hz, so that the transition begins above 0", *p.Width, 2*p.Frequency)}
	}
	return &Pass{p, high}, nil
}

// Run returns the filtered recording. It is an error if half its sample rate is not above the
// frequency.
func (s *Pass) Run(ctx context.Context, _ audiosep.Env, in In) (Out, error) {
	h, err := in.Audio.Head(ctx)
	if err != nil {
		return Out{}, err
	}
	if s.p.Frequency >= float64(h.Rate)/2 {
		return Out{}, fmt.Errorf("the frequency is %g Hz, and the sample rate %d Hz; want a frequency below half of that", s.p.Frequency, h.Rate)
	}
	width := s.p.Frequency
	if s.p.Width != nil {
		width = *s.p.Width
	}
	return Out{newFiltered(in.Audio, h, s.p.Frequency/float64(h.Rate), width/float64(h.Rate), s.high)}, nil
}

// filtered is a recording behind a filter that is symmetric, so that nothing is delayed. It is
// computed in spans from multiples of span on, so that a sample's bits do not depend on what else is
// read. The last few stay, as who reads frame after frame reads most samples several times.
type filtered struct {
	src  audiosep.Source
	head audiosep.Head
	low  *fft.Filter
	high bool

	mu      sync.Mutex
	kept    []*filteredSpan // the last one first
	benches sync.Pool       // of *[][]float64: what a span is computed from
	spans   sync.Pool       // of *filteredSpan that nobody reads any more
}

// filteredSpan is some samples of all layers. refs counts those who read it, and kept for one.
type filteredSpan struct {
	first, refs int

	mu   sync.Mutex // held while it is computed
	done bool
	y    [][]float64
}

// newFiltered makes the filter of Kaiser's window: cutoff and transition are parts of the rate.
func newFiltered(src audiosep.Source, h audiosep.Head, cutoff, transition float64, high bool) *filtered {
	attenuation := 8.7 + resample.KaiserBeta/0.1102
	half := int(math.Ceil((attenuation - 7.95) / (14.36 * 2 * transition)))
	taps, sum := make([]float64, 2*half+1), 0.0
	for t := range half + 1 {
		tap := resample.Sinc(2*cutoff*float64(t)) * resample.Kaiser(float64(t)/(float64(half)+1))
		taps[half-t], taps[half+t] = tap, tap
	}
	for _, tap := range taps {
		sum += tap
	}
	for i := range taps {
		taps[i] /= sum
	}
	// Of many layers fewer samples make a span, which has those of all.
	return &filtered{src: src, head: h, high: high, low: fft.NewFilter(taps, 64/max(1, h.Layers()))}
}

func (f *filtered) Head(context.Context) (audiosep.Head, error) { return f.head, nil }

func (f *filtered) ReadAt(ctx context.Context, dst [][]float64, at int) error {
	for _, d := range dst {
		clear(d)
	}
	from, to := max(at, 0), min(at+len(dst[0]), f.head.Samples)
	span := f.low.Span()
	for first := from / span * span; first < to && from < to; first += span {
		s, err := f.take(ctx, first, len(dst))
		if err == nil {
			lo, hi := max(first, from), min(first+span, to)
			for l, y := range s.y {
				copy(dst[l][lo-at:hi-at], y[lo-first:])
			}
		}
		f.release(s)
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// take returns the span from a sample on, which is to be released, or the error of reading it.
func (f *filtered) take(ctx context.Context, first, layers int) (*filteredSpan, error) {
	f.mu.Lock()
	i := slices.IndexFunc(f.kept, func(s *filteredSpan) bool { return s.first == first })
	var s *filteredSpan
	if i >= 0 {
		s = f.kept[i]
		copy(f.kept[1:i+1], f.kept[:i])
		f.kept[0] = s
	} else {
		if s, _ = f.spans.Get().(*filteredSpan); s == nil {
			s = new(filteredSpan)
		}
		s.first, s.refs, s.done = first, 1, false
		f.kept = slices.Insert(f.kept, 0, s)
		if most := 2 + runtime.GOMAXPROCS(0)/8; len(f.kept) > most {
			f.drop(f.kept[most])
			f.kept = f.kept[:most]
		}
	}
	s.refs++
	f.mu.Unlock()

	s.mu.Lock()
	defer s.mu.Unlock()
	if s.done {
		return s, nil
	}
	err := f.compute(ctx, s, layers)
	s.done = err == nil
	return s, err
}

func (f *filtered) release(s *filteredSpan) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.drop(s)
}

// drop takes a reader from s. It is called with mu locked.
func (f *filtered) drop(s *filteredSpan) {
	if s.refs--; s.refs == 0 {
		f.spans.Put(s)
	}
}

// compute filters a span of all layers.
func (f *filtered) compute(ctx context.Context, s *filteredSpan, layers int) error {
	span, half := f.low.Span(), f.low.Half()
	x, _ := f.benches.Get().(*[][]float64)
	if x == nil {
		x = new([][]float64)
	}
	defer f.benches.Put(x)
	*x, s.y = rowsOf(*x, layers, span+2*half), rowsOf(s.y, layers, span)
	if err := f.src.ReadAt(ctx, *x, s.first-half); err != nil {
		return err
	}
	n := min(span, f.head.Samples-s.first)
	for l, x := range *x {
		f.low.Run(s.y[l], x, n)
		if f.high {
			floats.SubTo(s.y[l][:n], x[half:half+n], s.y[l][:n])
		}
	}
	return nil
}

// rowsOf returns rows of n numbers, x if it has as many.
func rowsOf(x [][]float64, rows, n int) [][]float64 {
	if len(x) != rows {
		x = make([][]float64, rows)
		for i := range x {
			x[i] = make([]float64, n)
		}
	}
	return x
}
