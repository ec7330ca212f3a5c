package fft

// Columns is the discrete Fourier transform of columns, which stand side by side as a vector has
// them: nothing is transposed.
type Columns struct{ plan *Plan }

// NewColumns returns X[k] = Σ_t x[t] exp(-2πi·kt/n) of columns of n ≥ 1 complex numbers. With
// the real and imaginary parts in each other's place it is the inverse, times n.
func NewColumns(n int) *Columns {
	same := sparse{2 * n, func(i int) []entry { return []entry{{i, 1}} }}
	return &Columns{newPlan(shape{n, true}, shape{n, true}, same, n, same)}
}

// Run transforms n columns in place: number t of column c is re[t*stride+c] + j·im[t*stride+c].
// A column has the same bits in any company.
func (c *Columns) Run(re, im []float64, stride, n int) {
	p := c.plan
	b := p.pool.Get().(*buffers)
	defer p.pool.Put(b)
	lanes := p.engine.lanes
	for i := 0; i < n; i += lanes {
		some := min(lanes, n-i)
		b.x = b.x[:p.in.rows()*lanes]
		if some < lanes {
			clear(b.x)
		}
		for t := range p.in.len {
			at, row := t*stride+i, b.x[2*t*lanes:]
			move(row, re[at:], some)
			move(row[lanes:], im[at:], some)
		}
		p.run(b)
		for t := range p.in.len {
			at, row := t*stride+i, b.x[2*t*lanes:]
			move(re[at:], row, some)
			move(im[at:], row[lanes:], some)
		}
	}
}

// move copies n numbers, a whole vector without a call.
func move(dst, src []float64, n int) {
	if n != 8 {
		copy(dst[:n], src)
		return
	}
	dst, src = dst[:8], src[:8]
	a, b, c, d := src[0], src[1], src[2], src[3]
	dst[4], dst[5], dst[6], dst[7] = src[4], src[5], src[6], src[7]
	dst[0], dst[1], dst[2], dst[3] = a, b, c, d
}
