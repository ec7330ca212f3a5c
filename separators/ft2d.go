package separators

import (
	"context"
	"math"
	"runtime"
	"slices"
	"sync"

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
A peak is the greatest of its neighbourhood and above the least by more than the standard deviation of all. Each channel has its own. Its transform is whole in memory: about 45 MB a minute of each channel at 44.1 kHz with a hop of 512.`,
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

// Run finds the peaks; what they are the transform of, and the stems, are computed as they are taken.
func (s *FT2D) Run(ctx context.Context, _ audiosep.Env, in BackgroundIn) (BackgroundOut, error) {
	planes, err := readPlanes(ctx, in.Coefs)
	if err != nil {
		return BackgroundOut{}, err
	}
	for _, p := range planes {
		p.keep(p.peaks(s.p.Rates, s.p.Scales, p.along()))
		if err := ctx.Err(); err != nil {
			return BackgroundOut{}, err
		}
	}
	return BackgroundOut{s.separated(in.Coefs, func(w, _ []float64, layer, first, _ int) { planes[layer].Back(first, w) })}, nil
}

// plane is the transform of a layer: the rates k and the scales q of Z(k, q).
type plane struct {
	*fft.Grid
	frames, bins, scales int
}

func newPlane(frames, bins int) *plane {
	return &plane{fft.NewGrid(frames, bins), frames, bins, bins/2 + 1}
}

// runFrames is how many frames are read and transformed along frequency at once, an even number.
const runFrames = 64

// readPlanes transforms the magnitudes of each layer along frequency.
func readPlanes(ctx context.Context, x audiosep.Spectra) ([]*plane, error) {
	frames := x.Framing().Frames()
	if frames == 0 {
		return nil, nil
	}
	planes := make([]*plane, x.Framing().Layers())
	for l := range planes {
		if l == 0 {
			planes[l] = newPlane(frames, x.Transform().Bins())
			continue
		}
		p := *planes[0]
		p.Grid = p.Like()
		planes[l] = &p
	}
	return planes, eachRun(ctx, x, runFrames, func(_ context.Context, r *audiosep.Spectrogram) error {
		m := twoPool.Get().(*twoMagnitudes)
		defer twoPool.Put(m)
		for l, mix := range r.Layers {
			m.first = magnitudes(m.first, mix)
			planes[l].Rows(r.First, m.first)
		}
		return nil
	})
}

// inRuns calls work for runs of at most size of n things, several at a time. What is done to one
// thing must not depend on the others.
func inRuns(n, size int, work func(first, n int)) {
	threads.NewTeam().Do((n+size-1)/size, runtime.GOMAXPROCS(0), func(_, i int) {
		work(i*size, min(size, n-i*size))
	})
}

// along transforms along time and returns the standard deviation of all N×F sizes, of which those
// of the plane stand for their mirror images too.
func (p *plane) along() (deviation float64) {
	sums := make([]float64, 2*p.Blocks()*p.Lanes())
	inRuns(p.Blocks(), 1, func(i, _ int) {
		p.Along(i)
		b := peakPool.Get().(*peakBlock)
		b.sizesOf(p, i, 0)
		b.sum(sums[2*i*p.Lanes():][:2*p.Lanes()])
		peakPool.Put(b)
	})
	var sum, squares float64
	for q := range p.scales {
		weight := 2.0
		if q == 0 || 2*q == p.bins {
			weight = 1
		}
		of := sums[q/p.Lanes()*2*p.Lanes()+q%p.Lanes():]
		sum += weight * of[0]
		squares += weight * of[p.Lanes()]
	}
	all := float64(p.frames) * float64(p.bins)
	return math.Sqrt(max(0, squares/all-sum/all*sum/all))
}

// keep leaves the peaks alone, given by their places in each block, and undoes the transform along time.
func (p *plane) keep(peaks [][]int) {
	inRuns(p.Blocks(), 1, func(i, _ int) { p.Keep(i, peaks[i]) })
}

// peaks returns the places k·Lanes+l, in each block, of the numbers whose size is the greatest of
// rates×scales around them, the axes being circles, and exceeds the least of those by more than a
// deviation.
func (p *plane) peaks(rates, scales int, deviation float64) [][]int {
	rates, scales = min(rates, p.frames)/2, min(scales, p.bins)/2
	found := make([][]int, p.Blocks())
	inRuns(p.Blocks(), 1, func(i, _ int) {
		b := peakPool.Get().(*peakBlock)
		b.read(p, i, rates, scales)
		found[i] = b.find(p.frames, min(p.Lanes(), p.scales-i*p.Lanes()), p.Lanes(), deviation)
		peakPool.Put(b)
	})
	return found
}

// peakBlock is what finds the peaks of a block.
type peakBlock struct {
	rates, scales int // how far the neighbourhood reaches to either side
	width         int // of a row: the scales of the block and those beside it
	size, most    []float64
}

var peakPool = sync.Pool{New: func() any { return new(peakBlock) }}

// sizesOf takes the sizes of block i, after as many rates without any.
func (b *peakBlock) sizesOf(p *plane, i, rates int) {
	b.rates, b.scales, b.width = rates, 0, p.Lanes()
	count := (p.frames + 2*rates) * b.width
	b.size = slices.Grow(b.size[:0], count)[:count]
	kernel.Magnitudes(b.size[rates*b.width:(rates+p.frames)*b.width], p.Block(i), p.Lanes())
}

// sum sets sums to the sum of the sizes of each scale and to those of their squares.
func (b *peakBlock) sum(sums []float64) {
	ones, squares := sums[:b.width], sums[b.width:2*b.width]
	for at := 0; at < len(b.size); at += b.width {
		for l, v := range b.size[at : at+b.width] {
			ones[l] += v
			squares[l] += v * v
		}
	}
}

// read takes the sizes of block i and of the scales beside it, the rates being continued at both
// ends.
func (b *peakBlock) read(p *plane, block, rates, scales int) {
	b.sizesOf(p, block, rates)
	if scales > 0 {
		b.beside(p, block, scales)
	}
	ends := rates * b.width
	copy(b.size[:ends], b.size[len(b.size)-2*ends:])
	copy(b.size[len(b.size)-ends:], b.size[ends:])
}

// beside puts the scales beside a block's beside them, in the rows of all rates.
func (b *peakBlock) beside(p *plane, block, scales int) {
	own := b.width
	b.scales, b.width = scales, own+2*scales
	old := b.size
	count := (p.frames + 2*b.rates) * b.width
	b.most = slices.Grow(b.most[:0], count)[:count]
	b.size, b.most = b.most, old
	for k := range p.frames {
		row := b.size[(b.rates+k)*b.width:][:b.width]
		copy(row[scales:scales+own], old[(b.rates+k)*own:])
		for j := range row {
			if j < scales || j >= scales+own {
				row[j] = p.size(k, block*own-scales+j)
			}
		}
	}
}

// size returns that of a rate and any scale, or of the mirror image of one that has none.
func (p *plane) size(rate, scale int) float64 {
	if scale < 0 || scale >= p.scales {
		if scale = (scale%p.bins + p.bins) % p.bins; scale >= p.scales {
			scale, rate = p.bins-scale, (p.frames-rate)%p.frames
		}
	}
	at := 2*rate*p.Lanes() + scale%p.Lanes()
	var size [1]float64
	z := p.Block(scale / p.Lanes())
	kernel.Magnitude(size[:], z[at:at+1], z[at+p.Lanes():at+p.Lanes()+1])
	return size[0]
}

// find returns the places of the peaks of so many scales.
func (b *peakBlock) find(frames, scales, lanes int, deviation float64) (peaks []int) {
	b.greatest(frames)
	for k := range frames {
		around := b.most[k*b.width : (k+1)*b.width]
		at := (k + b.rates) * b.width
		for i, v := range b.size[at+b.scales:][:scales] {
			if v >= around[i+b.scales] && v >= slices.Max(around[i:i+2*b.scales+1]) && b.below(at+b.scales+i, v-deviation) {
				peaks = append(peaks, k*lanes+i)
			}
		}
	}
	return peaks
}

// greatest sets most, in row k, to the greatest of each scale at the rates around k: of pairs, of
// pairs of these, and so on, and of two such runs that cover a neighbourhood.
func (b *peakBlock) greatest(frames int) {
	b.most = append(b.most[:0], b.size...)
	most, length, run := b.most, 2*b.rates+1, 1
	for ; 2*run <= length; run *= 2 {
		most = most[:len(most)-run*b.width]
		kernel.Max(most, most, b.most[run*b.width:][:len(most)])
	}
	most = most[:frames*b.width]
	kernel.Max(most, most, b.most[(length-run)*b.width:][:len(most)])
}

// below tells whether one of the neighbourhood of a place is below a limit.
func (b *peakBlock) below(at int, limit float64) bool {
	for k := -b.rates; k <= b.rates; k++ {
		row := at + k*b.width
		for _, v := range b.size[row-b.scales : row+b.scales+1] {
			if v < limit {
				return true
			}
		}
	}
	return false
}
