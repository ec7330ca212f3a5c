package fft

import (
	"math/bits"
	"sync"

	"github.com/audiosep/audiosep/internal/kernel"
)

// A Filter convolves a long signal with weights that are symmetric, w[t] = w[-t] for |t| ≤ half, a
// stretch of Block samples at a time (overlap-save). Two stretches are the real and the imaginary
// part of one complex number each: as the transform of symmetric weights is real, the two stay apart,
// and nothing need be untangled between the two DFTs. As many such pairs as a vector has numbers are
// done side by side and stay interleaved from beginning to end. It may be used from several
// goroutines at once.
type Filter struct {
	engine     *engine
	size, half int
	pairs      int
	dft        *dft
	response   *mix
	pool       sync.Pool // of *buffers
}

// wideFilter is about how many numbers of a recording are transformed side by side at most, unless one pair has
// more: what is kept of it is bounded so.
const wideFilter = 1 << 18

// NewFilter returns the filter of the 2·half+1 weights w[-half … half], of which the second half counts.
// It has at most so many pairs of stretches side by side.
func NewFilter(weights []float64, pairs int) *Filter {
	half := len(weights) / 2
	f := &Filter{engine: current(), half: half, size: max(1<<12, 1<<bits.Len(uint(2*len(weights)-1)))}
	f.pairs = max(1, min(pairs, f.engine.lanes, wideFilter/f.size))
	f.dft = newDFT(f.size, f.engine)
	f.pool.New = func() any { return newBuffers(2*f.size, f.engine.lanes) }

	// The transform of the weights, which are in the first lane.
	b := f.buffers()
	defer f.pool.Put(b)
	clear(b.x)
	for t, w := range weights[half:] {
		b.x[2*t*f.engine.lanes] = w
		b.x[2*((f.size-t)%f.size)*f.engine.lanes] = w
	}
	f.dft.run(f.engine, b)
	f.response = &mix{terms: 1, rows: 2 * f.size, table: make([]mixTerm, 2*f.size)}
	for i := range f.response.table {
		// In reverse order, which makes an inverse transform of the second DFT.
		k := (f.size - i/2) % f.size
		f.response.table[i] = mixTerm{8 * f.engine.lanes * (2*k + i%2), b.x[2*k*f.engine.lanes] / float64(f.size)}
	}
	return f
}

func (f *Filter) buffers() *buffers {
	b := f.pool.Get().(*buffers)
	b.x = b.x[:2*f.size*f.engine.lanes]
	return b
}

// Block returns how many samples of a stretch are filtered at a time.
func (f *Filter) Block() int { return f.size - 2*f.half }

// Span returns how many samples are filtered at once, an even number of blocks.
func (f *Filter) Span() int { return 2 * f.pairs * f.Block() }

// Half returns how far the filter reaches to either side.
func (f *Filter) Half() int { return f.half }

// Run sets y, Span samples, to Σ_t w[t] x[n+half-t], x being those with half more on either side. It
// does nothing for pairs of blocks behind the first n samples.
func (f *Filter) Run(y, x []float64, n int) {
	b, lanes, block := f.buffers(), f.engine.lanes, f.Block()
	defer f.pool.Put(b)
	pairs := min(f.pairs, (n+2*block-1)/(2*block))
	if pairs < lanes {
		clear(b.x)
	}
	for part := range 2 {
		kernel.Transpose(b.x[part*lanes:], 2*lanes, x[part*block:], 2*block, pairs, f.size)
	}
	f.dft.run(f.engine, b)
	f.response.run(f.engine, b)
	f.dft.run(f.engine, b)
	for part := range 2 {
		kernel.Transpose(y[part*block:], 2*block, b.x[(2*f.half+part)*lanes:], 2*lanes, block, pairs)
	}
}
