package factorizers

import (
	"context"
	"errors"
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
)

// longFrames is a solver of coefficients so many that an iteration has several parts.
func longFrames(p ILRTAParams) (*ilrtaSolver, int) {
	const bins, cols = 160, 900
	rng := audiosep.Env{}.Rand("x")
	x := &tensor{bins: bins, cols: cols, per: 1, shared: 1, layers: 1, power: 1, planes: planes{re: make([]float64, bins*cols)}}
	for i := range x.re {
		x.re[i] = rng.NormFloat64()
	}
	w, h := randomPositive(rng, bins, p.Rank), randomPositive(rng, p.Rank, cols)
	normaliseColumns(w)
	return newILRTASolver(x, p, w, h, 1), iterationParts(x, p.Learn)
}

// Where an iteration takes long it is told of in parts, which sum to as many as were promised, and
// it ends soon after the context does.
func TestILRTATellsOfLongIterations(t *testing.T) {
	p := DefaultILRTA()
	p.Rank, p.Iterations, p.Tol = 2, 2, 0
	l, parts := longFrames(p)
	if parts < 2 {
		t.Fatalf("an iteration has %d parts; want several", parts)
	}
	var steps []audiosep.Step
	told := newProgress(audiosep.Env{Progress: func(s audiosep.Step) { steps = append(steps, s) }}, p.Iterations*parts, 1)
	s := &ILRTA{p}
	if _, err := s.learn(t.Context(), l, parts, told); err != nil {
		t.Fatal(err)
	}
	told.end(l.last())
	objectives := 0
	for i, step := range steps {
		if step.Done != i+1 || step.Of != 2*parts {
			t.Errorf("step %d is %d of %d; want each of %d once", i+1, step.Done, step.Of, 2*parts)
		}
		if !math.IsNaN(step.Objective) {
			objectives++
		}
	}
	if len(steps) != 2*parts || objectives != 2 {
		t.Errorf("%d steps, %d with an objective; want %d and 2", len(steps), objectives, 2*parts)
	}

	l, _ = longFrames(p)
	ctx, cancel := context.WithCancel(t.Context())
	told = newProgress(audiosep.Env{Progress: func(s audiosep.Step) { cancel(); steps = append(steps, s) }}, p.Iterations*parts, 1)
	steps = nil
	if _, err := s.learn(ctx, l, parts, told); !errors.Is(err, context.Canceled) || len(steps) != 1 {
		t.Errorf("%v after %d steps; want an end after the first", err, len(steps))
	}
}

// Nobody waits for the inverse of a great matrix that nobody wants any more.
func TestInverseIsNotWaitedFor(t *testing.T) {
	const n = 700
	x := planes{re: make([]float64, n*n)}
	for i := range n {
		x.re[i*n+i] = 1
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := x.inverse(ctx, n); !errors.Is(err, context.Canceled) {
		t.Errorf("%v; want a cancellation", err)
	}
	small, err := planes{re: []float64{2, 0, 0, 4}}.inverse(t.Context(), 2)
	if err != nil || !mat.EqualApprox(mat.NewDense(2, 2, small.re), mat.NewDense(2, 2, []float64{0.5, 0, 0, 0.25}), 1e-15) {
		t.Errorf("%v, %v", small.re, err)
	}
}
