package factorizers

import (
	"context"
	"math"
	"slices"

	"github.com/audiosep/audiosep/internal/kernel"
	"gonum.org/v1/gonum/floats"
)

// momentum carries W and H on past their updates, in the direction in which the last ones
// moved them: x ← x∘(x/x')^β with x' the factors as the update before had left them, where
// β grows towards 1 as in Nesterov's method. The updates have the exponent 1, which goes
// about twice as far as ½ and, unlike it, may raise C. So C is computed before each update,
// which costs little; what raised it is taken back, and an update from rest with the
// exponent ½ takes its place.
//
// On 1024×2600 powers of generated notes 30 updates come as far as 200 with the exponent ½,
// and 100 as far as 600.
type momentum struct {
	*learning
	least        float64   // C, but for what does not depend on W and H
	w, h         []float64 // where it is least
	wLast, hLast []float64 // x'
	age          float64   // updates since rest, in Nesterov's count; 1 at rest
	careful      bool      // the next update is from rest, with the exponent ½
}

func newMomentum(l *learning) *momentum {
	return &momentum{
		learning: l, w: slices.Clone(l.w), h: slices.Clone(l.h),
		wLast: slices.Clone(l.w), hLast: slices.Clone(l.h), age: 1,
	}
}

// settle makes so many updates of H and W and sets u. C is no higher afterwards. Once ctx is
// done there is nothing to rely on.
func (s *momentum) settle(ctx context.Context, updates int) {
	s.passes.Load(rowMajor(s.v, s.cols))
	for i := range updates {
		s.update(ctx, i == 0)
	}
	d := s.passes.Objective(ctx, rowMajor(s.learning.w, s.rank), rowMajor(s.learning.h, s.cols))
	if !(s.owing(d) <= s.least) {
		s.takeBack()
	}
	s.model()
}

// settleSlowly is settle by majorisation-minimisation, from rest to rest.
func (s *momentum) settleSlowly(ctx context.Context, updates int) {
	s.passes.Load(rowMajor(s.v, s.cols))
	for range updates {
		s.advance(ctx, 0.5, false)
		s.rest()
		s.arrive()
		s.goBeyond(0)
	}
	s.model()
}

// owing returns C as far as W and H change it.
func (s *momentum) owing(divergence float64) float64 {
	return s.weight*divergence + s.l1*floats.Sum(s.learning.h)
}

func (s *momentum) keep() {
	copy(s.w, s.learning.w)
	copy(s.h, s.learning.h)
}

func (s *momentum) takeBack() {
	copy(s.learning.w, s.w)
	copy(s.learning.h, s.h)
	s.careful = true
}

func (s *momentum) rest() { s.age, s.careful = 1, false }

// update is one update of H and of W and the step beyond, from where C is no higher than it
// was: the first of several begins where it is.
func (s *momentum) update(ctx context.Context, first bool) {
	gamma := 1.0
	if s.careful {
		gamma = 0.5
	}
	c := s.owing(s.advance(ctx, gamma, true))
	if first || c <= s.least {
		s.least = c
		s.keep()
	} else {
		s.takeBack()
		s.advance(ctx, 0.5, false)
	}
	beta := 0.0
	if s.careful {
		s.rest()
	} else {
		age := (1 + math.Sqrt(1+4*s.age*s.age)) / 2
		beta, s.age = (s.age-1)/age, age
	}
	s.arrive()
	s.goBeyond(beta)
}

// goBeyond carries W and H on past their update.
func (s *momentum) goBeyond(beta float64) {
	beyond(s.learning.w, s.wLast, s.numW, beta)
	beyond(s.learning.h, s.hLast, s.hNext, beta)
	if beta > 0 {
		s.normalise()
	}
}

// beyond sets x to x∘(x/last)^β and last to x as it was, by way of now.
func beyond(x, last, now []float64, beta float64) {
	copy(now, x)
	if beta > 0 {
		kernel.Scale(x, x, now, last, beta)
	}
	copy(last, now)
}
