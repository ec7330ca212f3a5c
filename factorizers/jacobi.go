package factorizers

import (
	"context"
	"math"
)

// jacobi minimises the gcm objective over Φ by rotating two of its rows at a time by the best
// angle, which has a closed form. With c = cos θ, s = sin θ and sums over the columns
//
//	x_p ← c·x_p + s·x_q,  x_q ← c·x_q - s·x_p
//	A = Σ V_p u_p + V_q u_q,  B = Σ V_q u_p + V_p u_q,  D = Σ C_pq (u_p - u_q)
//
// where C_pq is the mean of x_p x_q over the frames of a column and u = 1/V̂, the two
// rows cost ½(A c² + B s² + 2D c s), least at θ = ½ atan2(-2D, B-A).
type jacobi struct {
	*learning
	tol   float64
	round int
	cross [][]float64 // C_pq, of each worker
	task  func(worker, i int)
	least float64 // rotations that lower C by no more are left out
}

func newJacobi(l *learning, tol float64) *jacobi {
	j := &jacobi{learning: l, tol: tol}
	for range l.threads {
		j.cross = append(j.cross, make([]float64, l.cols))
	}
	j.task = j.pair
	return j
}

// improve is one sweep: every pair of rows once, in rounds whose pairs have no row in common,
// so that they may be rotated at the same time.
func (s *jacobi) improve(ctx context.Context) (bool, error) {
	n := s.rows + s.rows%2
	s.spare(s.rows * (s.rows - 1) / 2)
	for s.round = range n - 1 {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		s.team.Do(n/2, s.threads, s.task)
	}
	s.power() // v from x again, so that rounding errors of the rotations do not add up
	return true, nil
}

// spare sets least so that so many rotations, all left out, would together lower C by a tenth
// of what ends the descent.
func (s *jacobi) spare(rotations int) {
	s.least = 0
	if len(s.objective) > 0 {
		s.least = 0.1 * s.tol * math.Abs(s.last()) / float64(rotations)
	}
}

// pair rotates pair i of the round.
func (s *jacobi) pair(worker, i int) {
	if p, q := opponents(s.rows+s.rows%2, s.round, i); q < s.rows {
		s.rotate(p, q, s.cross[worker])
	}
}

// rotate rotates rows p and q by the best angle.
func (s *jacobi) rotate(p, q int, cross []float64) {
	vp, vq := s.v[p*s.cols:(p+1)*s.cols], s.v[q*s.cols:(q+1)*s.cols]
	up, uq := s.u[p*s.cols:(p+1)*s.cols], s.u[q*s.cols:(q+1)*s.cols]
	// half is (A-B)/2. With ep = Σ V_p |u_p-u_q| and eq alike, |D| ≤ √(ep·eq) (Cauchy-Schwarz).
	var half, ep, eq float64
	for j, a := range vp {
		b, d := vq[j], up[j]-uq[j]
		half += (a - b) * d
		d = math.Abs(d)
		ep += a * d
		eq += b * d
	}
	half /= 2
	if gain(half, math.Sqrt(ep*eq)) <= s.least {
		return
	}
	xp, xq := s.x[p*s.total():(p+1)*s.total()], s.x[q*s.total():(q+1)*s.total()]
	s.crossOf(cross, xp, xq)
	var d float64
	for j, c := range cross {
		d += c * (up[j] - uq[j])
	}
	if gain(half, d) <= s.least {
		return
	}
	sin, cos := math.Sincos(0.5 * math.Atan2(-2*d, -2*half))
	turn(xp, xq, cos, sin)
	turn(s.phi[p*s.rows:(p+1)*s.rows], s.phi[q*s.rows:(q+1)*s.rows], cos, sin)
	cc, ss, cs := cos*cos, sin*sin, 2*cos*sin
	for j, a := range vp {
		b, c := vq[j], cs*cross[j]
		vp[j] = max(0, cc*a+ss*b+c)
		vq[j] = max(0, ss*a+cc*b-c)
	}
}

// gain returns by how much the best rotation lowers C: (half + √(half² + d²))/2.
func gain(half, d float64) float64 {
	if half < 0 {
		return 0.5 * d * d / (math.Hypot(half, d) - half)
	}
	return 0.5 * (half + math.Hypot(half, d))
}

// crossOf sets dst to the mean of xp·xq over the frames of each column.
func (s *jacobi) crossOf(dst, xp, xq []float64) {
	scale := 1 / float64(s.per)
	for j := range dst {
		a, b := xp[j*s.per:(j+1)*s.per], xq[j*s.per:(j+1)*s.per]
		var even, odd float64 // two sums, which the processor adds to at the same time
		i := 0
		for ; i+1 < len(a); i += 2 {
			even += a[i] * b[i]
			odd += a[i+1] * b[i+1]
		}
		if i < len(a) {
			even += a[i] * b[i]
		}
		dst[j] = (even + odd) * scale
	}
}

// turn rotates the rows p and q: p ← cos·p + sin·q, q ← cos·q - sin·p.
func turn(p, q []float64, cos, sin float64) {
	for i, a := range p {
		b := q[i]
		p[i] = cos*a + sin*b
		q[i] = cos*b - sin*a
	}
}
