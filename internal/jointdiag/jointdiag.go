// Package jointdiag finds an orthogonal basis in which many covariances are as near to
// diagonal as possible. The covariances are those of the columns of a [scene.Scene]:
// Σ_n = mean of yyᵀ over the frames y of column n.
package jointdiag

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/audiosep/audiosep/internal/kernel"
	"github.com/audiosep/audiosep/internal/orthogonal"
	"github.com/audiosep/audiosep/internal/scene"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// Options say how a basis is looked for.
type Options struct {
	Method     string  // quasi_newton, jacobi_angles or pham, which quasi_newton follows
	Floor      float64 // power added to every covariance as Floor·I
	Iterations int     // most steps or sweeps
	// Tol ends the iterations: quasi_newton when a step lowers the criterion, as a mean over
	// coefficients, by no more, the others when no rotation or row operation is larger.
	Tol float64
	// Report is told the criterion after each iteration, in Pham's sweeps that of rows of norm 1
	// that are not orthogonal, which may be lower; it may be nil.
	Report func(done int, criterion float64)
}

// Methods are the values of Options.Method.
var Methods = []string{"quasi_newton", "jacobi_angles", "pham"}

// Find returns B, r×r, orthogonal, in the coordinates of s, that diagonalises the
// covariances Σ_n of its columns, starting from start, or from the unit matrix where
// that is nil, and why it stopped.
//
// quasi_newton and pham lower ½ Σ_n Σ_m log [B(Σ_n + Floor·I)Bᵀ]_mm, the likelihood
// criterion, in which all covariances count the same; jacobi_angles lowers the squares off
// the diagonals, in which loud frames count most. Pham's B is not orthogonal: where the
// covariances have no common orthogonal basis, the orthogonal matrix nearest to it is not the
// best orthogonal one. So his sweeps, for at most half of the iterations, find where
// quasi_newton starts.
func Find(ctx context.Context, s *scene.Scene, start *mat.Dense, o Options) (b *mat.Dense, stop string, err error) {
	d := newDescent(s, start, o)
	done, tol := 0, false
	switch o.Method {
	case "pham":
		if done, _, err = d.sweeps(ctx, d.pham, 0, (o.Iterations+1)/2, o); err == nil {
			err = d.straighten(ctx, s)
		}
		if err == nil {
			_, tol, err = d.sweeps(ctx, d.quasiNewton, done, o.Iterations, o)
		}
	case "jacobi_angles":
		_, tol, err = d.sweeps(ctx, d.angles, 0, o.Iterations, o)
	case "quasi_newton":
		_, tol, err = d.sweeps(ctx, d.quasiNewton, 0, o.Iterations, o)
	default:
		err = fmt.Errorf("the method is %q; want one of %v", o.Method, Methods)
	}
	if err != nil {
		return nil, "", err
	}
	stop = "iterations"
	if tol {
		stop = "tolerance"
	}
	return d.b, stop, orthogonal.Polar(ctx, d.b)
}

// sweeps makes sweeps from number `from` to `to` or until one changes no more than the
// tolerance, and returns how many have been made and whether that was so.
func (d *descent) sweeps(ctx context.Context, sweep func(context.Context) (float64, error), from, to int, o Options) (done int, tol bool, err error) {
	for it := from; it < to; it++ {
		if err := ctx.Err(); err != nil {
			return it, false, err
		}
		change, err := sweep(ctx)
		if err != nil {
			return it, false, err
		}
		if o.Report != nil {
			o.Report(it+1, d.criterion())
		}
		if change <= o.Tol {
			return it + 1, true, nil
		}
	}
	return to, false, nil
}

// straighten replaces B by the orthogonal matrix nearest to it with rows of norm 1.
func (d *descent) straighten(ctx context.Context, s *scene.Scene) error {
	d.unitRows()
	if err := orthogonal.Polar(ctx, d.b); err != nil {
		return err
	}
	multiply(d.b.RawMatrix(), s.Y.RawMatrix(), d.frames(d.x))
	d.power()
	d.last = d.criterion()
	return nil
}

// descent is a search from one start.
type descent struct {
	rows, cols, per int
	floor           float64
	b               *mat.Dense // r×r
	x               []float64  // B times the frames, r×(cols·per)
	v               []float64  // r×cols: the diagonals
	cross           []float64  // one entry off the diagonal, of every covariance

	// Scratch of quasiNewton.
	u, xu       []float64
	g, h        *mat.Dense
	nextB, turn *mat.Dense
	nextX       []float64
	last        float64
}

func newDescent(s *scene.Scene, start *mat.Dense, o Options) *descent {
	r := s.Rows()
	d := &descent{rows: r, cols: s.Cols, per: s.Per, floor: o.Floor, cross: make([]float64, s.Cols), v: make([]float64, r*s.Cols)}
	d.x = slices.Clone(s.Y.RawMatrix().Data)
	if start == nil {
		d.b = identity(r)
	} else {
		d.b = mat.DenseCopyOf(start)
		multiply(d.b.RawMatrix(), s.Y.RawMatrix(), d.frames(d.x))
	}
	d.power()
	d.last = d.criterion()
	return d
}

func identity(n int) *mat.Dense {
	a := mat.NewDense(n, n, nil)
	for i := range n {
		a.Set(i, i, 1)
	}
	return a
}

func multiply(a, b, c blas64.General) {
	kernel.Gemm(blas.NoTrans, blas.NoTrans, 1, a, b, 0, c)
}

func (d *descent) frames(x []float64) blas64.General {
	return blas64.General{Rows: d.rows, Cols: d.cols * d.per, Stride: d.cols * d.per, Data: x}
}

func (d *descent) columns(v []float64) blas64.General {
	return blas64.General{Rows: d.rows, Cols: d.cols, Stride: d.cols, Data: v}
}

// power sets the diagonals from x.
func (d *descent) power() {
	for i := range d.v {
		var sum float64
		for _, a := range d.x[i*d.per : (i+1)*d.per] {
			sum += a * a
		}
		d.v[i] = sum / float64(d.per)
	}
}

// criterion returns the mean of ½ log(v + floor) over rows and columns.
func (d *descent) criterion() float64 {
	var sum float64
	for _, a := range d.v {
		sum += math.Log(a + d.floor)
	}
	return 0.5 * sum / float64(len(d.v))
}

// row returns row p of x and of v.
func (d *descent) row(p int) (x, v []float64) {
	n := d.cols * d.per
	return d.x[p*n : (p+1)*n], d.v[p*d.cols : (p+1)*d.cols]
}

// crossOf sets cross to the entry (p, q) of every covariance, without the floor.
func (d *descent) crossOf(xp, xq []float64) {
	scale := 1 / float64(d.per)
	for n := range d.cross {
		a, b := xp[n*d.per:(n+1)*d.per], xq[n*d.per:(n+1)*d.per]
		var sum float64
		for i, x := range a {
			sum += x * b[i]
		}
		d.cross[n] = sum * scale
	}
}

// mix sets p to a·p + b·q and q to c·p + d·q.
func mix(p, q []float64, a, b, c, d float64) {
	for i, x := range p {
		y := q[i]
		p[i] = a*x + b*y
		q[i] = c*x + d*y
	}
}

// apply mixes rows p and q of B and x and updates v to match.
func (d *descent) apply(p, q int, a, b, c, e float64) {
	xp, vp := d.row(p)
	xq, vq := d.row(q)
	mix(xp, xq, a, b, c, e)
	mix(d.b.RawRowView(p), d.b.RawRowView(q), a, b, c, e)
	for n, x := range d.cross {
		y, z := vp[n], vq[n]
		vp[n] = max(0, a*a*y+b*b*z+2*a*b*x)
		vq[n] = max(0, c*c*y+e*e*z+2*c*e*x)
	}
}
