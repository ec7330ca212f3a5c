package factorizers

import (
	"slices"

	"gonum.org/v1/gonum/blas"
)

// choice tells which rows of Φ are worth rotating. At 44.1 kHz most rows of a DCT have less
// power than eps: rotating them, among each other or with other rows, hardly changes C.
type choice struct {
	*learning
	size           int
	xg             []float64 // size×(N/S·P); scratch, shared with the solver
	slopes, curves []float64 // r×r
	gains          []float64 // r: by how much all rotations of a row would lower C
	sorted         []int

	left, gained float64 // the gains of the rows left out; by how much the last sweep lowered C
	sweep, next  int
}

// spared is the part of the gains of all rotations that the rows left out may have together.
const spared = 0.03

func newChoice(l *learning, size int, xg []float64) *choice {
	return &choice{
		learning: l, size: size, xg: xg,
		slopes: make([]float64, l.rows*l.rows), curves: make([]float64, l.rows*l.rows),
		gains: make([]float64, l.rows), sorted: make([]int, l.rows),
	}
}

// due tells whether to choose anew: when a sweep of the rows chosen has lowered C by less than
// the gains of those left out, and, because W and H change as well, when three times as many
// sweeps have been made as at the last choice.
func (s *choice) due() bool {
	s.sweep++
	if s.sweep < s.next && s.gained > s.left {
		return false
	}
	s.next = 3 * s.sweep
	return true
}

// choose returns the rows to rotate, in ascending order, in the storage of chosen.
func (s *choice) choose(chosen []int) []int {
	s.promise()
	for m := range s.sorted {
		s.sorted[m] = m
	}
	slices.SortFunc(s.sorted, func(a, b int) int {
		switch {
		case s.gains[a] < s.gains[b]:
			return -1
		case s.gains[a] > s.gains[b]:
			return 1
		}
		return a - b
	})
	var total float64
	for _, g := range s.gains {
		total += g / 2
	}
	s.left = 0
	for i, m := range s.sorted {
		if s.left+s.gains[m] > spared*total {
			chosen = append(chosen[:0], s.sorted[i:]...)
			slices.Sort(chosen)
			return chosen
		}
		s.left += s.gains[m]
	}
	return chosen[:0]
}

// promise sets gains to the sum, for each row, of what rotating it with every other row would
// lower C by, each rotation by itself; A, B and D are as in jacobi.
func (s *choice) promise() {
	n := s.rows
	x, u, v := rowMajor(s.x, s.total()), rowMajor(s.u, s.cols), rowMajor(s.v, s.cols)
	for m := 0; m < n; m += s.size {
		k := min(s.size, n-m)
		weigh(s.xg, s.x[m*s.total():], s.u[m*s.cols:(m+k)*s.cols], s.per)
		product(blas.NoTrans, blas.Trans, 1/float64(s.per), rowMajor(s.xg[:k*s.total()], s.total()), x, 0, rowMajor(s.slopes[m*n:(m+k)*n], n))
	}
	product(blas.NoTrans, blas.Trans, 1, u, v, 0, rowMajor(s.curves, n))
	clear(s.gains)
	for p := range n {
		for q := range p {
			d := s.slopes[p*n+q] - s.slopes[q*n+p]
			own := s.slopes[p*n+p] + s.slopes[q*n+q]
			both := s.curves[p*n+q] + s.curves[q*n+p]
			g := gain((own-both)/2, d)
			s.gains[p] += g
			s.gains[q] += g
		}
	}
}
