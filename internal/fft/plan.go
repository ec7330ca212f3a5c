package fft

import (
	"fmt"
	"sync"
	"unsafe"

	"github.com/audiosep/audiosep/internal/kernel"
)

// A Plan is one transform of frames. It does not change and may be used by any
// number of goroutines at once; scratch comes from a pool.
type Plan struct {
	engine *engine
	in     shape
	out    shape
	steps  []step
	rows   int // the most of any step
	pool   sync.Pool
}

// A shape is how many numbers a frame has, and whether they are complex.
type shape struct {
	len     int
	complex bool
}

func (s shape) rows() int {
	if s.complex {
		return 2 * s.len
	}
	return s.len
}

// A step is a sparse matrix or a DFT.
type step struct {
	mix *mix
	dft *dft
}

// A mix is a sparse matrix in the form that the kernels take.
type mix struct {
	terms, rows int
	table       []mixTerm // terms for each row
}

type mixTerm struct {
	at int // byte offset of the row
	c  float64
}

// newPlan makes the plan after·DFT(n)·before. A matrix without rows leaves all numbers as they are.
func newPlan(in, out shape, before sparse, n int, after sparse) *Plan {
	p := &Plan{engine: current(), in: in, out: out, rows: max(in.rows(), out.rows(), 2*n)}
	if direct(n) {
		p.mix(before, in.rows())
		p.steps = append(p.steps, step{dft: newDFT(n, p.engine)})
		p.mix(after, 2*n)
	} else {
		p.chirped(before, n, after)
	}
	p.pool.New = func() any { return newBuffers(p.rows, p.engine.lanes) }
	return p
}

func (p *Plan) mix(s sparse, rows int) {
	if s.row != nil && !s.identity(rows) {
		p.steps = append(p.steps, step{mix: newMix(s, p.engine.lanes)})
	}
}

func newMix(s sparse, lanes int) *mix {
	rows, most := make([][]entry, s.rows), 1
	for i := range rows {
		rows[i] = s.row(i)
		most = max(most, len(rows[i]))
	}
	if most > 4 {
		panic(fmt.Sprintf("fft: a row of %d terms", most))
	}
	m := &mix{rows: s.rows, terms: most}
	if most == 3 {
		m.terms = 4
	}
	m.table = make([]mixTerm, s.rows*m.terms)
	for i, r := range rows {
		t := m.table[i*m.terms : (i+1)*m.terms]
		for i := range t {
			if i < len(r) {
				t[i] = mixTerm{8 * lanes * r[i].col, r[i].c}
			} else if len(r) > 0 {
				t[i].at = t[0].at // with the coefficient 0
			}
		}
	}
	return m
}

// chirped appends the steps of the DFT of a length with a large prime factor. As
// kt = (k² + t² - (k-t)²)/2 it is a convolution with a chirp (Bluestein, 1970), done by two
// longer DFTs. The second is an inverse one, as its input is in reverse order.
func (p *Plan) chirped(before sparse, n int, after sparse) {
	if before.row == nil {
		before, after = same(n), same(n)
	}
	padded := padded(n)
	chirp := make([]complex128, n)
	kernel := make([]complex128, padded)
	for t := range n {
		chirp[t] = root(t*t%(2*n), 2*n)
		k := complex(real(chirp[t]), -imag(chirp[t])) / complex(float64(padded), 0)
		kernel[t], kernel[(padded-t)%padded] = k, k
	}
	response := NewComplex(padded, 1).of(kernel)
	turn := func(t int) expr {
		if t >= n {
			return nil
		}
		return pair(2*t, 2*t+1).times(chirp[t])
	}
	middle := func(k int) expr {
		k = (padded - k) % padded
		return pair(2*k, 2*k+1).times(response[k])
	}
	d := newDFT(padded, p.engine)
	p.rows = max(p.rows, 2*padded)
	p.mix(complexRows(turn, padded).of(before), p.in.rows())
	p.steps = append(p.steps, step{dft: d})
	p.mix(complexRows(middle, padded), 2*padded)
	p.steps = append(p.steps, step{dft: d})
	p.mix(after.of(complexRows(turn, n)), 2*padded)
}

// of transforms one complex frame while a plan is made.
func (p *Plan) of(z []complex128) []complex128 {
	n := len(z)
	re, im, x := make([]float64, n), make([]float64, n), make([]complex128, n)
	for i, c := range z {
		re[i], im[i] = real(c), imag(c)
	}
	p.Run(re, im, re, im)
	for i := range x {
		x[i] = complex(re[i], im[i])
	}
	return x
}

// buffers are the scratch of one call. A row of x and y is one number of each of several
// frames.
type buffers struct {
	x, y    []float64
	arg     passArg
	scratch []float64
}

func newBuffers(rows, lanes int) *buffers {
	return &buffers{
		x:       aligned(rows * lanes),
		y:       aligned(rows * lanes),
		scratch: aligned(2 * greatestRadix * lanes),
	}
}

// aligned returns n numbers that begin at a multiple of 64 bytes, a cache line.
func aligned(n int) []float64 {
	s := make([]float64, n+7)
	skip := int(-uintptr(unsafe.Pointer(&s[0]))%64) / 8
	return s[skip : skip+n : skip+n]
}

// Run transforms frames, one after the other in src, to dst. Imaginary parts are not used where
// input or output is real. It panics if the lengths do not fit. dst may be src.
func (p *Plan) Run(dstRe, dstIm, srcRe, srcIm []float64) {
	n := len(srcRe) / p.in.len
	if len(srcRe) != n*p.in.len || p.in.complex && len(srcIm) != len(srcRe) ||
		len(dstRe) != n*p.out.len || p.out.complex && len(dstIm) != len(dstRe) {
		panic("fft: the lengths of the frames do not fit")
	}
	p.RunRows(dstRe, dstIm, p.out.len, srcRe, srcIm, p.in.len, n)
}

// RunRows is Run of n frames that begin so many numbers apart.
func (p *Plan) RunRows(dstRe, dstIm []float64, dstStride int, srcRe, srcIm []float64, srcStride, n int) {
	b := p.pool.Get().(*buffers)
	defer p.pool.Put(b)
	lanes := p.engine.lanes
	for i := 0; i < n; i += lanes {
		frames := min(lanes, n-i)
		p.load(b, srcRe[i*srcStride:], srcStride, frames, 0)
		if p.in.complex {
			p.load(b, srcIm[i*srcStride:], srcStride, frames, p.in.len)
		}
		p.run(b)
		p.store(b, dstRe[i*dstStride:], dstStride, frames, 0)
		if p.out.complex {
			p.store(b, dstIm[i*dstStride:], dstStride, frames, p.out.len)
		}
	}
}

// run takes the rows of b.x through the steps.
func (p *Plan) run(b *buffers) {
	for _, s := range p.steps {
		if s.dft != nil {
			s.dft.run(p.engine, b)
		} else {
			s.mix.run(p.engine, b)
		}
	}
}

// load copies frames to the rows of b.x from `row` on.
func (p *Plan) load(b *buffers, src []float64, stride, frames, row int) {
	lanes, n := p.engine.lanes, p.in.len
	b.x = b.x[:p.in.rows()*lanes]
	x := b.x[row*lanes : (row+n)*lanes]
	if frames < lanes {
		clear(x)
	}
	kernel.Transpose(x, lanes, src, stride, frames, n)
}

// store copies the rows of b.x from `row` on to frames.
func (p *Plan) store(b *buffers, dst []float64, stride, frames, row int) {
	lanes, n := p.engine.lanes, p.out.len
	kernel.Transpose(dst, stride, b.x[row*lanes:(row+n)*lanes], lanes, n, frames)
}

func (m *mix) run(e *engine, b *buffers) {
	b.y = b.y[:m.rows*e.lanes]
	if e.plain {
		m.plain(b.y, b.x, e.lanes)
	} else {
		e.mix[m.terms](&b.y[0], &b.x[0], (*float64)(unsafe.Pointer(&m.table[0])), m.rows)
	}
	b.x, b.y = b.y, b.x
}

func (m *mix) plain(y, x []float64, lanes int) {
	for i := range m.rows {
		out := y[i*lanes : (i+1)*lanes]
		clear(out)
		for _, t := range m.table[i*m.terms : (i+1)*m.terms] {
			for l, v := range x[t.at/8 : t.at/8+lanes] {
				out[l] += t.c * v
			}
		}
	}
}
