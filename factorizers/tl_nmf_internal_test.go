package factorizers

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/audiosep/audiosep/internal/scene"
	"gonum.org/v1/gonum/mat"
)

func TestTLNMFSweepAllocatesNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	const m, cols, rank = 12, 30, 2
	s := &scene.Scene{Samples: m, Cols: cols, Per: 3, Y: mat.NewDense(m, 3*cols, nil), Scale: 1}
	for i := range s.Y.RawMatrix().Data {
		s.Y.RawMatrix().Data[i] = rng.NormFloat64()
	}
	for _, solver := range []string{"jacobi", "blocks", "quasi_newton", "projected_gradient"} {
		for _, curvature := range []string{"corrected", "published"} {
			p := TLNMFParams{Rank: rank, Eps: 1e-6, Solver: solver, Curvature: curvature, Objective: "gcm"}
			l := newLearning(s, p, dctMatrix(m), randomPositive(rng, m, rank), randomPositive(rng, rank, cols), 2)
			solve := l.solver(p)
			ctx := context.Background()
			if n := testing.AllocsPerRun(20, func() {
				l.updateH()
				l.updateW()
				l.model()
				if _, err := solve.improve(ctx); err != nil {
					t.Error(err)
				}
				l.value()
			}); n > 0 {
				t.Errorf("%s, %s: a sweep allocates %g times", solver, curvature, n)
			}
			l.crew.close()
		}
	}
}

func TestSumLog(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{0, 1, 511, 512, 513, 5000} {
		x := make([]float64, n)
		want := 0.0
		for i := range x {
			x[i] = math.Exp(600 * (2*rng.Float64() - 1))
			want += math.Log(x[i] + 1e-9)
		}
		if got := sumLog(x, 1e-9); math.Abs(got-want) > 1e-13*float64(n)*100 {
			t.Errorf("%d numbers: %.15g; want %.15g", n, got, want)
		}
	}
}

// In the rounds of a tournament every two meet once.
func TestOpponents(t *testing.T) {
	for _, n := range []int{2, 4, 10} {
		met := map[[2]int]int{}
		for round := range n - 1 {
			seen := map[int]bool{}
			for i := range n / 2 {
				p, q := opponents(n, round, i)
				if p >= q || seen[p] || seen[q] {
					t.Errorf("%d: %d meets %d in round %d", n, p, q, round)
				}
				seen[p], seen[q] = true, true
				met[[2]int{p, q}]++
			}
		}
		if len(met) != n*(n-1)/2 {
			t.Errorf("%d: %d pairs met; want %d", n, len(met), n*(n-1)/2)
		}
	}
}
