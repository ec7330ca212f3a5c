package orthogonal

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// Span returns an orthogonal matrix whose first rank rows span the range of s, positive
// semi-definite, up to a part whose trace, rest, is at most tol. The other rows complete the
// basis. If that takes more than most rows it returns nil.
func Span(s mat.Symmetric, tol float64, most int) (basis *mat.Dense, rank int, rest float64) {
	l := pivotedCholesky(s, tol, most)
	if l == nil {
		return nil, 0, 0
	}
	m, rank := l.Dims()
	var qr mat.QR
	qr.Factorize(l)
	var q mat.Dense
	qr.QTo(&q)
	basis = mat.NewDense(m, m, nil)
	basis.Copy(q.T())
	for i := rank; i < m; i++ {
		rest += mat.Inner(basis.RowView(i), s, basis.RowView(i))
	}
	return basis, rank, max(rest, 0)
}

// pivotedCholesky returns L, m×r, with s ≈ LLᵀ such that s - LLᵀ has at most the trace
// tol, or nil if r would exceed most or be 0.
func pivotedCholesky(s mat.Symmetric, tol float64, most int) *mat.Dense {
	if most < 1 {
		return nil
	}
	m := s.SymmetricDim()
	diag := make([]float64, m)
	for i := range diag {
		diag[i] = s.At(i, i)
	}
	cols := mat.NewDense(most, m, nil) // column r of L is row r here
	for r := 0; ; r++ {
		pivot, trace := 0, 0.0
		for i, d := range diag {
			trace += max(d, 0)
			if d > diag[pivot] {
				pivot = i
			}
		}
		if trace <= tol && r > 0 {
			var l mat.Dense
			l.CloneFrom(cols.Slice(0, r, 0, m).T())
			return &l
		}
		if r == most || !(diag[pivot] > 0) {
			return nil
		}
		root := math.Sqrt(diag[pivot])
		col := cols.RawRowView(r)
		for i := range col {
			col[i] = s.At(i, pivot)
		}
		for q := range r {
			other := cols.RawRowView(q)
			a := other[pivot]
			for i, o := range other {
				col[i] -= a * o
			}
		}
		for i := range col {
			col[i] /= root
			diag[i] -= col[i] * col[i]
		}
		diag[pivot] = 0
	}
}
