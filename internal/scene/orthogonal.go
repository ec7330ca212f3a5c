package scene

import (
	"context"
	"fmt"

	"github.com/audiosep/audiosep/internal/orthogonal"
	"gonum.org/v1/gonum/mat"
)

// Transform is what is asked of a transform before it is applied. One that is known as a
// matrix, F×M, also has a method Phi.
type Transform interface {
	Len() int      // M
	Bins() int     // F
	Complex() bool // whether coefficients have an imaginary part
}

// Orthogonal returns the m×m matrix of a real transform of frames of m samples, which
// forward applies to the frames src, [n·m+i], giving the coefficients dst, [n·m+k]. It is an
// error if the matrix is not orthogonal to 1e-6; the result is orthogonal to rounding.
func Orthogonal(ctx context.Context, t Transform, m int, forward func(dst, src []float64) error) (*mat.Dense, error) {
	if known, ok := t.(interface{ Phi() mat.Matrix }); ok {
		return OrthogonalMatrix(ctx, known.Phi(), m)
	}
	if t.Complex() || t.Bins() != m || t.Len() != m {
		return nil, fmt.Errorf("the transform is of %d samples to %d coefficients (complex: %v); want a real one of %d to %d", t.Len(), t.Bins(), t.Complex(), m, m)
	}
	unit, columns := make([]float64, m*m), make([]float64, m*m)
	for i := range m {
		unit[i*m+i] = 1
	}
	if err := forward(columns, unit); err != nil {
		return nil, err
	}
	return OrthogonalMatrix(ctx, mat.NewDense(m, m, columns).T(), m)
}

// OrthogonalMatrix is Orthogonal for the matrix itself.
func OrthogonalMatrix(ctx context.Context, phi mat.Matrix, m int) (*mat.Dense, error) {
	if r, c := phi.Dims(); r != m || c != m {
		return nil, fmt.Errorf("the matrix Φ is %d×%d; want %d×%d, as the frames are long", r, c, m, m)
	}
	q := mat.DenseCopyOf(phi)
	if e := orthogonal.Error(q); !(e <= 1e-6) {
		return nil, fmt.Errorf("ΦΦᵀ differs from I by %.3g; want an orthogonal Φ, to 1e-6", e)
	}
	return q, orthogonal.Polar(ctx, q)
}
