package separators

import (
	"context"
	"math"
	"math/bits"
	"runtime"
	"slices"
	"sync"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/fft"
	"github.com/audiosep/audiosep/internal/huge"
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
A peak is the greatest of its neighbourhood and above the least by more than the standard deviation of all. Each channel has its own. The spectrogram is whole in memory, about 45 MB a minute at 44.1 kHz with a hop of 512, and 20 MB a minute more for each channel.`,
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
	if v.frames > 0 {
		p := newPlane(v.frames, v.bins)
		for l := range v.layers {
			if err := s.background(ctx, p, v.layers[l]); err != nil {
				return BackgroundOut{}, err
			}
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
func (s *FT2D) background(ctx context.Context, p *plane, layer []float32) error {
	deviation := p.forward(layer)
	if err := ctx.Err(); err != nil {
		return err
	}
	p.keep(p.peaks(s.p.Rates, s.p.Scales, deviation))
	if err := ctx.Err(); err != nil {
		return err
	}
	p.inverse(layer)
	return ctx.Err()
}

// plane is the two-dimensional Fourier transform of N×F real numbers: Z(k, q) of the rates
// k = 0 … N-1 and the scales q = 0 … F/2, [k*stride+q]; the others are Z(-k, -q) = Z(k, q)*.
type plane struct {
	frames, bins, scales int
	stride               int
	re, im               []float64
	alongTime            *fft.Columns
	sums, squares        []float64 // of the sizes |Z| of each scale
}

// strideOf returns how far apart rows of n numbers begin: an odd number of vectors keeps the numbers
// of a column from all competing for the same places of a cache.
func strideOf(n int) int { return 8 * ((n+7)/8 | 1) }

// newPlane makes room.
func newPlane(frames, bins int) *plane {
	p := &plane{frames: frames, bins: bins, scales: bins/2 + 1, alongTime: fft.NewColumns(frames)}
	p.stride = strideOf(p.scales)
	p.re, p.im = huge.Floats(frames*p.stride), huge.Floats(frames*p.stride)
	p.sums, p.squares = make([]float64, p.scales), make([]float64, p.scales)
	return p
}

// runFrames is how many frames are transformed along frequency at once, runScales how many scales
// along time.
const runFrames, runScales = 64, 8

// inRuns calls work for runs of at most size of n things, several at a time. What is done to one
// thing must not depend on the others.
func inRuns(n, size int, work func(first, n int)) {
	threads.NewTeam().Do((n+size-1)/size, runtime.GOMAXPROCS(0), func(_, i int) {
		work(i*size, min(size, n-i*size))
	})
}

// forward transforms x, [n*F+f], and returns the standard deviation of all N×F sizes, of which
// those of the plane stand for their mirror images too.
func (p *plane) forward(x []float32) (deviation float64) {
	along := fft.NewReal(p.bins, p.bins, 1)
	inRuns(p.frames, runFrames, func(at, n int) {
		p.rows(func(line []float64) {
			line = widen(line, x[at*p.bins:(at+n)*p.bins])
			along.RunRows(p.re[at*p.stride:], p.im[at*p.stride:], p.stride, line, nil, p.bins, n)
		})
	})
	inRuns(p.scales, runScales, func(q, n int) {
		p.alongTime.Run(p.re[q:], p.im[q:], p.stride, n)
		clear(p.sums[q : q+n])
		clear(p.squares[q : q+n])
		for k := range p.frames {
			for i := q; i < q+n; i++ {
				square := p.square(k*p.stride + i)
				p.sums[i] += math.Sqrt(square)
				p.squares[i] += square
			}
		}
	})
	var sum, squares float64
	for q := range p.scales {
		weight := 2.0
		if q == 0 || 2*q == p.bins {
			weight = 1
		}
		sum += weight * p.sums[q]
		squares += weight * p.squares[q]
	}
	all := float64(p.frames) * float64(p.bins)
	return math.Sqrt(max(0, squares/all-sum/all*sum/all))
}

func (p *plane) square(i int) float64 { return p.re[i]*p.re[i] + p.im[i]*p.im[i] }

var linePool = sync.Pool{New: func() any { return new([]float64) }}

// rows lends memory for a run of frames.
func (p *plane) rows(work func(line []float64)) {
	line := linePool.Get().(*[]float64)
	*line = slices.Grow((*line)[:0], runFrames*p.bins)
	work(*line)
	linePool.Put(line)
}

// inverse sets x to the magnitudes of what Z is the transform of.
func (p *plane) inverse(x []float32) {
	inRuns(p.scales, runScales, func(q, n int) { p.alongTime.Run(p.im[q:], p.re[q:], p.stride, n) })
	along := fft.NewRealInverse(p.bins, p.bins, 1/(float64(p.frames)*float64(p.bins)))
	inRuns(p.frames, runFrames, func(at, n int) {
		p.rows(func(line []float64) {
			line = line[:n*p.bins]
			along.RunRows(line, nil, p.bins, p.re[at*p.stride:], p.im[at*p.stride:], p.stride, n)
			for i, v := range line {
				x[at*p.bins+i] = float32(math.Abs(v))
			}
		})
	})
}

// peak is a number of the transform and its place.
type peak struct {
	at     int
	re, im float64
}

// peaks returns the numbers whose size is the greatest of rates×scales around them, the axes
// being circles, and exceeds the least of those by more than a deviation.
func (p *plane) peaks(rates, scales int, deviation float64) []peak {
	rates, scales = min(rates, p.frames)/2, min(scales, p.bins)/2
	width := max(runScales, 2*scales)
	found := make([][]peak, (p.scales+width-1)/width)
	inRuns(p.scales, width, func(q, n int) {
		b := peakPool.Get().(*peakBlock)
		b.read(p, q, n, rates, scales)
		found[q/width] = b.find(p, q, n, deviation)
		peakPool.Put(b)
	})
	return slices.Concat(found...)
}

// keep sets what is no peak to 0.
func (p *plane) keep(peaks []peak) {
	clear(p.re)
	clear(p.im)
	for _, x := range peaks {
		p.re[x.at], p.im[x.at] = x.re, x.im
	}
}

// peakBlock is what finds the peaks of a run of scales. Sizes are their bits, whose order is
// theirs.
type peakBlock struct {
	rates, scales int // how far the neighbourhood reaches to either side
	width         int // of a row: the scales of the run and those beside it
	size, most    []uint64
}

var peakPool = sync.Pool{New: func() any { return new(peakBlock) }}

// read takes the sizes of n scales from q on and of those beside them, the rates being continued
// at both ends.
func (b *peakBlock) read(p *plane, q, n, rates, scales int) {
	b.rates, b.scales, b.width = rates, scales, n+2*scales
	count := (p.frames + 2*rates) * b.width
	b.size = slices.Grow(b.size[:0], count)[:count]
	for i := range p.frames + 2*rates {
		k := ((i-rates)%p.frames + p.frames) % p.frames
		row := b.size[i*b.width : (i+1)*b.width]
		for j := range row {
			row[j] = math.Float64bits(math.Sqrt(p.square(p.place(k, q-scales+j))))
		}
	}
}

// place returns the place of a rate and of any scale, or of the mirror image of one that has none.
func (p *plane) place(rate, scale int) int {
	if scale < 0 || scale >= p.scales {
		if scale = (scale%p.bins + p.bins) % p.bins; scale >= p.scales {
			scale, rate = p.bins-scale, (p.frames-rate)%p.frames
		}
	}
	return rate*p.stride + scale
}

// find returns the peaks of the n scales from q on.
func (b *peakBlock) find(p *plane, q, n int, deviation float64) (peaks []peak) {
	b.greatest()
	for k := range p.frames {
		for i := range n {
			at := (k+b.rates)*b.width + b.scales + i
			v := b.size[at]
			if v == b.around(k, i) && b.below(at, math.Float64frombits(v)-deviation) {
				z := k*p.stride + q + i
				peaks = append(peaks, peak{z, p.re[z], p.im[z]})
			}
		}
	}
	return peaks
}

// greatest sets most to the greatest of each size and those at the rates behind it, as many as the
// greatest power of two that a neighbourhood has room for: of pairs, of pairs of these, and so on.
func (b *peakBlock) greatest() {
	b.most = append(b.most[:0], b.size...)
	for step := 1; 2*step <= 2*b.rates+1; step *= 2 {
		later := b.most[step*b.width:]
		most := b.most[:len(later)]
		for i, v := range later {
			most[i] = max(most[i], v)
		}
	}
}

// around returns the greatest of the neighbourhood of a rate and a scale: of two runs of rates that
// cover it, over all its scales.
func (b *peakBlock) around(k, i int) (most uint64) {
	length := 2*b.rates + 1
	second := length - 1<<(bits.Len(uint(length))-1)
	first := b.most[k*b.width+i:][:2*b.scales+1]
	last := b.most[(k+second)*b.width+i:][:len(first)]
	for j, v := range first {
		most = max(most, v, last[j])
	}
	return most
}

// below tells whether one of the neighbourhood of a place is below a limit.
func (b *peakBlock) below(at int, limit float64) bool {
	for k := -b.rates; k <= b.rates; k++ {
		row := at + k*b.width
		for _, v := range b.size[row-b.scales : row+b.scales+1] {
			if math.Float64frombits(v) < limit {
				return true
			}
		}
	}
	return false
}
