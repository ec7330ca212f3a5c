package orthogonal

import (
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
)

// Exponential computes exp(αE), a rotation, for skew-symmetric E. It keeps its scratch, so
// that Of allocates nothing.
type Exponential struct {
	e, f1, f2, f3, f4, tail, even, odd []float64
}

// NewExponential returns an Exponential for matrices of up to m×m.
func NewExponential(m int) *Exponential {
	square := func() []float64 { return make([]float64, m*m) }
	return &Exponential{square(), square(), square(), square(), square(), square(), square(), square()}
}

// halvedTo is the norm of αE up to which the series below is exact to rounding. A larger αE
// is halved until it is there, and the result is squared as often.
const halvedTo = 0.7

// Of sets dst to exp(αE), by the series Σ (αE)^k/k! up to k = 13: the even powers, and αE times
// a sum of even powers, are polynomials in F = (αE)².
func (x *Exponential) Of(dst blas64.General, alpha float64, e blas64.General) {
	m := e.Rows
	at := func(data []float64) blas64.General {
		return blas64.General{Rows: m, Cols: m, Stride: m, Data: data[:m*m]}
	}
	for i := range m {
		for j, a := range e.Data[i*e.Stride : i*e.Stride+m] {
			x.e[i*m+j] = alpha * a
		}
	}
	multiply(at(x.e), at(x.e), at(x.f1))
	multiply(at(x.f1), at(x.f1), at(x.f2))
	multiply(at(x.f1), at(x.f2), at(x.f3))
	multiply(at(x.f2), at(x.f2), at(x.f4))
	squarings := 0
	if norm := math.Pow(rowSum(at(x.f4)), 1./8); norm > halvedTo {
		squarings = int(math.Ceil(math.Log2(norm / halvedTo)))
	}
	// 1/(2k)! for the even powers, 1/(2k+1)! for the odd ones.
	q := math.Ldexp(1, -2*squarings)
	x.series(at(x.even), q, [7]float64{1, 1. / 2, 1. / 24, 1. / 720, 1. / 40320, 1. / 3628800, 1. / 479001600})
	x.series(at(x.odd), q, [7]float64{1, 1. / 6, 1. / 120, 1. / 5040, 1. / 362880, 1. / 39916800, 1. / 6227020800})
	product(blas.NoTrans, blas.NoTrans, math.Ldexp(1, -squarings), at(x.e), at(x.odd), 1, at(x.even))
	for range squarings {
		multiply(at(x.even), at(x.even), at(x.odd))
		x.odd, x.even = x.even, x.odd
	}
	for i := range m {
		copy(dst.Data[i*dst.Stride:i*dst.Stride+m], x.even[i*m:(i+1)*m])
	}
}

// rowSum returns the largest sum of the absolute values of a row, which bounds the eigenvalues.
func rowSum(a blas64.General) float64 {
	var most float64
	for i := range a.Rows {
		var sum float64
		for _, x := range a.Data[i*a.Stride : i*a.Stride+a.Cols] {
			sum += math.Abs(x)
		}
		most = max(most, sum)
	}
	return most
}

// series sets dst to Σ c_k (qF)^k = c₀ + c₁qF + … + (qF)⁴(c₄ + c₅qF + c₆(qF)²).
func (x *Exponential) series(dst blas64.General, q float64, c [7]float64) {
	m := dst.Rows
	f4, tail := dst, dst
	f4.Data, tail.Data = x.f4[:m*m], x.tail[:m*m]
	c1, c2, c3, c5, c6 := c[1]*q, c[2]*q*q, c[3]*q*q*q, c[5]*q, c[6]*q*q
	for i, f := range x.f1[:m*m] {
		f2 := x.f2[i]
		dst.Data[i] = c1*f + c2*f2 + c3*x.f3[i]
		tail.Data[i] = c5*f + c6*f2
	}
	for i := 0; i < m*m; i += m + 1 {
		dst.Data[i] += c[0]
		tail.Data[i] += c[4]
	}
	product(blas.NoTrans, blas.NoTrans, q*q*q*q, f4, tail, 1, dst)
}

func multiply(a, b, c blas64.General) { product(blas.NoTrans, blas.NoTrans, 1, a, b, 0, c) }
