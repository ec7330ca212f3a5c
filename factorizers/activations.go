package factorizers

import (
	"context"
	"fmt"
	"math"
	"runtime"

	"github.com/audiosep/audiosep"
	"gonum.org/v1/gonum/mat"
)

// ActivationsParams are the parameters of activations.
type ActivationsParams struct {
	Beta       float64 `json:"beta" min:"-4" max:"4" doc:"Which divergence: 0 is Itakura-Saito, 1 Kullback-Leibler, 2 Euclidean."`
	Iterations int     `json:"iterations" min:"1" doc:"Most updates of a frame's activations."`
	Tol        float64 `json:"tol" min:"0" doc:"A frame is done when an update changes its activations by no more than this part of their sum."`
	Eps        float64 `json:"eps" min:"0" doc:"Floor added to V and to WH, in the units of V."`
	Update     string  `json:"update" oneof:"mm|heuristic" doc:"mm never raises a frame's divergence; heuristic has the exponent 1 whatever the divergence and is faster."`
	L1         float64 `json:"l1" min:"0" doc:"Weight of the sum of H in the objective: larger is sparser."`
	Power      int     `json:"power" min:"1" max:"2" doc:"2 for a dictionary of powers, 1 for one of magnitudes; as it was learnt."`
}

var activationsStage = audiosep.Define("activations",
	"Activations of a given dictionary: H such that V ≈ WH, by multiplicative updates of each frame by itself.",
	ActivationsParams{Iterations: 100, Tol: 1e-4, Eps: nmfDefaults.Eps, Update: "mm", Power: 2}, NewActivations)

// NewActivations returns the activator that minimises D_β(v+eps | Wh+eps) + l1 Σ h of
// each column by the updates of NewNMF, from the same activation for all components; in
// the penalty h is that of a dictionary whose columns sum to 1. A column's result does
// not depend on the others in the call.
func NewActivations(p ActivationsParams) (audiosep.Activator, error) { return activations{p}, nil }

type activations struct{ ActivationsParams }

// Activate writes dst, K×n. The columns of w, F×K, need not sum to 1; a column of zeros
// has no activation. It is an error if the shapes do not fit or v could not be
// factorised.
func (a activations) Activate(ctx context.Context, dst, v, w *mat.Dense) error {
	if err := checkPower(v, a.Beta, a.Eps); err != nil {
		return err
	}
	bins, cols := v.Dims()
	if err := (&audiosep.Factors{W: w}).Validate(bins, cols); err != nil {
		return err
	}
	_, rank := w.Dims()
	if r, c := dst.Dims(); r != rank || c != cols {
		return &audiosep.ShapeError{What: "H", Is: fmt.Sprintf("%d×%d", r, c), Want: fmt.Sprintf("%d×%d", rank, cols)}
	}
	c := newCrew(runtime.GOMAXPROCS(0))
	defer c.close()
	sums := columnSums(w)
	v = magnitude(v, a.Power)
	s := newNMF(ctx, c, v, w, flatStart(v, sums), nmfOptions{
		beta: a.Beta, eps: a.Eps, l1: a.L1, heuristic: a.Update == "heuristic", fixW: true,
	})
	s.holdW()
	c.do(s.strips, func(worker, t int) { a.activateStrip(s, worker, t) })
	if err := ctx.Err(); err != nil {
		return err
	}
	_, h := s.factors()
	for k, sum := range sums {
		for n, x := range h.RawRowView(k) {
			if sum > 0 {
				x /= sum
			}
			if math.IsNaN(x) || math.IsInf(x, 0) {
				return fmt.Errorf("the activation of component %d in column %d is %v; want a finite number: scale V or raise eps", k, n, x)
			}
			dst.Set(k, n, x)
		}
	}
	return nil
}

// flatStart returns H such that WH has the sums of V's columns, each component that has
// a spectrum the same part of it.
func flatStart(v *mat.Dense, sums []float64) *mat.Dense {
	var active float64
	for _, sum := range sums {
		if sum > 0 {
			active++
		}
	}
	total := make([]float64, v.RawMatrix().Cols)
	for f := range v.RawMatrix().Rows {
		axpy(total, 1, v.RawRowView(f))
	}
	h := mat.NewDense(len(sums), len(total), nil)
	for k, sum := range sums {
		if sum > 0 {
			for n, x := range total {
				h.Set(k, n, x/(active*sum))
			}
		}
	}
	return h
}

func columnSums(w *mat.Dense) []float64 {
	bins, rank := w.Dims()
	sums := make([]float64, rank)
	for f := range bins {
		axpy(sums, 1, w.RawRowView(f))
	}
	return sums
}

// activateStrip updates the columns of strip t of s until each is done.
func (a activations) activateStrip(s *nmf, worker, t int) {
	ws, h, next := &s.scratch[worker], s.activations(s.h, t), s.activations(s.hNext, t)
	var done [wide]bool
	for range a.Iterations {
		if s.ctx.Err() != nil {
			return
		}
		s.stripTerms(ws, h, t)
		scaleByPower(next, h, ws.num, ws.den, s.gammaH)
		var change, size strip
		for i, x := range next {
			change[i%wide] += math.Abs(x - h[i])
			size[i%wide] += x
		}
		left := false
		for j := range done {
			if done[j] {
				continue
			}
			for i := j; i < len(h); i += wide {
				h[i] = next[i]
			}
			done[j] = change[j] <= a.Tol*size[j]
			left = left || !done[j]
		}
		if !left {
			return
		}
	}
}
