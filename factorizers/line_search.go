package factorizers

import (
	"context"
	"math"
)

// Constants of the strong Wolfe conditions for a step α along E from 0 with the slope C' < 0:
//
//	C(α) ≤ C(0) + descend·α·C'(0),  |C'(α)| ≤ flatten·|C'(0)|.
const (
	descend   = 1e-4
	flatten   = 0.9
	mostTries = 30
)

// search tries the step α = 1, then halves it until C falls enough, and returns α. more is
// false if no step was taken.
func (s *turning) search(ctx context.Context) (alpha float64, more bool, err error) {
	slope := s.along()
	if !(slope < 0) {
		return 0, false, nil
	}
	before := s.value()
	s.swap()
	alpha = 1
	for range mostTries {
		if err := ctx.Err(); err != nil {
			return 0, false, err
		}
		s.moveTo(alpha)
		if s.value() <= before+descend*alpha*slope {
			s.rotatePhi()
			return alpha, true, nil
		}
		alpha /= 2
	}
	s.swap()
	return alpha, false, nil
}

// A point of a line search: α, C and the slope of C there.
type point struct{ alpha, value, slope float64 }

// searchWolfe is the line search of the published code: it doubles the step until it
// brackets a point that meets the strong Wolfe conditions, then narrows the bracket by cubic
// and quadratic interpolation (Nocedal and Wright, algorithms 3.5 and 3.6). more is false if
// no step was taken.
func (s *turning) searchWolfe(ctx context.Context) (more bool, err error) {
	origin := point{0, s.cost(), s.along()}
	if !(origin.slope < 0) {
		return false, nil
	}
	s.swap()
	before, found := origin, false
	for i := range mostTries {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		at := point{alpha: math.Ldexp(1, i)}
		at.value = s.at(at.alpha)
		if at.value > origin.value+descend*at.alpha*origin.slope || i > 0 && at.value >= before.value {
			found = s.zoom(origin, before, at)
			break
		}
		at.slope = s.slopeHere()
		if math.Abs(at.slope) <= -flatten*origin.slope {
			found = true
			break
		}
		if at.slope >= 0 {
			found = s.zoom(origin, at, before)
			break
		}
		before = at
	}
	if !found {
		s.swap()
		return false, nil
	}
	s.rotatePhi()
	return true, nil
}

// zoom looks between low and high, of which low has the lower C, for a point that meets the
// Wolfe conditions and reports whether it has moved to one.
func (s *turning) zoom(origin, low, high point) bool {
	last := origin
	for i := range 11 {
		from, to := min(low.alpha, high.alpha), max(low.alpha, high.alpha)
		width := to - from
		alpha := math.NaN()
		if i > 0 {
			alpha = cubicLeast(low, high, last)
		}
		if !(alpha >= from+0.2*width && alpha <= to-0.2*width) {
			alpha = quadraticLeast(low, high)
			if !(alpha >= from+0.1*width && alpha <= to-0.1*width) {
				alpha = low.alpha + 0.5*(high.alpha-low.alpha)
			}
		}
		at := point{alpha: alpha, value: s.at(alpha)}
		if at.value > origin.value+descend*alpha*origin.slope || at.value >= low.value {
			last, high = high, at
			continue
		}
		at.slope = s.slopeHere()
		if math.Abs(at.slope) <= -flatten*origin.slope {
			return true
		}
		if at.slope*(high.alpha-low.alpha) >= 0 {
			last, high = high, low
		} else {
			last = low
		}
		low = at
	}
	return false
}

// at moves to alpha and returns C there.
func (s *turning) at(alpha float64) float64 {
	s.moveTo(alpha)
	return s.cost()
}

// slopeHere returns the slope of C along E at the point moved to.
func (s *turning) slopeHere() float64 {
	if s.fromStart {
		s.slopeWith(s.x0)
	} else {
		s.slope()
	}
	return s.along()
}

// quadraticLeast returns the least point of the parabola through low, with its slope,
// and high; NaN if there is none.
func quadraticLeast(low, high point) float64 {
	d := high.alpha - low.alpha
	b := (high.value - low.value - low.slope*d) / (d * d)
	if !(b > 0) {
		return math.NaN()
	}
	return low.alpha - low.slope/(2*b)
}

// cubicLeast returns the least point of the cubic through low, with its slope, high and
// last; NaN if there is none.
func cubicLeast(low, high, last point) float64 {
	d1, d2 := high.alpha-low.alpha, last.alpha-low.alpha
	r1, r2 := high.value-low.value-low.slope*d1, last.value-low.value-low.slope*d2
	scale := d1 * d1 * d2 * d2 * (d1 - d2)
	a := (d2*d2*r1 - d1*d1*r2) / scale
	b := (d1*d1*d1*r2 - d2*d2*d2*r1) / scale
	return low.alpha + (-b+math.Sqrt(b*b-3*a*low.slope))/(3*a)
}
