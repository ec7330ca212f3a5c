package separators

import (
	"context"
	"math"
	"runtime"
	"slices"

	"gonum.org/v1/gonum/floats"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/fft"
	"github.com/audiosep/audiosep/internal/kernel"
	"github.com/audiosep/audiosep/internal/threads"
)

// FT2DParams are the parameters of ft2d.
type FT2DParams struct {
	Rates  int `json:"rates" min:"1" max:"10001" unit:"bins" doc:"Length of the neighbourhood along the first axis of the transform, rates of change in time, in which a peak is the greatest, odd."`
	Scales int `json:"scales" min:"1" max:"10001" unit:"bins" doc:"Its length along the second axis, scales of change along frequency, odd."`
	BackgroundParams
}

// DefaultFT2D returns the parameters of the paper: peaks among 25 rates of one scale.
func DefaultFT2D() FT2DParams {
	return FT2DParams{Rates: 25, Scales: 1, BackgroundParams: defaultBackground()}
}

var ft2dStage = audiosep.Define("ft2d",
	`Tells an accompaniment that repeats, with any periods, from a voice by the peaks of the Fourier transform of the magnitude spectrogram along both of its axes: the transform of the peaks alone is the background (Seetharaman, Pishdadian and Pardo, Music/voice separation using the 2D Fourier transform, WASPAA 2017).
A peak is the greatest of its neighbourhood and above the least by more than the standard deviation of all. Each channel has its own. The spectrogram is whole in memory, about 250 MB a minute and channel at 44.1 kHz with a hop of 512.`,
	DefaultFT2D(), NewFT2D, audiosep.Sums)

// FT2D is the stage ft2d.
type FT2D struct {
	BackgroundParams
	p FT2DParams
}

// Validate checks what the ranges do not say.
func (p FT2DParams) Validate() error {
	return oddLengths(map[string]int{"rates": p.Rates, "scales": p.Scales})
}

// NewFT2D returns a stage that separates as p says.
func NewFT2D(p FT2DParams) (*FT2D, error) {
	if err := audiosep.CheckStruct(p); err != nil {
		return nil, err
	}
	return &FT2D{p.BackgroundParams, p}, nil
}

// Run finds the background; the stems are separated as they are taken.
func (s *FT2D) Run(ctx context.Context, _ audiosep.Env, in BackgroundIn) (BackgroundOut, error) {
	v, err := readSpectrum(ctx, in.Coefs)
	if err != nil {
		return BackgroundOut{}, err
	}
	for l := range v.layers {
		if err := s.background(ctx, v, l); err != nil {
			return BackgroundOut{}, err
		}
	}
	return BackgroundOut{s.separated(in.Coefs, v.asModel)}, nil
}

// asModel has a spectrum be the model of a background.
func (s *spectrum) asModel(w, _ []float64, layer, first, n int) {
	for i, v := range s.frame(layer, first, n) {
		w[i] = float64(v)
	}
}

// background replaces the magnitudes of a layer by those of its background.
func (s *FT2D) background(ctx context.Context, v *spectrum, layer int) error {
	if v.frames == 0 {
		return nil
	}
	t := newPlane(v.frames, v.bins)
	t.forward(v.layers[layer])
	if err := ctx.Err(); err != nil {
		return err
	}
	t.keep(t.peaks(s.p.Rates, s.p.Scales))
	if err := ctx.Err(); err != nil {
		return err
	}
	t.inverse(v.layers[layer])
	return ctx.Err()
}

// plane is the two-dimensional Fourier transform of N×F real numbers: Z(k, q) of the rates
// k = 0 … N-1 and the scales q = 0 … F/2, [q*N+k]; the others are Z(-k, -q) = Z(k, q)*.
type plane struct {
	frames, bins, scales int
	re, im               []float64
}

func newPlane(frames, bins int) *plane {
	p := &plane{frames: frames, bins: bins, scales: bins/2 + 1}
	p.re, p.im = make([]float64, p.scales*frames), make([]float64, p.scales*frames)
	return p
}

// runFrames is how many frames are transformed along frequency at once.
const runFrames = 256

// inRuns calls work for runs of at most size of n things, several at a time. What is done to one
// thing must not depend on the others.
func inRuns(n, size int, work func(first, n int)) {
	threads.NewTeam().Do((n+size-1)/size, runtime.GOMAXPROCS(0), func(_, i int) {
		work(i*size, min(size, n-i*size))
	})
}

// forward transforms x, [n*F+f].
func (p *plane) forward(x []float32) {
	along := fft.NewReal(p.bins, p.bins, 1)
	inRuns(p.frames, runFrames, func(at, n int) {
		re, im := make([]float64, n*p.scales), make([]float64, n*p.scales)
		along.Run(re, im, widen(nil, x[at*p.bins:(at+n)*p.bins]), nil)
		kernel.Transpose(p.re[at:], p.frames, re, p.scales, n, p.scales)
		kernel.Transpose(p.im[at:], p.frames, im, p.scales, n, p.scales)
	})
	p.rates(fft.NewComplex(p.frames, 1))
}

// rates transforms along time.
func (p *plane) rates(plan *fft.Plan) {
	inRuns(p.scales, 16, func(q, n int) {
		re, im := p.re[q*p.frames:(q+n)*p.frames], p.im[q*p.frames:(q+n)*p.frames]
		plan.Run(re, im, re, im)
	})
}

// inverse sets x to the magnitudes of what Z is the transform of.
func (p *plane) inverse(x []float32) {
	p.rates(fft.NewComplexInverse(p.frames, 1/float64(p.frames)))
	along := fft.NewRealInverse(p.bins, p.bins, 1/float64(p.bins))
	inRuns(p.frames, runFrames, func(at, n int) {
		re, im, out := make([]float64, n*p.scales), make([]float64, n*p.scales), make([]float64, n*p.bins)
		kernel.Transpose(re, p.scales, p.re[at:], p.frames, p.scales, n)
		kernel.Transpose(im, p.scales, p.im[at:], p.frames, p.scales, n)
		along.Run(out, nil, re, im)
		for i, v := range out {
			x[at*p.bins+i] = float32(math.Abs(v))
		}
	})
}

// peaks tells which numbers of the transform are peaks among rates×scales around them, the axes
// being circles.
func (p *plane) peaks(rates, scales int) []bool {
	size, low := make([]float64, len(p.re)), make([]float64, len(p.re))
	inRuns(p.scales, 16, func(q, n int) {
		for i := q * p.frames; i < (q+n)*p.frames; i++ {
			size[i] = math.Sqrt(p.re[i]*p.re[i] + p.im[i]*p.im[i])
			low[i] = -size[i]
		}
	})
	deviation := p.deviation(size)
	high := slices.Clone(size)
	p.greatest(high, rates, scales)
	p.greatest(low, rates, scales)
	peaks := make([]bool, len(size))
	for i, v := range size {
		peaks[i] = v == high[i] && high[i]+low[i] > deviation
	}
	return peaks
}

// deviation returns the standard deviation of all N×F sizes, of which those given stand for
// their mirror images too.
func (p *plane) deviation(size []float64) float64 {
	var sum, squares float64
	for q := range p.scales {
		weight := 2.0
		if q == 0 || 2*q == p.bins {
			weight = 1
		}
		row := size[q*p.frames : (q+1)*p.frames]
		sum += weight * floats.Sum(row)
		squares += weight * floats.Dot(row, row)
	}
	n := float64(p.frames) * float64(p.bins)
	return math.Sqrt(max(0, squares/n-sum/n*sum/n))
}

// greatest replaces each number by the greatest of those around it.
func (p *plane) greatest(x []float64, rates, scales int) {
	if r := min(rates, p.frames) / 2; r > 0 {
		inRuns(p.scales, 16, func(q, n int) {
			var line []float64
			var w slidingMost
			for ; n > 0; q, n = q+1, n-1 {
				row := x[q*p.frames : (q+1)*p.frames]
				line = append(append(append(line[:0], row[len(row)-r:]...), row...), row[:r]...)
				w.of(row, line, 2*r+1)
			}
		})
	}
	if r := min(scales, p.bins) / 2; r > 0 {
		all, column := slices.Clone(x), make([]float64, p.scales)
		var line []float64
		var w slidingMost
		for k := range p.frames {
			line = line[:0]
			for q := -r; q < p.scales+r; q++ {
				line = append(line, p.at(all, k, q))
			}
			w.of(column, line, 2*r+1)
			for q, v := range column {
				x[q*p.frames+k] = v
			}
		}
	}
}

// at returns the number of a rate and of any scale, which may be the mirror image of one given.
func (p *plane) at(x []float64, rate, scale int) float64 {
	if scale = (scale%p.bins + p.bins) % p.bins; scale >= p.scales {
		scale, rate = p.bins-scale, (p.frames-rate)%p.frames
	}
	return x[scale*p.frames+rate]
}

// keep sets what is no peak to 0.
func (p *plane) keep(peaks []bool) {
	for i, peak := range peaks {
		if !peak {
			p.re[i], p.im[i] = 0, 0
		}
	}
}

// slidingMost finds the greatest number of a window that slides along a line.
type slidingMost struct{ queue []int }

// of sets dst[i] to the greatest of line[i:i+length]. The queue has places of numbers, the
// greatest first, that none behind them in the window exceeds.
func (w *slidingMost) of(dst, line []float64, length int) {
	w.queue = w.queue[:0]
	head := 0
	for i, v := range line {
		for len(w.queue) > head && line[w.queue[len(w.queue)-1]] <= v {
			w.queue = w.queue[:len(w.queue)-1]
		}
		w.queue = append(w.queue, i)
		if w.queue[head] <= i-length {
			head++
		}
		if at := i - length + 1; at >= 0 {
			dst[at] = line[w.queue[head]]
		}
	}
}
