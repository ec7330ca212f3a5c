package transforms

import (
	"context"
	"log/slog"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/jointdiag"
	"github.com/audiosep/audiosep/internal/scene"
	"gonum.org/v1/gonum/mat"
)

// JointDiagonalizationParams are the parameters of joint_diagonalization.
type JointDiagonalizationParams struct {
	Method     string  `json:"method" oneof:"quasi_newton|jacobi_angles|pham" doc:"quasi_newton lowers the likelihood criterion, as does pham, which begins with sweeps that leave the orthogonal matrices; jacobi_angles lowers the squares off the diagonals."`
	Block      int     `json:"block" min:"1" unit:"columns" doc:"Columns of V whose frames are averaged to one covariance: 1 for many recordings of a scene, 5 to 25 for one."`
	Eps        float64 `json:"eps" min:"1e-15" doc:"Floor added to every covariance, in the scale of frames whose window is divided by its sum."`
	Iterations int     `json:"iterations" min:"1" doc:"Most steps, or sweeps over all pairs of rows."`
	Tol        float64 `json:"tol" min:"0" doc:"Stop when a step lowers the mean criterion of a coefficient by less, or when no rotation of a sweep is larger."`
}

var jointDiagonalizationStage = audiosep.Define("joint_diagonalization",
	"Learns the orthogonal transform under which the frames' coefficients are least correlated, in every block of frames alike. Any factorizer may follow. "+
		"It starts from the wired transform, if there is one.",
	DefaultJointDiagonalization(), NewJointDiagonalization)

// DefaultJointDiagonalization returns the defaults of joint_diagonalization.
func DefaultJointDiagonalization() JointDiagonalizationParams {
	return JointDiagonalizationParams{Method: "quasi_newton", Block: 10, Eps: 5e-7, Iterations: 300, Tol: 1e-10}
}

// NewJointDiagonalization returns the learner of the orthogonal Φ, M×M, that makes ΦΣ_nΦᵀ as
// near to diagonal as possible for the covariances Σ_n of blocks of frames, of all layers
// together (the paper's remark after eq. 9). It is an error if p is out of the ranges in its tags, as in a
// spec.
func NewJointDiagonalization(p JointDiagonalizationParams) (audiosep.TransformLearner, error) {
	if err := audiosep.CheckStruct(p); err != nil {
		return nil, err
	}
	return jointDiagonalization{p}, nil
}

type jointDiagonalization struct{ JointDiagonalizationParams }

// Needs says what it takes: the frames, the same laid out, and in blocks as they are turned.
func (j jointDiagonalization) Needs(e audiosep.Extent) audiosep.Needs {
	m, frames := int64(e.Length), int64(e.Frames*max(1, e.Layers()))
	return audiosep.Needs{Work: 4*8*m*frames + 4*8*m*m, Keeps: 8 * m * m,
		Operations: float64(j.Iterations) * 16 * float64(m*m) * float64(frames)}
}

// LearnTransform learns Φ from y. init, from which it starts, is nil or real, square and
// orthogonal to 1e-6.
func (j jointDiagonalization) LearnTransform(ctx context.Context, env audiosep.Env, y *audiosep.Frames, init audiosep.Transform) (audiosep.Transform, error) {
	s, err := scene.New(y.Data, y.Length, y.Share, y.Analysis)
	if err != nil {
		return nil, err
	}
	eps := j.Eps * s.Scale
	var start *mat.Dense
	forward := func(dst, src []float64) error { return init.Forward(ctx, audiosep.Coefs{Re: dst}, src) }
	if init == nil {
		s.Reduce(eps)
	} else if start, err = scene.Orthogonal(ctx, init, s.Samples, forward); err != nil {
		return nil, err
	}
	psi, stop, err := jointdiag.Find(ctx, s.Block(j.Block), start, jointdiag.Options{
		Method: j.Method, Floor: eps, Iterations: j.Iterations, Tol: j.Tol,
		Report: func(done int, c float64) {
			env.Report(audiosep.Step{Done: done, Of: j.Iterations, Objective: c})
		},
	})
	if err != nil {
		return nil, err
	}
	env.Logger().Info("diagonalised", slog.String("stop", stop), slog.Int("rank", s.Rows()))
	phi, err := s.Complete(ctx, psi)
	if err != nil {
		return nil, err
	}
	return audiosep.NewMatrixTransform(phi)
}
