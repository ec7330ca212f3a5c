package factorizers

import "context"

// neighbours rotates, as jacobi does, rows of Φ that are at most reach apart, and no
// others. Under a start whose rows are in the order of their frequencies, such as the
// DCT, Φ can then do no more than share the power of a partial out among the bins into
// which it leaks: M·reach parameters rather than M(M-1)/2, and as much less work.
type neighbours struct {
	*jacobi
	reach         int
	apart, parity int // of the rotations that are made at a time
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
	s.power() // as in jacobi
	return true, nil
}

func (s *neighbours) pair(worker, i int) {
	if p, q := neighbour(s.apart, s.parity, i); q < s.rows {
		s.rotate(p, q, s.cross[worker])
	}
}

// neighbour returns the i-th two rows that are so far apart and of which the first,
// divided by that, is even or odd: no two of these pairs have a row in common.
func neighbour(apart, parity, i int) (p, q int) {
	p = (2*(i/apart)+parity)*apart + i%apart
	return p, p + apart
}
