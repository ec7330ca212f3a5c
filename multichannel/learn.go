package multichannel

import (
	"context"
	"fmt"
	"math"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/counted"
)

// solver learns demixing matrices, and what else its model has, iteration by iteration.
type solver interface {
	start() // computes what follows from the matrices
	iterate()
	objective() float64 // of the matrices and the model as they are
	check() error
}

// learn makes iterations of a solver from its start on, and tells told the objective after each.
func learn(ctx context.Context, s solver, iterations int, told func(objective float64)) error {
	s.start()
	for i := range iterations {
		if err := ctx.Err(); err != nil {
			return err
		}
		s.iterate()
		now := s.objective()
		if math.IsNaN(now) || math.IsInf(now, 0) {
			if err := s.check(); err != nil { // it knows which bin
				return err
			}
			return fmt.Errorf("the objective is %v after %s; want a finite one, as with a greater eps", now, counted.Of(i+1, "iteration"))
		}
		told(now)
	}
	return s.check()
}

// progress tells how far a stage has come. The last step is told by end.
type progress struct {
	env      audiosep.Env
	done, of int
}

// step tells of one iteration more.
func (p *progress) step(objective float64) {
	if p.done++; p.done < p.of {
		p.env.Report(audiosep.Step{Done: p.done, Of: p.of, Objective: objective})
	}
}

// end tells the objective of what is kept.
func (p *progress) end(objective float64) {
	p.env.Report(audiosep.Step{Done: p.of, Of: p.of, Objective: objective})
}

// begin returns a demixer of the mixture that has learnt for so many iterations by iva, of model
// gauss; without any its matrices are those of the microphones as they are.
func begin(ctx context.Context, m *mixture, iterations int, told func(objective float64)) (*demixer, error) {
	if iterations == 0 {
		return newDemixer(m), nil
	}
	warm := newIVA(newDemixer(m), IVAParams{Model: "gauss", Update: "ip2"})
	return warm.demixer, learn(ctx, warm, iterations, told)
}
