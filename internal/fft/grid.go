package fft

import (
	"math"
	"sync"

	"github.com/audiosep/audiosep/internal/huge"
	"github.com/audiosep/audiosep/internal/kernel"
)

// A Grid is the discrete Fourier transform of N×F real numbers along both axes,
//
//	Z(k, q) = Σ_nf x[n, f] exp(-2πi(kn/N + qf/F)), k = 0 … N-1, q = 0 … F/2;
//
// the others are Z(-k, -q) = Z(k, q)*. Lanes q stand side by side in a block, N rows of them: the real
// part of row k has place 2k·Lanes, the imaginary one (2k+1)·Lanes. Its methods may be called from
// several goroutines at once for frames, or for blocks, that are not the same.
type Grid struct {
	frames, bins, scales int
	lanes                int
	z                    []float64
	rows, back           *Plan // along bins, and back, of two frames at once
	along                *Columns
	lines                sync.Pool // of *[]float64: 2·lanes frames
}

// NewGrid makes room for the transform of frames×bins numbers, at least one of each.
func NewGrid(frames, bins int) *Grid {
	g := &Grid{frames: frames, bins: bins, scales: bins/2 + 1, along: NewColumns(frames)}
	g.rows, g.back = newRealPairs(bins), newRealPairsInverse(bins, 1/(float64(frames)*float64(bins)))
	g.lanes = g.along.Lanes()
	g.z = huge.Floats(g.Blocks() * g.blockSize())
	g.lines.New = func() any { line := make([]float64, 2*g.lanes*bins); return &line }
	return g
}

// Like returns a grid of the same size, with its own numbers.
func (g *Grid) Like() *Grid {
	l := &Grid{frames: g.frames, bins: g.bins, scales: g.scales, lanes: g.lanes, rows: g.rows, back: g.back, along: g.along}
	l.z = huge.Floats(len(g.z))
	l.lines.New = g.lines.New
	return l
}

// Lanes returns how many q a block has.
func (g *Grid) Lanes() int { return g.lanes }

// Blocks returns how many blocks there are.
func (g *Grid) Blocks() int { return (g.scales + g.lanes - 1) / g.lanes }

func (g *Grid) blockSize() int { return 2 * g.frames * g.lanes }

// Block returns block i. Where the last has more than F/2+1 q, those beyond are 0.
func (g *Grid) Block(i int) []float64 { return g.z[i*g.blockSize() : (i+1)*g.blockSize()] }

// newRealPairs returns the plan of the spectra of two frames of n real numbers, one after the other:
// the real parts X[0 … n/2] of the first, its imaginary parts, and those of the second. They are
// the even and the odd part of the spectrum of the first plus i times the second.
func newRealPairs(n int) *Plan {
	scales := n/2 + 1
	spectra := sparse{4 * scales, func(i int) []entry {
		q := i % scales
		z, c := pair(2*q, 2*q+1), pair(2*((n-q)%n), 2*((n-q)%n)+1).conj()
		half := z.plus(c).times(0.5)
		if i >= 2*scales {
			half = z.plus(c.times(-1)).times(-0.5i)
		}
		if i/scales%2 == 1 {
			return half.im()
		}
		return half.re()
	}}
	return newPlan(shape{2 * n, false}, shape{4 * scales, false}, complexRows(func(t int) expr { return pair(t, n+t) }, n), n, spectra)
}

// newRealPairsInverse returns the plan that undoes newRealPairs, times n·scale. The imaginary parts of
// X[0] and, for even n, of X[n/2] count as zero.
func newRealPairsInverse(n int, scale float64) *Plan {
	scales := n/2 + 1
	spectrum := func(first, q int) expr {
		switch {
		case q == 0 || 2*q == n:
			return row(first + q)
		case 2*q > n:
			return pair(first+n-q, first+scales+n-q).conj()
		}
		return pair(first+q, first+scales+q)
	}
	z := func(q int) expr {
		q = (n - q) % n
		return spectrum(0, q).plus(spectrum(2*scales, q).times(1i)).times(complex(scale, 0))
	}
	frames := sparse{2 * n, func(i int) []entry { return []entry{{i%n*2 + i/n, 1}} }}
	return newPlan(shape{4 * scales, false}, shape{2 * n, false}, complexRows(z, n), n, frames)
}

// Rows takes x, whole frames from frame first on, an even one, and transforms them along bins. They
// are an even number but at the end, as a frame has the same bits beside the same other only.
func (g *Grid) Rows(first int, x []float64) {
	b := g.rows.pool.Get().(*buffers)
	for n := len(x) / g.bins; n > 0; n = len(x) / g.bins {
		frames := min(n, 2*g.lanes)
		some := x[:frames*g.bins]
		x = x[len(some):]
		if frames%2 == 1 {
			line := g.lines.Get().(*[]float64)
			clear((*line)[copy(*line, some) : len(some)+g.bins])
			some = *line
			defer g.lines.Put(line)
		}
		g.rows.load(b, some, 2*g.bins, (frames+1)/2, 0)
		g.rows.run(b)
		g.tiles(first, frames, b, 0, func(z, rows []float64, frames, scales int) {
			kernel.Transpose(z, 4*g.lanes, rows, g.lanes, scales, frames)
		})
		first += frames
	}
	g.rows.pool.Put(b)
}

// Back undoes Rows after [Grid.Keep]: it sets x, whole frames from any frame on, to the magnitudes
// of what the numbers kept are the transform of.
func (g *Grid) Back(first int, x []float64) {
	line := g.lines.Get().(*[]float64)
	b := g.back.pool.Get().(*buffers)
	end := first + len(x)/g.bins
	for at := first &^ 1; at < end; at += 2 * g.lanes {
		frames := min(2*g.lanes, g.frames-at, (end-at+1)&^1)
		b.x = b.x[:g.back.in.rows()*g.lanes]
		if frames < 2*g.lanes {
			clear(b.x)
		}
		g.tiles(at, frames, b, 1, func(z, rows []float64, frames, scales int) {
			kernel.Transpose(rows, g.lanes, z, 4*g.lanes, frames, scales)
		})
		g.back.run(b)
		g.back.store(b, *line, 2*g.bins, (frames+1)/2, 0)
		from := max(at, first)
		some := x[(from-first)*g.bins : (min(at+frames, end)-first)*g.bins]
		for i, v := range (*line)[(from-at)*g.bins:][:len(some)] {
			some[i] = math.Abs(v)
		}
	}
	g.back.pool.Put(b)
	g.lines.Put(line)
}

// tiles calls move for the parts of a run of at most 2·lanes frames from one on, every other frame at
// a time: z, those of a block, the next 4·lanes further, and rows, the same numbers in b.x, where a row
// has every other frame. In z the real parts are those with real 0 or, after Keep, 1.
func (g *Grid) tiles(first, frames int, b *buffers, real int, move func(z, rows []float64, frames, scales int)) {
	for block := range g.Blocks() {
		from := block * g.lanes
		scales := min(g.lanes, g.scales-from)
		for part := range min(2, frames) {
			z, rows := g.Block(block)[2*(first+part)*g.lanes:], b.x[2*part*g.scales*g.lanes:]
			move(z[real*g.lanes:], rows[from*g.lanes:], (frames+1-part)/2, scales)
			move(z[(1-real)*g.lanes:], rows[(g.scales+from)*g.lanes:], (frames+1-part)/2, scales)
		}
	}
}

// Along transforms block i along frames.
func (g *Grid) Along(i int) { g.along.Run(g.Block(i)) }

// Keep sets all numbers of block i but some, Z(k, i·Lanes+l) at places k·Lanes+l, to 0 and undoes
// the transform along frames. What is left has its real and imaginary parts in each other's place.
func (g *Grid) Keep(i int, places []int) {
	block := g.Block(i)
	kept := make([][2]float64, len(places))
	for j, at := range places {
		at += at / g.lanes * g.lanes
		kept[j] = [2]float64{block[at], block[at+g.lanes]}
	}
	clear(block)
	for j, at := range places {
		at += at / g.lanes * g.lanes
		block[at], block[at+g.lanes] = kept[j][1], kept[j][0]
	}
	if len(places) > 0 {
		g.along.Run(block)
	}
}
