package metrics

import (
	"errors"
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
)

// errSingular says that a Gram matrix has no Cholesky factor in float64.
var errSingular = errors.New("singular")

// factor is the upper Cholesky factor R of a symmetric positive definite
// block-Toeplitz matrix, G = RᵀR, of n = taps·m rows. Unknown lag·m + i belongs to
// signal i delayed by lag.
type factor struct {
	m, n  int
	rows  [][]float64 // rows[r] = R[r, r:]
	least float64     // least R[r, r]² relative to G[r, r]; the condition number is no better than 1/least
}

// factorise finds R by the block Schur algorithm in O(m n²) operations and n²/2 numbers of
// memory; a general Cholesky takes n³/3 and n². lags[k], m×m by rows, is the block of G that is
// k blocks right of the diagonal.
//
// G − ZGZᵀ, with Z the shift by one block, has rank 2m: it is AᵀA − BᵀB, where A is
// R's first block row and B is A less its first block. Each step shifts A by one
// block and clears the first block of B against it, by a Householder reflection
// within B and one hyperbolic rotation for each column, in the mixed form, which is
// numerically stable (Bojanczyk, Brent, de Hoog and Sweet 1995).
//
// It returns errSingular if a pivot is no larger than the rounding error of its diagonal.
func factorise(lags [][]float64, m int) (*factor, error) {
	n := m * len(lags)
	f := &factor{m: m, n: n, least: 1}
	a, err := firstBlockRow(lags, m)
	if err != nil {
		return nil, err
	}
	f.keep(a, n, lags[0])
	b := blas64.General{Rows: m, Cols: n, Stride: n, Data: append([]float64(nil), a.Data...)}
	scratch := make([]float64, n+m)
	floor := float64(n) * epsilon
	for k := 1; k < len(lags); k++ {
		width := n - k*m
		for c := range m {
			row := a.Data[c*n : c*n+width]
			head := b
			head.Cols, head.Data = width-c, b.Data[k*m+c:]
			mirror(head, scratch)
			if !rotate(row[c:], head.Data[:width-c]) || row[c]*row[c] <= floor*lags[0][c*m+c] {
				return nil, errSingular
			}
		}
		f.keep(a, width, lags[0])
	}
	return f, nil
}

// epsilon is the spacing of float64 at 1.
const epsilon = 0x1p-52

// firstBlockRow returns R's first m rows, R₀ᵀ⁻¹[T₀ T₁ …] with T₀ = R₀ᵀR₀.
func firstBlockRow(lags [][]float64, m int) (blas64.General, error) {
	n := m * len(lags)
	a := blas64.General{Rows: m, Cols: n, Stride: n, Data: make([]float64, m*n)}
	for k, t := range lags {
		for i := range m {
			copy(a.Data[i*n+k*m:], t[i*m:(i+1)*m])
		}
	}
	for i := range m {
		row := a.Data[i*n : (i+1)*n]
		pivot := row[i]
		if !(pivot > float64(n)*epsilon*lags[0][i*m+i]) {
			return a, errSingular
		}
		scale := 1 / math.Sqrt(pivot)
		for j := range row {
			row[j] *= scale
		}
		clear(row[:i])
		for l := i + 1; l < m; l++ {
			blas64.Axpy(-row[l], vector(row), vector(a.Data[l*n:(l+1)*n]))
		}
	}
	return a, nil
}

// keep stores the first width columns of a, without the zeros below its diagonal.
// diagonal is G's first block.
func (f *factor) keep(a blas64.General, width int, diagonal []float64) {
	for i := range f.m {
		row := append([]float64(nil), a.Data[i*a.Stride+i:i*a.Stride+width]...)
		f.rows = append(f.rows, row)
		f.least = min(f.least, row[0]*row[0]/diagonal[i*f.m+i])
	}
}

// mirror applies to b the Householder reflection after which only the first number of its first
// column is not 0. scratch has a number for each row and for each column.
func mirror(b blas64.General, scratch []float64) {
	v := blas64.Vector{N: b.Rows, Inc: 1, Data: scratch[:b.Rows]}
	var below float64
	for i := range b.Rows {
		v.Data[i] = b.Data[i*b.Stride]
		if i > 0 {
			below += v.Data[i] * v.Data[i]
		}
	}
	if below == 0 {
		return
	}
	norm := math.Sqrt(v.Data[0]*v.Data[0] + below)
	v.Data[0] += math.Copysign(norm, v.Data[0])
	w := blas64.Vector{N: b.Cols, Inc: 1, Data: scratch[b.Rows:]}
	blas64.Gemv(blas.Trans, 1, b, v, 0, w)
	blas64.Ger(-2/(v.Data[0]*v.Data[0]+below), v, w, b)
}

// rotate applies to the rows a and b the hyperbolic rotation that clears b's first
// entry, and reports whether there is one.
func rotate(a, b []float64) bool {
	rho := b[0] / a[0]
	s2 := (1 - rho) * (1 + rho)
	if !(s2 > 0) {
		return false
	}
	s := math.Sqrt(s2)
	for i, x := range a {
		y := (x - rho*b[i]) / s
		a[i] = y
		b[i] = s*b[i] - rho*y
	}
	b[0] = 0
	return true
}

// forward solves Rᵀy = d in place and returns ‖y‖² = dᵀG⁻¹d.
func (f *factor) forward(d []float64) float64 {
	var energy float64
	for r, row := range f.rows {
		y := d[r] / row[0]
		d[r] = y
		energy += y * y
		blas64.Axpy(-y, vector(row[1:]), vector(d[r+1:]))
	}
	return energy
}

// backward solves Rc = y in place.
func (f *factor) backward(y []float64) {
	for r := f.n - 1; r >= 0; r-- {
		row := f.rows[r]
		tail := blas64.Dot(vector(row[1:]), vector(y[r+1:]))
		y[r] = (y[r] - tail) / row[0]
	}
}
