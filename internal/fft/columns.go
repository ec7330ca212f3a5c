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
			copy(row[:some], re[at:at+some])
			copy(row[lanes:lanes+some], im[at:at+some])
		}
		p.run(b)
		for t := range p.in.len {
			at, row := t*stride+i, b.x[2*t*lanes:]
			copy(re[at:at+some], row)
			copy(im[at:at+some], row[lanes:])
		}
	}
}
