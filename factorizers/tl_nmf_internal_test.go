package factorizers

import (
	"math"
	"math/rand/v2"
	"testing"
)

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

// In the rounds every two are paired once.
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
