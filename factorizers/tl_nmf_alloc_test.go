//go:build !race

package factorizers

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/audiosep/audiosep/internal/allocs"
	"github.com/audiosep/audiosep/internal/scene"
	"gonum.org/v1/gonum/mat"
)

// With the race detector pools drop what they hold, and then allocate.
func TestTLNMFSweepAllocatesNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	const m, cols, rank = 24, 240, 2 // enough for two threads
	s := &scene.Scene{Samples: m, Cols: cols, Per: 3, Y: mat.NewDense(m, 3*cols, nil), Scale: 1}
	for i := range s.Y.RawMatrix().Data {
		s.Y.RawMatrix().Data[i] = rng.NormFloat64()
	}
	for _, solver := range []string{"jacobi", "blocks", "quasi_newton", "projected_gradient"} {
		for _, curvature := range []string{"corrected", "published"} {
			p := TLNMFParams{Rank: rank, Eps: 1e-6, Solver: solver, Curvature: curvature, Objective: "gcm"}
			l := newLearning(s, p, dctMatrix(m), randomPositive(rng, m, rank), randomPositive(rng, rank, cols), 2)
			factors, solve := newMomentum(l), l.solver(p)
			ctx := context.Background()
			if n := allocs.PerRun(20, func() {
				factors.update(t.Context(), 2)
				if _, err := solve.improve(ctx); err != nil {
					t.Error(err)
				}
				l.value()
			}); n > 0 {
				t.Errorf("%s, %s: a sweep allocates %g times", solver, curvature, n)
			}
		}
	}
}
