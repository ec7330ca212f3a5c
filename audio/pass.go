package audio

import (
	"context"
	"fmt"
	"math"
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
// computed in runs from multiples of block on, by products of spectra, so that a sample's bits
// do not depend on what else is read.
type filtered struct {
	src         audiosep.Source
	head        audiosep.Head
	half, block int       // the filter reaches half samples to either side
	re, im      []float64 // its transfer function, that of the low pass
	high        bool

	forward, inverse *fft.Plan
	benches          sync.Pool // of *filterBench
}

// newFiltered makes the filter of Kaiser's window: cutoff and transition are parts of the rate.
func newFiltered(src audiosep.Source, h audiosep.Head, cutoff, transition float64, high bool) *filtered {
	attenuation := 8.7 + resample.KaiserBeta/0.1102
	f := &filtered{src: src, head: h, high: high}
	f.half = int(math.Ceil((attenuation - 7.95) / (14.36 * 2 * transition)))
	taps, sum := make([]float64, 2*f.half+1), 0.0
	for i := range taps {
		t := float64(i - f.half)
		taps[i] = resample.Sinc(2*cutoff*t) * resample.Kaiser(t/(float64(f.half)+1))
		sum += taps[i]
	}
	for i := range taps {
		taps[i] /= sum
	}
	size := 1 << 12
	for size < 4*len(taps) {
		size *= 2
	}
	f.block = size - 2*f.half
	f.forward, f.inverse = fft.NewReal(size, size, 1), fft.NewRealInverse(size, size, 1/float64(size))
	f.re, f.im = make([]float64, size/2+1), make([]float64, size/2+1)
	f.forward.Run(f.re, f.im, append(taps, make([]float64, size-len(taps))...), nil)
	return f
}

func (f *filtered) Head(context.Context) (audiosep.Head, error) { return f.head, nil }

// filterNumbers is about how many numbers are transformed at once: several runs side by side, as
// vectors have them, but of a long filter no more than one.
const filterNumbers = 1 << 18

// filterBench is what runs are filtered on, [run*L+layer].
type filterBench struct{ x, y, re, im []float64 }

func (f *filtered) ReadAt(ctx context.Context, dst [][]float64, at int) error {
	for _, d := range dst {
		clear(d)
	}
	from, to := max(at, 0), min(at+len(dst[0]), f.head.Samples)
	size, layers := f.block+2*f.half, len(dst)
	some := max(1, min(8, filterNumbers/size)/layers) // runs at once
	b, _ := f.benches.Get().(*filterBench)
	if b == nil || len(b.x) < some*layers*size {
		b = &filterBench{make([]float64, some*layers*size), make([]float64, some*layers*size), make([]float64, some*layers*len(f.re)), make([]float64, some*layers*len(f.re))}
	}
	defer f.benches.Put(b)
	x := make([][]float64, layers)
	for first := from / f.block * f.block; first < to; first += some * f.block {
		runs := min(some, (to-first+f.block-1)/f.block)
		for r := range runs {
			for l := range x {
				x[l] = b.x[(r*layers+l)*size:][:size]
			}
			if err := f.src.ReadAt(ctx, x, first+r*f.block-f.half); err != nil {
				return err
			}
		}
		f.filter(b, runs*layers)
		for i := range runs * layers {
			d, run := dst[i%layers], first+i/layers*f.block
			lo, hi := max(run, from), min(run+f.block, to)
			// The first 2·half numbers of the circular convolution are not of this run.
			copy(d[lo-at:hi-at], b.y[i*size+2*f.half+lo-run:])
			if f.high {
				floats.SubTo(d[lo-at:hi-at], b.x[i*size+f.half+lo-run:][:hi-lo], d[lo-at:hi-at])
			}
		}
	}
	return ctx.Err()
}

// filter sets y to the circular convolutions of n stretches x with the low pass.
func (f *filtered) filter(b *filterBench, n int) {
	size, bins := f.block+2*f.half, len(f.re)
	re, im := b.re[:n*bins], b.im[:n*bins]
	f.forward.Run(re, im, b.x[:n*size], nil)
	for i := 0; i < len(re); i += bins {
		re, im := re[i:i+bins], im[i:i+bins]
		for k, c := range f.re {
			d := f.im[k]
			re[k], im[k] = re[k]*c-im[k]*d, re[k]*d+im[k]*c
		}
	}
	f.inverse.Run(b.y[:n*size], nil, re, im)
}
