package orthogonal

import (
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// Exponential computes exp(αE) for skew-symmetric E of one size, a rotation. It keeps
// its scratch, so that computing one allocates nothing.
type Exponential struct {
	e, f1, f2, f3, f4, tail, even, odd blas64.General
}

// NewExponential returns an Exponential for m×m matrices.
func NewExponential(m int) *Exponential {
	square := func() blas64.General {
		return blas64.General{Rows: m, Cols: m, Stride: m, Data: make([]float64, m*m)}
	}
	return &Exponential{square(), square(), square(), square(), square(), square(), square(), square()}
}

// halvedTo is the largest row sum of |αE| for which the series below is exact to
// rounding; larger ones are halved and the result is squared.
const halvedTo = 0.5

// Of sets dst to exp(αE). The series is that of cosh + E·sinhc in F = E², to the 13th
// power of E.
func (x *Exponential) Of(dst *mat.Dense, alpha float64, e *mat.Dense) {
	m := x.e.Rows
	raw := e.RawMatrix()
	var norm float64
	for i := range m {
		var sum float64
		for j, a := range raw.Data[i*raw.Stride : i*raw.Stride+m] {
			x.e.Data[i*m+j] = alpha * a
			sum += math.Abs(alpha * a)
		}
		norm = max(norm, sum)
	}
	squarings := 0
	if norm > halvedTo {
		squarings = int(math.Ceil(math.Log2(norm / halvedTo)))
		blas64.Scal(math.Ldexp(1, -squarings), blas64.Vector{N: m * m, Inc: 1, Data: x.e.Data})
	}
	multiply(x.e, x.e, x.f1)
	multiply(x.f1, x.f1, x.f2)
	multiply(x.f1, x.f2, x.f3)
	multiply(x.f2, x.f2, x.f4)
	// 1/(2k)! for the even powers of E, 1/(2k+1)! for the odd ones.
	x.series(x.even, [7]float64{1, 1. / 2, 1. / 24, 1. / 720, 1. / 40320, 1. / 3628800, 1. / 479001600})
	x.series(x.odd, [7]float64{1, 1. / 6, 1. / 120, 1. / 5040, 1. / 362880, 1. / 39916800, 1. / 6227020800})
	out := dst.RawMatrix()
	product(blas.NoTrans, blas.NoTrans, 1, x.e, x.odd, 1, x.even)
	copy(x.odd.Data, x.even.Data)
	for range squarings {
		multiply(x.odd, x.odd, x.even)
		x.odd, x.even = x.even, x.odd
	}
	for i := range m {
		copy(out.Data[i*out.Stride:i*out.Stride+m], x.odd.Data[i*m:(i+1)*m])
	}
}

// series sets dst to Σ c_k F^k = c₀ + c₁F + c₂F² + c₃F³ + F⁴(c₄ + c₅F + c₆F²).
func (x *Exponential) series(dst blas64.General, c [7]float64) {
	m := dst.Rows
	for i, f := range x.f1.Data {
		dst.Data[i] = c[1]*f + c[2]*x.f2.Data[i] + c[3]*x.f3.Data[i]
		x.tail.Data[i] = c[5]*f + c[6]*x.f2.Data[i]
	}
	for i := 0; i < m*m; i += m + 1 {
		dst.Data[i] += c[0]
		x.tail.Data[i] += c[4]
	}
	product(blas.NoTrans, blas.NoTrans, 1, x.f4, x.tail, 1, dst)
}

func multiply(a, b, c blas64.General) { product(blas.NoTrans, blas.NoTrans, 1, a, b, 0, c) }
