package factorizers

import "context"

// neighbours rotates, as jacobi does, pairs of rows of Φ that are at most reach apart, and no
// others. From a start whose rows are in the order of their frequencies, such as the DCT, Φ
// then only redistributes the power of a partial among the bins into which it leaks. It has
// M·reach parameters rather than M(M-1)/2, and a sweep is less work in the same ratio.
type neighbours struct {
	*jacobi
	reach         int
	apart, parity int // which pairs are rotated now: see neighbour
	tasks         func(worker, i int)
}

func newNeighbours(l *learning, tol float64, reach int) *neighbours {
	s := &neighbours{jacobi: newJacobi(l, tol), reach: min(reach, l.rows-1)}
	s.tasks = s.pair
	return s
}

// improve is one sweep: every pair of rows within reach once, the nearest first.
func (s *neighbours) improve(ctx context.Context) (bool, error) {
	s.spare(s.rows * s.reach)
	for s.apart = 1; s.apart <= s.reach; s.apart++ {
		for s.parity = range 2 {
			if err := ctx.Err(); err != nil {
				return false, err
			}
			s.team.Do((s.rows+s.apart)/2, s.threads, s.tasks)
		}
	}
	s.power() // as jacobi does
	return true, nil
}

func (s *neighbours) pair(worker, i int) {
	if p, q := neighbour(s.apart, s.parity, i); q < s.rows {
		s.rotate(p, q, s.cross[worker])
	}
}

// neighbour returns the i-th pair of rows p, q = p+apart with ⌊p/apart⌋ of the given parity,
// 0 or 1: no two of these pairs have a row in common.
func neighbour(apart, parity, i int) (p, q int) {
	p = (2*(i/apart)+parity)*apart + i%apart
	return p, p + apart
}
