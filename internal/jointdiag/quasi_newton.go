package jointdiag

import (
	"context"
	"math"
	"slices"

	"github.com/audiosep/audiosep/internal/kernel"
	"github.com/audiosep/audiosep/internal/orthogonal"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/mat"
)

// softest is the least curvature by which a slope is divided.
const softest = 1e-3

// quasiNewton rotates all rows at once. With D_n = B(Σ_n + floor·I)Bᵀ, v its diagonal,
// G = mean_n D_n/v (row by row) and h_pq = mean_n v_q/v_p the step is B ← polar(I + tE)B,
// E = -½(G - Gᵀ)/(½(h + hᵀ) - 1), with t halved from 1 until the criterion falls (after Ablin,
// Cardoso and Gramfort, 2019, on the orthogonal group). It returns by how much it fell.
func (d *descent) quasiNewton(ctx context.Context) (float64, error) {
	d.prepare()
	d.slope()
	e := d.aim()
	for t := 1.0; t > 1e-8; t /= 2 {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		for i, a := range e.RawMatrix().Data {
			d.turn.RawMatrix().Data[i] = t * a
		}
		for i := range d.rows {
			d.turn.Set(i, i, 1)
		}
		if err := orthogonal.Polar(ctx, d.turn); err != nil {
			return 0, err
		}
		multiply(d.turn.RawMatrix(), d.frames(d.x), d.frames(d.nextX))
		d.x, d.nextX = d.nextX, d.x
		d.power()
		if c := d.criterion(); c < d.last {
			multiply(d.turn.RawMatrix(), d.b.RawMatrix(), d.nextB.RawMatrix())
			d.b, d.nextB = d.nextB, d.b
			fall := d.last - c
			d.last = c
			return fall, nil
		}
		d.x, d.nextX = d.nextX, d.x
	}
	d.power()
	return 0, nil
}

func (d *descent) prepare() {
	if d.u != nil {
		return
	}
	square := func() *mat.Dense { return mat.NewDense(d.rows, d.rows, nil) }
	d.u, d.xu, d.nextX = make([]float64, len(d.v)), make([]float64, len(d.x)), slices.Clone(d.x)
	d.g, d.h, d.nextB, d.turn = square(), square(), square(), square()
}

// slope sets g and h.
func (d *descent) slope() {
	for i, a := range d.v {
		d.u[i] = 1 / (a + d.floor)
		for k := i * d.per; k < (i+1)*d.per; k++ {
			d.xu[k] = d.x[k] * d.u[i]
		}
	}
	scale := 1 / float64(d.cols)
	kernel.Gemm(blas.NoTrans, blas.Trans, scale/float64(d.per), d.frames(d.xu), d.frames(d.x), 0, d.g.RawMatrix())
	kernel.Gemm(blas.NoTrans, blas.Trans, scale, d.columns(d.u), d.columns(d.v), 0, d.h.RawMatrix())
	for p := range d.rows { // the numerators of h still lack the floor
		var sum float64
		for _, a := range d.u[p*d.cols : (p+1)*d.cols] {
			sum += a
		}
		for q := range d.rows {
			d.h.Set(p, q, d.h.At(p, q)+d.floor*scale*sum)
		}
	}
}

// aim returns E, in g.
func (d *descent) aim() *mat.Dense {
	g, h, n := d.g.RawMatrix().Data, d.h.RawMatrix().Data, d.rows
	for p := range n {
		for q := range p {
			e := -0.5 * (g[p*n+q] - g[q*n+p]) / math.Max(0.5*(h[p*n+q]+h[q*n+p])-1, softest)
			g[p*n+q], g[q*n+p] = e, -e
		}
		g[p*n+p] = 0
	}
	return d.g
}
