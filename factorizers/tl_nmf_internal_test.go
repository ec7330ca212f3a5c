package factorizers

import "testing"

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
