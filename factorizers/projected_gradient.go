package factorizers

import "context"

// projectedGradient is the plain baseline: steps along the gradient on the group of rotations.
// The length is doubled after a step that lowers C enough, and halved until one does.
type projectedGradient struct {
	*turning
	length float64
}

func newProjectedGradient(l *learning) *projectedGradient {
	return &projectedGradient{turning: newTurning(l), length: 1}
}

func (s *projectedGradient) improve(ctx context.Context) (bool, error) {
	s.slope()
	g, e := s.slopes.RawMatrix().Data, s.direction.RawMatrix().Data
	var most float64
	for p := range s.rows {
		var sum float64
		for _, a := range g[p*s.rows : (p+1)*s.rows] {
			sum += max(a, -a)
		}
		most = max(most, sum)
	}
	if most == 0 {
		return false, nil
	}
	for i, a := range g { // a length of 1 rotates no row by more than one radian
		e[i] = -a * s.length / most
	}
	alpha, more, err := s.search(ctx)
	if alpha == 1 {
		s.length = min(1, 2*s.length)
	} else {
		s.length *= alpha
	}
	return more, err
}
