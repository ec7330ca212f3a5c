// Package orthogonal makes orthogonal matrices: random ones, the one nearest to a given
// matrix, a basis of the span of some data, and exponentials of skew-symmetric matrices.
package orthogonal

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/audiosep/audiosep/internal/kernel"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// Random returns an m×m orthogonal matrix drawn from the uniform (Haar) distribution, which is
// also that of the orthogonal matrix nearest to a Gaussian one.
func Random(rng *rand.Rand, m int) *mat.Dense {
	g := mat.NewDense(m, m, nil)
	for i := range g.RawMatrix().Data {
		g.RawMatrix().Data[i] = rng.NormFloat64()
	}
	var qr mat.QR
	qr.Factorize(g)
	var q, r mat.Dense
	qr.QTo(&q)
	qr.RTo(&r)
	for j := range m { // Q is uniform only where the diagonal of R is positive
		if r.At(j, j) < 0 {
			for i := range m {
				q.Set(i, j, -q.At(i, j))
			}
		}
	}
	return &q
}

// Polar sets a, square and of full rank, to the orthogonal matrix nearest to it: UVᵀ
// where a = UΣVᵀ. It is an error if a is singular or not finite, or
// if ctx is done.
func Polar(ctx context.Context, a *mat.Dense) error {
	if worst := defect(a); worst < 0.5 {
		return polish(ctx, a, 40)
	}
	if products(ctx, a) {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return decompose(a)
}

// products is Polar by products alone, which take less time than singular values (BenchmarkPolar). It leaves a as it
// is and returns false where these are too far apart.
func products(ctx context.Context, a *mat.Dense) bool {
	m, _ := a.Dims()
	c := mat.NewDense(m, m, nil)
	gram(c, a)
	largest := mat.Norm(c, 1) // no less than the square of the largest singular value
	if !(largest > 0) || math.IsInf(largest, 0) {
		return false
	}
	c.Scale(1/math.Sqrt(largest), a)
	if polish(ctx, c, 30) != nil { // enough for singular values that are a thousand times apart
		return false
	}
	a.Copy(c)
	return true
}

// decompose is Polar by the singular values.
func decompose(a *mat.Dense) error {
	m, _ := a.Dims()
	var svd mat.SVD
	if !finite(a.RawMatrix().Data) || !svd.Factorize(a, mat.SVDFull) {
		return fmt.Errorf("the singular values of a %d×%d matrix could not be found; want a finite one", m, m)
	}
	if s := svd.Values(nil); !(s[m-1] > 1e-14*s[0]) {
		return fmt.Errorf("the singular values reach from %.3g to %.3g; want a regular matrix", s[m-1], s[0])
	}
	var u, v mat.Dense
	svd.UTo(&u)
	svd.VTo(&v)
	a.Mul(&u, v.T())
	return nil
}

// polish is the Newton-Schulz iteration, A ← A(3I - AᵀA)/2, which converges to the
// polar factor, at last quadratically, from any singular values below √3, if so many steps are enough.
func polish(ctx context.Context, a *mat.Dense, steps int) error {
	m, _ := a.Dims()
	c := mat.NewDense(m, m, nil)
	b := mat.NewDense(m, m, nil)
	last := math.Inf(1)
	for range steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		gram(c, a)
		worst := fromIdentity(c)
		// A sum of m products is no more exact than this.
		if worst <= 1e-15*math.Sqrt(float64(m)) || worst >= last && worst < 1e-12 {
			return nil
		}
		last = worst
		c.Scale(-0.5, c)
		for i := range m {
			c.Set(i, i, c.At(i, i)+1.5)
		}
		product(blas.NoTrans, blas.NoTrans, 1, a.RawMatrix(), c.RawMatrix(), 0, b.RawMatrix())
		a.Copy(b)
	}
	return fmt.Errorf("ΦΦᵀ is %.3g from I; want at most 1e-12", last)
}

// defect returns the largest row sum of |AᵀA - I|: no squared singular value is
// farther from 1.
func defect(a *mat.Dense) float64 {
	m, _ := a.Dims()
	c := mat.NewDense(m, m, nil)
	gram(c, a)
	var worst float64
	for i := range m {
		c.Set(i, i, c.At(i, i)-1)
		sum := 0.0
		for _, x := range c.RawRowView(i) {
			sum += math.Abs(x)
		}
		worst = max(worst, sum)
	}
	return worst
}

func gram(c, a *mat.Dense) {
	product(blas.Trans, blas.NoTrans, 1, a.RawMatrix(), a.RawMatrix(), 0, c.RawMatrix())
}

// Error returns the largest entry of |AAᵀ - I|: 0 when the rows of a are orthonormal.
func Error(a *mat.Dense) float64 {
	r, _ := a.Dims()
	c := mat.NewDense(r, r, nil)
	product(blas.NoTrans, blas.Trans, 1, a.RawMatrix(), a.RawMatrix(), 0, c.RawMatrix())
	return fromIdentity(c)
}

// fromIdentity returns the largest entry of |A - I|.
func fromIdentity(a *mat.Dense) float64 {
	var worst float64
	m, _ := a.Dims()
	for i := range m {
		for j, x := range a.RawRowView(i) {
			if i == j {
				x--
			}
			worst = max(worst, math.Abs(x))
		}
	}
	return worst
}

func finite(a []float64) bool {
	for _, x := range a {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return false
		}
	}
	return true
}

// product sets c = alpha·op(a)·op(b) + beta·c: see kernel.Gemm.
func product(ta, tb blas.Transpose, alpha float64, a, b blas64.General, beta float64, c blas64.General) {
	kernel.Gemm(ta, tb, alpha, a, b, beta, c)
}
