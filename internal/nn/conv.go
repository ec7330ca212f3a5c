package nn

import "github.com/audiosep/audiosep/internal/kernel"

// Conv is a convolution over rows and columns,
//
//	y[o][To+ToStep·r][n] = b[o] + Σ_i Σ_k Σ_l w[o][i][k][l] x[i][First+Step·r+k][Left+n+l],
//
// where i goes through the channels of the group of o. A Step of 0 counts as 1. Without To and
// ToStep the output has the rows r; with them those are left alone that are between.
type Conv struct {
	Out, In, Rows, Cols int       // In: channels of a group
	W                   []float64 // [o][i][k][l]
	B                   []float64 // [o]
	Groups              int       // 0: 1
	First, Step, Left   int
	To, ToStep          int
}

// Apply computes y from x, whose channel `from` on are taken. What the convolution reaches must
// lie within the margins of x.
func (c *Conv) Apply(sums *kernel.Overlapping, y, x *Planes, from int) {
	step, toStep, groups := max(1, c.Step), max(1, c.ToStep), max(1, c.Groups)
	for o, b := range c.B {
		for r := c.To; r < y.R; r += toStep {
			row := y.Row(o, r)
			for n := range row {
				row[n] = b
			}
		}
	}
	size := c.In * c.Rows * c.Cols
	m := c.Out / groups
	for g := range groups {
		w, o, i := c.W[g*m*size:], g*m, from+g*c.In
		if c.Cols == 1 && step == 1 && toStep == 1 && y.side == 0 && x.side == 0 {
			c.flat(sums, y, x, w, o, m, i)
			continue
		}
		for r := 0; c.To+r*toStep < y.R; r++ {
			c.row(sums, y.from(o, c.To+r*toStep, 0), y, x, w, m, i, c.First+r*step)
		}
	}
}

// flat computes all rows at once: as they lie one after the other, a row is a step of N columns.
func (c *Conv) flat(sums *kernel.Overlapping, y, x *Planes, w []float64, o, m, i int) {
	n := y.R * y.N
	if c.Rows == 1 {
		sums.Add(y.from(o, 0, 0), y.channel(), w, c.In, m, c.In, x.from(i, c.First, 0), x.channel(), n)
		return
	}
	for j := range c.In {
		sums.Add(y.from(o, 0, 0), y.channel(), w[j*c.Rows:], c.In*c.Rows, m, c.Rows, x.from(i+j, c.First, 0), x.N, n)
	}
}

// row computes one row of m channels, dst, from the rows from r on.
func (c *Conv) row(sums *kernel.Overlapping, dst []float64, y, x *Planes, w []float64, m, i, r int) {
	size := c.Rows * c.Cols
	for j := range c.In {
		if c.Cols == 1 {
			sums.Add(dst, y.channel(), w[j*size:], c.In*size, m, c.Rows, x.from(i+j, r, c.Left), x.stride(), y.N)
			continue
		}
		for k := range c.Rows {
			sums.Add(dst, y.channel(), w[j*size+k*c.Cols:], c.In*size, m, c.Cols, x.from(i+j, r+k, c.Left), 1, y.N)
		}
	}
}
