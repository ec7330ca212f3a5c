package listen

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/loopback"
)

// session is what one page works on. It stays when the page is closed, and is offered again.
type session struct {
	id      int
	r       *recording
	events  loopback.Hub
	changed time.Time

	mu        sync.Mutex
	plan      Plan
	solutions []*solution // the latest, oldest first
	solved    int         // how many there have been
	adopted   int         // the newest that a page took into its plan
	job       *job        // at work; nil: none
}

// job is long work, one at a time in a session.
type job struct {
	What   string             `json:"what"` // solve, export
	cancel context.CancelFunc `json:"-"`
}

// mostSolutions is how many a session keeps, to go back to.
const mostSolutions = 24

// errBusy and errGone are what a page is told by other means than words.
var (
	errBusy = errors.New("something is being computed already; want it cancelled first, or its end")
	errGone = errors.New("this solution is not kept any more; want it solved again")
)

// state is a session as its page sees it.
type state struct {
	ID        int        `json:"id"`
	Plan      Plan       `json:"plan"`
	Solutions []*outcome `json:"solutions"`
	// Adopted is the number of the newest solution that was in a plan which a page sent. One that is
	// newer was found while no page was open.
	Adopted int  `json:"adopted"`
	Job     *job `json:"job"`
}

// outcome is what a page knows of a solution.
type outcome struct {
	ID         int       `json:"id"`
	Method     string    `json:"method"`
	Sources    []string  `json:"sources"`
	Components int       `json:"components"` // of all
	Each       int       `json:"each"`       // components and iterations as the plan asked for them
	Iterations int       `json:"iterations"`
	Objective  []float64 `json:"objective"`
	Stop       string    `json:"stop"`
}

func (s *solution) outcome() *outcome {
	o := &outcome{ID: s.id, Method: s.plan.Method, Components: s.factors.Rank(), Each: s.plan.Components, Iterations: s.plan.Iterations, Objective: s.factors.Objective, Stop: s.factors.Stop, Sources: []string{}}
	for _, g := range s.factors.Sources {
		o.Sources = append(o.Sources, g.Name)
	}
	return o
}

func (s *session) state() state {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := state{ID: s.id, Plan: s.plan, Adopted: s.adopted, Job: s.job, Solutions: []*outcome{}}
	for _, sol := range s.solutions {
		st.Solutions = append(st.Solutions, sol.outcome())
	}
	return st
}

// setPlan keeps a plan that a page made.
func (s *session) setPlan(p Plan) error {
	if err := p.Validate(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.plan, s.adopted, s.changed = p, max(s.adopted, p.Solution), time.Now()
	return nil
}

// solution returns one of a number.
func (s *session) solution(id int) (*solution, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.solutions, func(x *solution) bool { return x.id == id })
	if i < 0 {
		return nil, errGone
	}
	return s.solutions[i], nil
}

// current returns the plan and its solution.
func (s *session) current() (Plan, *solution, error) {
	s.mu.Lock()
	p := s.plan
	s.mu.Unlock()
	if p.Solution == 0 {
		return p, nil, fmt.Errorf("nothing is solved yet; want that first")
	}
	sol, err := s.solution(p.Solution)
	return p, sol, err
}

// keep gives a solution its number.
func (s *session) keep(sol *solution) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.solved++
	sol.id = s.solved
	if s.solutions = append(s.solutions, sol); len(s.solutions) > mostSolutions {
		s.solutions = s.solutions[1:]
	}
	s.changed = time.Now()
}

// begin starts long work. work reports through tell; its end is told to all pages of the
// session.
func (s *session) begin(ctx context.Context, what string, work func(ctx context.Context, report func(stage string, st audiosep.Step)) (any, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.job != nil {
		return errBusy
	}
	ctx, cancel := context.WithCancel(ctx)
	s.job = &job{What: what, cancel: cancel}
	go func() {
		defer cancel()
		done, err := s.guarded(ctx, what, work)
		s.mu.Lock()
		s.job = nil
		s.mu.Unlock()
		switch {
		case err == nil:
			s.events.Tell("done", map[string]any{"what": what, "result": done})
		case ctx.Err() != nil:
			s.events.Tell("cancelled", map[string]any{"what": what})
		default:
			s.events.Tell("failed", map[string]any{"what": what, "error": err.Error()})
		}
	}()
	return nil
}

// guarded does work, whose panics are its errors.
func (s *session) guarded(ctx context.Context, what string, work func(context.Context, func(string, audiosep.Step)) (any, error)) (done any, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("a fault of the program: %v", p)
		}
	}()
	var mu sync.Mutex
	var told time.Time
	return work(ctx, func(stage string, st audiosep.Step) {
		mu.Lock()
		defer mu.Unlock()
		if now := time.Now(); now.Sub(told) > 50*time.Millisecond || st.Done >= st.Of {
			told = now
			s.events.Tell("progress", map[string]any{"what": what, "stage": stage, "done": st.Done, "of": st.Of})
		}
	})
}

// cancel ends the work that is being done, if there is any.
func (s *session) cancel() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.job != nil {
		s.job.cancel()
	}
}

// solve begins to solve a plan.
func (s *session) solve(ctx context.Context, p Plan) error {
	if err := p.Validate(); err != nil {
		return err
	}
	before, _ := s.solution(p.Solution)
	return s.begin(ctx, "solve", func(ctx context.Context, report func(string, audiosep.Step)) (any, error) {
		sol, err := s.r.solve(ctx, p, before, report)
		if err != nil {
			return nil, err
		}
		s.keep(sol)
		return sol.outcome(), nil
	})
}
