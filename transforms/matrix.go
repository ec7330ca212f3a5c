package transforms

import (
	"context"
	"fmt"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/counted"
	"github.com/audiosep/audiosep/internal/npy"
)

// MatrixParams are the parameters of the stage matrix.
type MatrixParams struct {
	File string `json:"file" file:"in" doc:"A .npy file, as numpy.save writes it, of F rows (bins) by M columns (samples), F ≥ M."`
}

var matrixStage = audiosep.Define("matrix",
	"A transform that is a matrix in a file: X = ΦY. Real; its inverse is the transpose or, when the columns are not orthonormal, the pseudo-inverse.",
	DefaultMatrix(), NewMatrix)

// DefaultMatrix returns the defaults of matrix: File has none and must be given.
func DefaultMatrix() MatrixParams { return MatrixParams{} }

// NewMatrix returns the maker of the transform in p.File. The file is read when the
// transform is made; frames of another length than M are refused then, and so is what
// [audiosep.NewMatrixTransform] refuses.
func NewMatrix(p MatrixParams) (audiosep.Transformer, error) {
	if err := audiosep.CheckStruct(p); err != nil {
		return nil, err
	}
	return p, nil
}

// Transform reads the file.
func (p MatrixParams) Transform(_ context.Context, m int) (audiosep.Transform, error) {
	phi, err := npy.ReadMatrix(p.File)
	if err != nil {
		return nil, err
	}
	if _, c := phi.Dims(); c != m {
		err := &audiosep.ShapeError{What: "Φ", Is: fmt.Sprintf("for frames of %s", counted.Of(c, "sample")), Want: fmt.Sprintf("%d, the length of a frame", m)}
		return nil, fmt.Errorf("%s: %w", p.File, err)
	}
	t, err := audiosep.NewMatrixTransform(phi)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.File, err)
	}
	return t, nil
}
