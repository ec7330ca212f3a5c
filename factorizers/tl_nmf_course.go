package factorizers

import (
	"context"
	"math"
	"slices"

	"github.com/audiosep/audiosep/internal/scene"
)

// course is one way down from a start.
type course interface {
	// iterate makes iteration it and records C. done tells whether the course has ended.
	iterate(ctx context.Context, it int) (done bool, err error)
}

// follow makes up to so many iterations of a course of l. What it tells of C is the least of this
// course and of before.
func (l *learning) follow(ctx context.Context, c course, iterations int, told *progress, before float64) error {
	for it := range iterations {
		done, err := c.iterate(ctx, it)
		if err != nil {
			return err
		}
		if done {
			told.step(iterations-it, min(before, l.last()))
			break
		}
		told.step(1, min(before, l.last()))
	}
	return nil
}

// ownCourse makes in each iteration the updates of W and H that its schedule says, then the
// steps of Φ that are asked for.
type ownCourse struct {
	*learning
	tol      float64
	schedule *schedule
	solver   phiSolver
	steps    int
}

func (t tlNMF) ownCourse(ctx context.Context, l *learning, s *scene.Scene) (*ownCourse, error) {
	schedule, err := newSchedule(ctx, t.TLNMFParams, l, s)
	if err != nil {
		return nil, err
	}
	c := &ownCourse{learning: l, tol: t.Tol, schedule: schedule, steps: t.PhiSteps}
	if t.Fix == "none" {
		c.solver = l.solver(t.TLNMFParams)
	}
	return c, nil
}

func (c *ownCourse) iterate(ctx context.Context, it int) (done bool, err error) {
	c.schedule.updateFactors(ctx, it)
	if err := ctx.Err(); err != nil {
		return false, err
	}
	if c.solver != nil {
		if err := improve(ctx, c.solver, c.steps); err != nil {
			return false, err
		}
	}
	return c.record(c.tol)
}

// improve makes up to so many steps of Φ.
func improve(ctx context.Context, s phiSolver, steps int) error {
	for range steps {
		more, err := s.improve(ctx)
		if err != nil {
			return err
		}
		if !more {
			break
		}
	}
	return ctx.Err()
}

// twoCourses tells whether a start is followed down twice, by ownCourse and by publishedCourse:
// where Φ is given, small enough for the exponentials of the second, and free to turn as auto
// chooses.
func (t tlNMF) twoCourses(given bool, rows int) bool {
	return given && rows <= largest && t.Fix == "none" && t.Solver == "auto" && t.Reach == 0
}

// courseKept is what the log says of the course from which a model is.
type courseKept struct {
	steps      string // own or published
	courses    int    // followed from its start
	iterations int    // that it made itself
}

// lower returns the course that ends lower, with the lower C of both after each iteration and its
// own stop. If one ends earlier C stays for it.
func lower(a, b *learning) *learning {
	least, longer := a, a
	if b.last() < a.last() {
		least = b
	}
	if len(b.objective) > len(a.objective) {
		longer = b
	}
	objective := make([]float64, len(longer.objective))
	for i := range objective {
		objective[i] = min(a.objective[min(i, len(a.objective)-1)], b.objective[min(i, len(b.objective)-1)])
	}
	least.objective, least.kept.courses = objective, 2
	return least
}

// publishedCourse takes the steps of the published codes, to rounding: in each iteration one
// update of H and W by majorisation-minimisation, then five line searches of quasi_newton with
// the published curvature (for gcm github.com/sixin-zh/tlnmf-gcm, for is
// github.com/pierreablin/tlnmf). C is not convex: of two courses from one start now one, now the
// other ends lower. This one is beside ownCourse so that C ends about as low as the published
// codes' where theirs ends lower than ownCourse's; see TestPublishedProblems for what was shown.
//
// Three steps of the code for is are not those of a descent on C, but decide where it ends: W is
// made to sum to 1 without H being scaled, slopes in a line search are taken with X before it
// beside X, and the floor there is eps², as of an amplitude eps. So C may rise on the course. In
// each iteration W and H are updated further, aside from it, and the least C so far is kept.
type publishedCourse struct {
	*learning
	tol     float64
	solver  quasiNewton
	factors *momentum
	updates int       // of W and H aside
	mm      bool      // those by majorisation-minimisation
	own     float64   // C before them
	w, h    []float64 // W and H before them
	least   struct{ v, phi, w, h []float64 }
}

// publishedSteps is how often the published codes turn Φ in an iteration, by default.
const publishedSteps = 5

func newPublishedCourse(l *learning, p TLNMFParams) *publishedCourse {
	c := &publishedCourse{
		learning: l, tol: p.Tol, solver: quasiNewton{newTurning(l)}, factors: newMomentum(l),
		updates: p.MMSteps, mm: p.Update == "mm", w: slices.Clone(l.w), h: slices.Clone(l.h),
	}
	if l.is {
		c.solver.fromStart, c.solver.floor = true, p.Eps*l.eps
	}
	c.least.v, c.least.phi, c.least.w, c.least.h = slices.Clone(l.v), slices.Clone(l.phi), slices.Clone(l.w), slices.Clone(l.h)
	return c
}

func (c *publishedCourse) iterate(ctx context.Context, it int) (done bool, err error) {
	l := c.learning
	copy(l.w, c.w)
	copy(l.h, c.h)
	l.keepH = l.is
	c.factors.updateMM(ctx, 1)
	l.keepH = false
	if err := improve(ctx, c.solver, publishedSteps); err != nil {
		return false, err
	}
	was := c.own
	c.own = l.value()
	copy(c.w, l.w)
	copy(c.h, l.h)
	if c.mm {
		c.factors.updateMM(ctx, c.updates)
	} else {
		c.factors.update(ctx, c.updates)
	}
	if err := ctx.Err(); err != nil {
		return false, err
	}
	c.keepLeast()
	if it > 0 && !(math.Abs(was-c.own) >= c.tol*(math.Abs(was)+math.Abs(c.own))) {
		l.stop = "tolerance"
		return true, nil
	}
	return false, nil
}

// keepLeast records the least C so far and keeps what has it.
func (c *publishedCourse) keepLeast() {
	l := c.learning
	at, last := l.value(), math.Inf(1)
	if n := len(l.objective); n > 0 {
		last = l.objective[n-1]
	} else {
		l.stop = "iterations"
	}
	if at < last {
		copy(c.least.v, l.v)
		copy(c.least.phi, l.phi)
		copy(c.least.w, l.w)
		copy(c.least.h, l.h)
		last = at
	}
	l.objective = append(l.objective, last)
}

// end puts what has the least C in force.
func (c *publishedCourse) end() {
	l := c.learning
	l.kept = courseKept{steps: "published", courses: 1, iterations: len(l.objective)}
	l.v, l.phi, l.w, l.h = c.least.v, c.least.phi, c.least.w, c.least.h
}
