package jointdiag

import (
	"context"
	"math"
)

// angles is a sweep over all pairs of rows, each rotated by the angle that lowers the squares
// off the diagonals most, which has a closed form (Cardoso and Souloumiac, SIAM J. Matrix
// Anal. Appl. 17, 1996). It returns the largest sine.
func (d *descent) angles(ctx context.Context) (float64, error) {
	var most float64
	for p := range d.rows {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		for q := range p {
			xp, vp := d.row(p)
			xq, vq := d.row(q)
			d.crossOf(xp, xq)
			var on, off float64
			for n, c := range d.cross {
				diff := vp[n] - vq[n]
				on += diff*diff - 4*c*c
				off += 4 * diff * c
			}
			sin, cos := math.Sincos(0.5 * math.Atan2(off, on+math.Hypot(on, off)))
			if math.Abs(sin) <= 1e-16 {
				continue
			}
			most = max(most, math.Abs(sin))
			d.apply(p, q, cos, sin, -sin, cos)
		}
	}
	d.power()
	return most, nil
}

// pham is a sweep of the row operations of D. T. Pham (SIAM J. Matrix Anal. Appl. 22,
// 2001), each of which lowers the likelihood criterion of a B that need not be
// orthogonal. It returns the largest coefficient.
func (d *descent) pham(ctx context.Context) (float64, error) {
	var most float64
	for p := range d.rows {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		for q := range p {
			hp, hq := d.phamStep(p, q)
			scale := 2 / (1 + math.Sqrt(max(0, 1-4*hp*hq)))
			most = max(most, math.Abs(hp), math.Abs(hq))
			d.apply(p, q, 1, -scale*hp, -scale*hq, 1)
		}
	}
	d.unitRows()
	d.power()
	return most, nil
}

// phamStep returns the coefficients of row_p - hp·row_q and row_q - hq·row_p, up to a common
// factor.
func (d *descent) phamStep(p, q int) (hp, hq float64) {
	xp, vp := d.row(p)
	xq, vq := d.row(q)
	d.crossOf(xp, xq)
	bp, bq := d.b.RawRowView(p), d.b.RawRowView(q)
	fp, fq, fpq := d.floor*dot(bp, bp), d.floor*dot(bq, bq), d.floor*dot(bp, bq)
	var gp, gq, wp, wq float64
	for n, c := range d.cross {
		a, b := vp[n]+fp, vq[n]+fq
		gp += (c + fpq) / a
		gq += (c + fpq) / b
		wp += b / a
		wq += a / b
	}
	count := float64(d.cols)
	gp, gq, wp, wq = gp/count, gq/count, wp/count, wq/count
	det := wp*wq - 1
	if det <= 1e-12*wp*wq { // the two rows are alike in every covariance
		return 0, 0
	}
	return (wq*gp - gq) / det, (wp*gq - gp) / det
}

// unitRows scales every row of B to norm 1. Pham's criterion, which has a term -log |det B| for
// each covariance besides, does not depend on these norms.
func (d *descent) unitRows() {
	for p := range d.rows {
		row := d.b.RawRowView(p)
		scale := 1 / math.Sqrt(dot(row, row))
		x, _ := d.row(p)
		for i := range row {
			row[i] *= scale
		}
		for i := range x {
			x[i] *= scale
		}
	}
	d.power()
}

func dot(a, b []float64) float64 {
	var sum float64
	for i, x := range a {
		sum += x * b[i]
	}
	return sum
}
