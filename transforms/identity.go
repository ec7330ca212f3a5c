package transforms

import (
	"context"
	"fmt"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/counted"
	"gonum.org/v1/gonum/mat"
)

var identityStage = audiosep.Define("identity",
	"Leaves frames as they are: X = Y, F = M. For trying stages in the time domain, and the plainest start of a learner.",
	struct{}{}, newIdentity)

func newIdentity(struct{}) (audiosep.Transformer, error) { return identityMaker{}, nil }

type identityMaker struct{}

func (identityMaker) Transform(_ context.Context, m int) (audiosep.Transform, error) {
	if m < 1 {
		return nil, fmt.Errorf("frames are %s long; want at least 1", counted.Of(m, "sample"))
	}
	return &identity{shape{len: m, bins: m}}, nil
}

type identity struct{ shape }

func (t *identity) Forward(_ context.Context, dst audiosep.Coefs, src []float64) error {
	if _, err := t.frames(src, dst); err != nil {
		return err
	}
	copy(dst.Re, src)
	return nil
}

func (t *identity) Inverse(_ context.Context, dst []float64, src audiosep.Coefs) error {
	if _, err := t.frames(dst, src); err != nil {
		return err
	}
	copy(dst, src.Re)
	return nil
}

// Phi returns I, M×M.
func (t *identity) Phi() mat.Matrix {
	ones := make([]float64, t.len)
	for i := range ones {
		ones[i] = 1
	}
	return mat.NewDiagDense(t.len, ones)
}
