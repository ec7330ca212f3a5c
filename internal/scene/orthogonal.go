package scene

import (
	"context"
	"fmt"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/orthogonal"
	"gonum.org/v1/gonum/mat"
)

// Orthogonal returns the m×m matrix of a real transform of frames of m samples. It is
// an error if that is not orthogonal to 1e-6; the result is to rounding.
func Orthogonal(t audiosep.Transform, m int) (*mat.Dense, error) {
	if known, ok := t.(audiosep.MatrixTransform); ok {
		return OrthogonalMatrix(known.Phi(), m)
	}
	if t.Complex() || t.Bins() != m || t.Len() != m {
		return nil, &audiosep.ShapeError{What: "the transform",
			Is:   fmt.Sprintf("of %d samples to %d coefficients (complex: %v)", t.Len(), t.Bins(), t.Complex()),
			Want: fmt.Sprintf("a real one of %d to %d", m, m)}
	}
	unit := make([]float64, m*m)
	for i := range m {
		unit[i*m+i] = 1
	}
	x := audiosep.MakeCoefs(t, m)
	if err := t.Forward(context.Background(), x, unit); err != nil {
		return nil, err
	}
	return OrthogonalMatrix(mat.NewDense(m, m, x.Re).T(), m)
}

// OrthogonalMatrix is Orthogonal for the matrix itself.
func OrthogonalMatrix(phi mat.Matrix, m int) (*mat.Dense, error) {
	if r, c := phi.Dims(); r != m || c != m {
		return nil, &audiosep.ShapeError{What: "Φ", Is: fmt.Sprintf("%d×%d", r, c), Want: fmt.Sprintf("%d×%d, as the frames are long", m, m)}
	}
	if e := audiosep.OrthogonalityError(phi); !(e <= 1e-6) {
		return nil, fmt.Errorf("ΦΦᵀ differs from I by %.3g; want an orthogonal Φ, to 1e-6", e)
	}
	q := mat.DenseCopyOf(phi)
	return q, orthogonal.Polar(q)
}
