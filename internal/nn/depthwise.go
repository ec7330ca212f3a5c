package nn

// Depthwise is a convolution of each channel by itself, three columns and three rows wide, that
// reaches into the past:
//
//	y[c][r][n] = b[c] + Σ_k Σ_l w[c][k][l] x[c][r+l-1][n+(k-2)·Dilation]
type Depthwise struct {
	W, B     []float64 // [c][k][l], [c]
	Dilation int       // columns
}

// Apply computes y from x, which needs a margin of a row and a side of 2·Dilation columns.
func (d *Depthwise) Apply(y, x *Planes) {
	for c := range y.C {
		w := d.W[9*c : 9*c+9]
		for r := range y.R {
			dst := y.Row(c, r)
			for n := range dst {
				dst[n] = d.B[c]
			}
			for l := range 3 {
				row := x.from(c, r+l-1, -2*d.Dilation)
				first, second, third := row[:len(dst)], row[d.Dilation:][:len(dst)], row[2*d.Dilation:][:len(dst)]
				w0, w1, w2 := w[l], w[3+l], w[6+l]
				for n := range dst {
					dst[n] += w0*first[n] + w1*second[n] + w2*third[n]
				}
			}
		}
	}
}

// Remember moves the last columns of x to its left side, where those before the next lie.
func (d *Depthwise) Remember(x *Planes) {
	past := 2 * d.Dilation
	for c := range x.C {
		for r := range x.R {
			row := x.from(c, r, -past)
			copy(row[:past], row[x.N:x.N+past])
		}
	}
}
