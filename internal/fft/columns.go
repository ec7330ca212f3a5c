package fft

// Columns is the discrete Fourier transform of columns, of which as many stand side by side in a
// block as a vector has numbers: nothing is transposed. Number t of column c of a block is
// block[2t·Lanes + c] + i·block[(2t+1)·Lanes + c].
type Columns struct{ plan *Plan }

// NewColumns returns X[k] = Σ_t x[t] exp(-2πi·kt/n) of columns of n ≥ 1 complex numbers. With
// the real and imaginary parts in each other's place it is the inverse, times n.
func NewColumns(n int) *Columns {
	return &Columns{newPlan(shape{n, true}, shape{n, true}, sparse{}, n, sparse{})}
}

// Lanes returns how many columns a block has.
func (c *Columns) Lanes() int { return c.plan.engine.lanes }

// Run transforms the columns of a block in place. A column has the same bits in any company.
func (c *Columns) Run(block []float64) {
	p := c.plan
	b := p.pool.Get().(*buffers)
	x, y := b.x, b.y
	rows := p.in.rows()
	block = block[: rows*p.engine.lanes : rows*p.engine.lanes]
	if p.rows > rows { // the steps need more room than a block has
		b.x = append(b.x[:0], block...)
	} else {
		b.x = block
	}
	p.run(b)
	if &b.x[0] != &block[0] {
		copy(block, b.x)
	}
	b.x, b.y = x, y
	p.pool.Put(b)
}
