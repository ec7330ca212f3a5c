package audiosep

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep/internal/kernel"
)

// A MatrixTransform is one real F×M matrix: X = ΦY. Reports draw Φ's rows, models
// store it.
type MatrixTransform interface {
	Transform
	Phi() mat.Matrix
}

// NewMatrixTransform returns phi, F×M with F ≥ M, as a Transform. Where the columns
// of phi are orthonormal its inverse is the transpose, elsewhere the pseudo-inverse.
// It is an error if phi is not finite, has more columns than rows, or has a
// condition number above 1e6. phi is copied.
func NewMatrixTransform(phi mat.Matrix) (MatrixTransform, error) {
	f, m := phi.Dims()
	if f < m || m == 0 {
		return nil, &ShapeError{"Φ", fmt.Sprintf("%d×%d", f, m), "at least as many rows (bins) as columns (samples)"}
	}
	if err := checkColumns(phi); err != nil {
		return nil, err
	}
	t := &matrixTransform{phi: mat.DenseCopyOf(phi), forward: mat.DenseCopyOf(phi.T())}
	if OrthogonalityError(phi.T()) <= 1e-10 {
		t.inverse = t.phi
		return t, nil
	}
	var svd mat.SVD
	if !svd.Factorize(phi, mat.SVDThin) {
		return nil, fmt.Errorf("the singular values of Φ could not be found")
	}
	if c := svd.Cond(); !(c <= 1e6) {
		return nil, fmt.Errorf("the condition number of Φ is %.3g; want at most 1e6, else frames cannot be restored", c)
	}
	var u, v mat.Dense
	svd.UTo(&u)
	svd.VTo(&v)
	for j, s := range svd.Values(nil) {
		for i := range m {
			v.Set(i, j, v.At(i, j)/s)
		}
	}
	t.inverse = new(mat.Dense)
	t.inverse.Mul(&u, v.T())
	return t, nil
}

// checkColumns refuses numbers that are not finite and columns of zeros, before a copy is made: a
// small file may hold a great matrix of them.
func checkColumns(phi mat.Matrix) error {
	f, m := phi.Dims()
	seen := make([]bool, m)
	for i := range f {
		for j := range seen {
			x := phi.At(i, j)
			if math.IsNaN(x) || math.IsInf(x, 0) {
				return fmt.Errorf("row %d, column %d of Φ is %v; want finite numbers", i, j, x)
			}
			seen[j] = seen[j] || x != 0
		}
	}
	for j, ok := range seen {
		if !ok {
			return fmt.Errorf("column %d of Φ is 0 throughout; want a condition number of at most 1e6, else frames cannot be restored", j)
		}
	}
	return nil
}

// OrthogonalityError returns the largest entry of |ΦΦᵀ - I|: 0 when the rows of phi
// are orthonormal.
func OrthogonalityError(phi mat.Matrix) float64 {
	r, _ := phi.Dims()
	rows, g := mat.DenseCopyOf(phi).RawMatrix(), mat.NewDense(r, r, nil)
	kernel.Gemm(blas.NoTrans, blas.Trans, 1, rows, rows, 0, g.RawMatrix())
	var worst float64
	for i := range r {
		g.Set(i, i, g.At(i, i)-1)
	}
	for _, x := range g.RawMatrix().Data {
		worst = max(worst, math.Abs(x))
	}
	return worst
}

type matrixTransform struct {
	phi     *mat.Dense // F×M
	forward *mat.Dense // M×F: its transpose
	inverse *mat.Dense // F×M: the transpose of the pseudo-inverse
}

func (t *matrixTransform) Len() int        { _, m := t.phi.Dims(); return m }
func (t *matrixTransform) Bins() int       { f, _ := t.phi.Dims(); return f }
func (t *matrixTransform) Complex() bool   { return false }
func (t *matrixTransform) Phi() mat.Matrix { return t.phi }

func (t *matrixTransform) Forward(_ context.Context, dst Coefs, src []float64) error {
	multiplyFrames(dst.Re, src, t.forward)
	return nil
}

func (t *matrixTransform) Inverse(_ context.Context, dst []float64, src Coefs) error {
	multiplyFrames(dst, src.Re, t.inverse)
	return nil
}

// multiplyFrames sets each frame of dst to that of src times a, frames being rows here.
func multiplyFrames(dst, src []float64, a *mat.Dense) {
	in, out := a.Dims()
	n := len(src) / in
	if n == 0 {
		return
	}
	kernel.Gemm(blas.NoTrans, blas.NoTrans, 1,
		blas64.General{Rows: n, Cols: in, Stride: in, Data: src}, a.RawMatrix(),
		0, blas64.General{Rows: n, Cols: out, Stride: out, Data: dst})
}
