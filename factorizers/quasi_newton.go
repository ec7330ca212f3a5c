package factorizers

import (
	"context"
	"github.com/audiosep/audiosep/internal/orthogonal"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/mat"
)

// turning rotates all rows of Φ at once: Φ ← RΦ, R = exp(αE) orthogonal. quasi_newton and
// projected_gradient share it.
type turning struct {
	*learning
	xu        []float64 // x∘g, with g below repeated over the frames of a column
	g         []float64 // r×N/S: what the slope of C weighs X² with: 1/V̂, less 1/(V+eps) for is
	a         []float64 // r×N/S: what the published curvature weighs V with: 1/V̂, plus 1/(V+eps) for is
	slopes    *mat.Dense
	curves    *mat.Dense
	direction *mat.Dense // E, skew-symmetric
	turn      *mat.Dense // R
	exp       *orthogonal.Exponential

	// x, v and phi at α = 0 while a line search is under way; those of learning are at α.
	x0, v0, phi0 []float64
	weigh        func(worker, m int)

	floor     float64 // eps, where a line search of the is objective has V
	fromStart bool    // slopes in a line search are taken with X at α = 0 beside X
}

func newTurning(l *learning) *turning {
	square := func() *mat.Dense { return mat.NewDense(l.rows, l.rows, nil) }
	t := &turning{
		learning: l, floor: l.eps, xu: make([]float64, len(l.x)), g: make([]float64, len(l.v)), a: make([]float64, len(l.v)),
		slopes: square(), curves: square(), direction: square(), turn: square(), exp: orthogonal.NewExponential(l.rows),
		x0: make([]float64, len(l.x)), v0: make([]float64, len(l.v)), phi0: make([]float64, len(l.phi)),
	}
	t.weigh = t.rowWeights
	return t
}

// cost returns C with the floor of line searches.
func (t *turning) cost() float64 {
	eps := t.eps
	t.eps = t.floor
	c := t.value()
	t.eps = eps
	return c
}

// slope sets slopes to G: a rotation by exp(αE), E skew-symmetric, changes C by α·Σ G∘E to
// first order in α.
func (t *turning) slope() { t.slopeWith(t.x) }

// slopeWith is slope with x for the right one of the two X in the gradient.
func (t *turning) slopeWith(x []float64) {
	t.team.Do(t.rows, t.threads, t.weigh)
	g := t.slopes.RawMatrix()
	product(blas.NoTrans, blas.Trans, 2*t.weight/float64(t.per), rowMajor(t.xu, t.total()), rowMajor(x, t.total()), 0, g)
	for p := range t.rows {
		for q := range p {
			d := 0.5 * (g.Data[p*g.Stride+q] - g.Data[q*g.Stride+p])
			g.Data[p*g.Stride+q], g.Data[q*g.Stride+p] = d, -d
		}
		g.Data[p*g.Stride+p] = 0
	}
}

func (t *turning) rowWeights(_, m int) {
	g, a := t.g[m*t.cols:(m+1)*t.cols], t.a[m*t.cols:(m+1)*t.cols]
	v := t.v[m*t.cols : (m+1)*t.cols]
	copy(g, t.u[m*t.cols:(m+1)*t.cols])
	copy(a, g)
	if t.is {
		for j, p := range v {
			u := 1 / (p + t.floor)
			g[j] -= u
			a[j] += u
		}
	}
	x, xu := t.x[m*t.total():(m+1)*t.total()], t.xu[m*t.total():(m+1)*t.total()]
	for j, c := range g {
		for i := j * t.per; i < (j+1)*t.per; i++ {
			xu[i] = c * x[i]
		}
	}
}

// along returns Σ G∘E.
func (t *turning) along() float64 {
	g, e := t.slopes.RawMatrix().Data, t.direction.RawMatrix().Data
	var sum float64
	for i, a := range g {
		sum += a * e[i]
	}
	return sum
}

// swap exchanges x, v and phi with those of α = 0: it begins a line search, and gives it up.
func (t *turning) swap() {
	t.x, t.x0 = t.x0, t.x
	t.v, t.v0 = t.v0, t.v
	t.phi, t.phi0 = t.phi0, t.phi
}

// moveTo sets x and v to those of exp(αE)Φ₀, Φ₀ being Φ at α = 0.
func (t *turning) moveTo(alpha float64) {
	r := t.turn.RawMatrix()
	t.exp.Of(r, alpha, t.direction.RawMatrix())
	product(blas.NoTrans, blas.NoTrans, 1, r, rowMajor(t.x0, t.total()), 0, rowMajor(t.x, t.total()))
	t.power()
}

// rotatePhi sets Φ to exp(αE)Φ₀ for the α last moved to.
func (t *turning) rotatePhi() {
	product(blas.NoTrans, blas.NoTrans, 1, t.turn.RawMatrix(), rowMajor(t.phi0, t.rows), 0, rowMajor(t.phi, t.rows))
}

// quasiNewton is the published solver: a line search along E = -G/H, where H is a part of the
// curvature of each rotation, ½ Σ u_p V_q + u_q V_p (Ablin, Fagot, Wendt, Gramfort and
// Févotte, ICASSP 2019). The whole curvature is smaller: see blocks.
type quasiNewton struct{ *turning }

func (s quasiNewton) improve(ctx context.Context) (bool, error) {
	s.slope()
	product(blas.NoTrans, blas.Trans, s.weight, rowMajor(s.a, s.cols), rowMajor(s.v, s.cols), 0, s.curves.RawMatrix())
	g, c, e := s.slopes.RawMatrix().Data, s.curves.RawMatrix().Data, s.direction.RawMatrix().Data
	n := s.rows
	for p := range n {
		for q := range p {
			a := -g[p*n+q] / (c[p*n+q] + c[q*n+p])
			e[p*n+q], e[q*n+p] = a, -a
		}
		e[p*n+p] = 0
	}
	return s.searchWolfe(ctx)
}
