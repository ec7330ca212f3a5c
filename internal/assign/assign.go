// Package assign finds which of two sets belong together.
package assign

import "math"

// Best returns the assignment of columns to rows with the greatest sum of
// score[row][perm[row]], by shortest augmenting paths (Kuhn 1955, Munkres 1957), in
// O(J³). score is square; NaN counts as the worst and infinities as ±maxScore.
func Best(score [][]float64) []int {
	n := len(score)
	cost := func(i, j int) float64 {
		if s := score[i-1][j-1]; !math.IsNaN(s) {
			return -min(max(s, -maxScore), maxScore)
		}
		return maxScore
	}
	// Row and column 0 stand for "none": a row without a column begins in column 0 and is moved
	// along the shortest augmenting path.
	u, v := make([]float64, n+1), make([]float64, n+1) // prices of rows and columns
	row := make([]int, n+1)                            // row[j] is the row of column j
	for i := 1; i <= n; i++ {
		row[0] = i
		j0 := 0
		least, from, done := make([]float64, n+1), make([]int, n+1), make([]bool, n+1)
		for j := range least {
			least[j] = math.Inf(1)
		}
		for row[j0] != 0 {
			done[j0] = true
			i0, j1, step := row[j0], 0, math.Inf(1)
			for j := 1; j <= n; j++ {
				if done[j] {
					continue
				}
				if c := cost(i0, j) - u[i0] - v[j]; c < least[j] {
					least[j], from[j] = c, j0
				}
				if least[j] < step {
					step, j1 = least[j], j
				}
			}
			for j := range n + 1 {
				if done[j] {
					u[row[j]] += step
					v[j] -= step
				} else {
					least[j] -= step
				}
			}
			j0 = j1
		}
		for j0 != 0 {
			row[j0] = row[from[j0]]
			j0 = from[j0]
		}
	}
	perm := make([]int, n)
	for j := 1; j <= n; j++ {
		perm[row[j]-1] = j - 1
	}
	return perm
}

// maxScore bounds what one pair can add to a match, such as a ratio in dB, so that one infinite
// ratio does not hide the others.
const maxScore = 300
