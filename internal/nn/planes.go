package nn

// Planes are C channels of R rows of N numbers. Around the rows and columns stand margins, zeros
// unless somebody writes there, for the convolutions that reach beyond.
type Planes struct {
	C, R, N int
	margin  int // rows before and after each channel's
	side    int // numbers before and after each row's
	data    []float64
}

// NewPlanes returns zeros: c channels of r rows of n numbers, with margin rows before and after
// and side numbers at either end of each row.
func NewPlanes(c, r, n, margin, side int) *Planes {
	p := &Planes{C: c, R: r, N: n, margin: margin, side: side}
	p.data = make([]float64, c*p.channel())
	return p
}

// All returns every number, those of the margins among them.
func (p *Planes) All() []float64 { return p.data }

// stride is how far apart rows begin, channel how far apart channels do.
func (p *Planes) stride() int  { return p.N + 2*p.side }
func (p *Planes) channel() int { return (p.R + 2*p.margin) * p.stride() }

// Row returns row r of channel c, -margin ≤ r < R+margin.
func (p *Planes) Row(c, r int) []float64 { return p.from(c, r, 0)[:p.N:p.N] }

// Rows returns all rows of channel c, one after the other; there must be no side.
func (p *Planes) Rows(c int) []float64 { return p.from(c, 0, 0)[: p.R*p.N : p.R*p.N] }

// from returns the numbers from column n of a row on.
func (p *Planes) from(c, r, n int) []float64 {
	return p.data[c*p.channel()+(r+p.margin)*p.stride()+p.side+n:]
}
