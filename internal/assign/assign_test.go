package assign

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// The match is as good as the best of all permutations.
func TestBest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 6).Draw(t, "n")
		score := make([][]float64, n)
		for i := range score {
			score[i] = make([]float64, n)
			for j := range score {
				score[i][j] = rapid.Float64Range(-50, 50).Draw(t, "score")
			}
		}
		sum := func(perm []int) (s float64) {
			for i, j := range perm {
				s += score[i][j]
			}
			return s
		}
		best := math.Inf(-1)
		perm := make([]int, n)
		for i := range perm {
			perm[i] = i
		}
		permutations(perm, 0, func() { best = max(best, sum(perm)) })
		got := Best(score)
		if s := sum(got); math.Abs(s-best) > 1e-9 {
			t.Fatalf("%v has the sum %v; want %v", got, s, best)
		}
		slices.Sort(got)
		if !slices.Equal(got, perm) {
			t.Fatalf("%v is no permutation", got)
		}
	})
}

// permutations calls f with every order of p[from:] and leaves p as it was.
func permutations(p []int, from int, f func()) {
	if from == len(p) {
		f()
		return
	}
	for i := from; i < len(p); i++ {
		p[from], p[i] = p[i], p[from]
		permutations(p, from+1, f)
		p[from], p[i] = p[i], p[from]
	}
}

// One infinite or undefined pair does not decide over the others.
func TestBestOfOddScores(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	for _, c := range []struct {
		score [][]float64
		want  []int
	}{
		{[][]float64{{inf, 3}, {inf, 9}}, []int{0, 1}},
		{[][]float64{{3, nan}, {9, nan}}, []int{1, 0}},
		{[][]float64{{-inf, 1, 1}, {1, 1, -inf}, {1, -inf, 5}}, []int{1, 0, 2}},
	} {
		if got := Best(c.score); !slices.Equal(got, c.want) {
			t.Errorf("the match of %v is %v; want %v", c.score, got, c.want)
		}
	}
}
