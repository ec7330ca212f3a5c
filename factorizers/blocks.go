package factorizers

import (
	"context"
	"math"

	"github.com/audiosep/audiosep/internal/kernel"
	"github.com/audiosep/audiosep/internal/orthogonal"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
)

// blocks minimises C over Φ by rotating all rows of two blocks among each other at once, with
// products of matrices. In a sweep each block is paired once with each other. With blocks of
// one row it would be jacobi, and with a single pair of blocks it is a quasi-Newton step that
// uses the true curvature of every rotation. A sweep of small blocks lowers C more; one of
// large blocks is faster, as more of its work is products.
//
// Rows whose rotations would lower C hardly at all are left out: see choice.
type blocks struct {
	*learning
	size   int   // most rows of a block; the last may be shorter, one may be empty
	count  int   // blocks
	chosen []int // the rows that take part
	round  int
	pairs  []*blockPair // of each worker
	gains  []float64    // of each pair of the round
	task   func(worker, i int)
	choice *choice // nil: all rows always take part
}

// newBlocks returns a solver with blocks of so many rows.
func newBlocks(l *learning, size int) *blocks {
	s := &blocks{learning: l, size: size, chosen: make([]int, l.rows)}
	for m := range s.chosen {
		s.chosen[m] = m
	}
	for range l.threads {
		s.pairs = append(s.pairs, newBlockPair(l, min(2*size, l.rows)))
	}
	if l.rows > 2*size && !l.is {
		s.choice = newChoice(l, size, s.pairs[0].xg)
	}
	s.gains = make([]float64, (l.rows+size-1)/size)
	s.task = s.meet
	return s
}

func (s *blocks) improve(ctx context.Context) (bool, error) {
	if s.choice != nil && s.choice.due() {
		s.chosen = s.choice.choose(s.chosen)
	}
	for range s.sweeps() {
		if err := s.sweep(ctx); err != nil {
			return false, err
		}
	}
	return true, nil
}

// sweeps returns how many sweeps to make: as many as are together no more than a sixteenth of
// the work of a sweep of all rows, at least one.
func (s *blocks) sweeps() int {
	part := float64(len(s.chosen)) / float64(s.rows)
	return max(1, min(mostSweeps, int(1/(16*part*part))))
}

// mostSweeps is the most sweeps between two updates of W and H.
const mostSweeps = 6

// sweep pairs each block once with each other, in rounds whose pairs have no block in common.
func (s *blocks) sweep(ctx context.Context) error {
	s.count = (len(s.chosen) + s.size - 1) / s.size
	s.count += s.count % 2
	var gained float64
	for s.round = range s.count - 1 {
		if err := ctx.Err(); err != nil {
			return err
		}
		s.team.Do(s.count/2, s.threads, s.task)
		gained += floats.Sum(s.gains[:s.count/2])
	}
	if s.choice != nil {
		s.choice.gained = gained
	}
	return nil
}

// meet rotates the rows of the i-th pair of blocks of the round among each other.
func (s *blocks) meet(worker, i int) {
	p, q := opponents(s.count, s.round, i)
	pair := s.pairs[worker]
	pair.rows = pair.rows[:0]
	for _, b := range [2]int{p, q} {
		from, to := min(b*s.size, len(s.chosen)), min((b+1)*s.size, len(s.chosen))
		pair.rows = append(pair.rows, s.chosen[from:to]...)
	}
	s.gains[i] = 0
	if len(pair.rows) > 1 {
		s.gains[i] = pair.step()
	}
}

// opponents returns the two of n, an even number, that are pair i of a round. In n-1 rounds
// each is paired once with each other (the circle method of tournaments).
func opponents(n, round, i int) (p, q int) {
	if i == 0 {
		return round, n - 1
	}
	p, q = (round+i)%(n-1), (round+n-1-i)%(n-1)
	return min(p, q), max(p, q)
}

// blockPair is a copy of the rows that are rotated among each other, n of them.
type blockPair struct {
	*learning
	rows            []int
	x, xg, turned   []float64 // n×(N/S·P): the rows of X; weighted; rotated
	u, v, a         []float64 // n×N/S
	phi, phiTurned  []float64 // n×r
	slopes, curves  []float64 // n×n
	direction, turn []float64 // n×n: E, exp(αE)
	exp             *orthogonal.Exponential
}

func newBlockPair(l *learning, most int) *blockPair {
	numbers := func(n int) []float64 { return make([]float64, most*n) }
	return &blockPair{
		learning: l, rows: make([]int, 0, most),
		x: numbers(l.total()), xg: numbers(l.total()), turned: numbers(l.total()),
		u: numbers(l.cols), v: numbers(l.cols), a: numbers(l.cols),
		phi: numbers(l.rows), phiTurned: numbers(l.rows),
		slopes: numbers(most), curves: numbers(most), direction: numbers(most), turn: numbers(most),
		exp: orthogonal.NewExponential(most),
	}
}

// part returns data as a matrix of as many rows as the pair has.
func (b *blockPair) part(data []float64, cols int) blas64.General {
	return rowMajor(data[:len(b.rows)*cols], cols)
}

// step rotates the rows by exp(αE), α = 1, ½, ¼, … until C falls enough, and returns by how
// much it falls.
func (b *blockPair) step() float64 {
	b.gather()
	before := b.cost()
	slope := b.aim()
	n := len(b.rows)
	turn := b.part(b.turn, n)
	for alpha := 1.0; alpha > leastStep; alpha /= 2 {
		b.exp.Of(turn, alpha, b.part(b.direction, n))
		product(blas.NoTrans, blas.NoTrans, 1, turn, b.part(b.x, b.total()), 0, b.part(b.turned, b.total()))
		meanSquares(b.v[:n*b.cols], b.turned, b.per)
		if after := b.cost(); after <= before+descend*alpha*slope {
			product(blas.NoTrans, blas.NoTrans, 1, turn, b.part(b.phi, b.learning.rows), 0, b.part(b.phiTurned, b.learning.rows))
			b.scatter()
			return before - after
		}
	}
	return 0
}

// leastStep is the α at which step gives up and leaves the rows as they are.
const leastStep = 1e-3

// gather copies the rows of the pair from the learning.
func (b *blockPair) gather() {
	for i, m := range b.rows {
		copyRow(b.x, i, b.learning.x, m, b.total())
		copyRow(b.phi, i, b.learning.phi, m, b.learning.rows)
		copyRow(b.u, i, b.learning.u, m, b.cols)
		copyRow(b.v, i, b.learning.v, m, b.cols)
	}
}

// scatter copies the rotated rows back.
func (b *blockPair) scatter() {
	for i, m := range b.rows {
		copyRow(b.learning.x, m, b.turned, i, b.total())
		copyRow(b.learning.phi, m, b.phiTurned, i, b.learning.rows)
		copyRow(b.learning.v, m, b.v, i, b.cols)
	}
}

func copyRow(dst []float64, i int, src []float64, j, cols int) {
	copy(dst[i*cols:(i+1)*cols], src[j*cols:(j+1)*cols])
}

// The curvature of a rotation, B - A, is increased by damping·B. Otherwise rotations that
// hardly change C would be large and disturb the others that are made at the same time.
const damping = 0.1

// aim sets E and returns the slope of C along it. E_pq is the angle by which rotating rows p
// and q alone would lower C most: with A, B and D as in jacobi, ½ atan2(-2D, B-A).
//
// The is objective goes to infinity wherever a coefficient goes to 0, and steps along its true
// slope end at the nearest such place. So slope and curvature are taken with V + V̂ for V in
// the term log V, which smooths these places over, and 0 is returned: any step that lowers C
// will do. (On two minutes of music, K = 10, this reaches in 4 s of work what steps along the
// true slope need 90 s for.)
func (b *blockPair) aim() float64 {
	n := len(b.rows)
	a := b.u
	if b.is {
		b.weighIS()
		a = b.a
	} else {
		weigh(b.xg, b.x, b.u[:n*b.cols], b.per)
	}
	product(blas.NoTrans, blas.Trans, 1/float64(b.per), b.part(b.xg, b.total()), b.part(b.x, b.total()), 0, b.part(b.slopes, n))
	product(blas.NoTrans, blas.Trans, 1, b.part(a, b.cols), b.part(b.v, b.cols), 0, b.part(b.curves, n))
	var slope float64
	for p := range n {
		for q := range p {
			d := b.slopes[p*n+q] - b.slopes[q*n+p]
			both := b.curves[p*n+q] + b.curves[q*n+p]
			own := b.slopes[p*n+p] + b.slopes[q*n+q]
			angle := 0.5 * math.Atan2(-2*d, both-own+damping*both)
			b.direction[p*n+q], b.direction[q*n+p] = angle, -angle
			slope += 2 * b.weight * d * angle
		}
		b.direction[p*n+p] = 0
	}
	if b.is {
		return 0
	}
	return slope
}

// weighIS sets xg and a for the is objective. The slope weighs X² with 1/V̂ - 1/(V+V̂); the
// curvature has a further term, 2V/(P·(V+V̂)²).
func (b *blockPair) weighIS() {
	bend := 2 / float64(b.per)
	n := len(b.rows) * b.cols
	for i, v := range b.v[:n] {
		u := b.u[i]
		y := u / (v*u + 1)
		b.a[i] = u - y + bend*v*y*y
		for k := i * b.per; k < (i+1)*b.per; k++ {
			b.xg[k] = (u - y) * b.x[k]
		}
	}
}

// cost returns the part of C that Φ changes, summed over the rows of the pair.
func (b *blockPair) cost() float64 {
	n := len(b.rows) * b.cols
	var sum float64
	for i, v := range b.v[:n] {
		sum += v * b.u[i]
	}
	if b.is {
		sum -= kernel.SumLog(b.v[:n], b.eps)
	}
	return b.weight * sum
}

// weigh sets dst to x times g, of which each number serves per numbers of x.
func weigh(dst, x, g []float64, per int) {
	if per == 1 {
		kernel.Mul(dst[:len(g)], x[:len(g)], g)
		return
	}
	for i, a := range g {
		for k := i * per; k < (i+1)*per; k++ {
			dst[k] = a * x[k]
		}
	}
}

// meanSquares sets each number of dst to the mean square of the next per numbers of x.
func meanSquares(dst, x []float64, per int) {
	if per == 1 {
		kernel.Mul(dst, x[:len(dst)], x[:len(dst)])
		return
	}
	scale := 1 / float64(per)
	for i := range dst {
		var sum float64
		for _, a := range x[i*per : (i+1)*per] {
			sum += a * a
		}
		dst[i] = sum * scale
	}
}
