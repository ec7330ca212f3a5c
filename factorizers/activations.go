package factorizers

import (
	"context"
	"fmt"
	"math"
	"runtime"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/kernel"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// ActivationsParams are the parameters of activations.
type ActivationsParams struct {
	Beta       float64 `json:"beta" min:"-4" max:"4" doc:"Which divergence: 0 is Itakura-Saito, 1 Kullback-Leibler, 2 Euclidean."`
	Iterations int     `json:"iterations" min:"1" max:"1000000000" doc:"Most updates of a frame's activations."`
	Tol        float64 `json:"tol" min:"0" doc:"A frame is done when an update changes its activations by no more than this part of their sum."`
	Eps        float64 `json:"eps" min:"0" doc:"Floor added to V and to WH, in the units of V."`
	Update     string  `json:"update" oneof:"mm|heuristic" doc:"mm never raises a frame's divergence; heuristic has the exponent 1 whatever the divergence and is faster."`
	L1         float64 `json:"l1" min:"0" doc:"Weight in the objective of the sum of H, each component counted as if its column of the dictionary summed to 1, as in NMF: larger is sparser."`
	Power      int     `json:"power" min:"1" max:"2" doc:"2 for a dictionary of powers, 1 for one of magnitudes; as it was learnt."`
}

var activationsStage = audiosep.Define("activations",
	"Activations of a given dictionary: H such that V ≈ WH, by multiplicative updates of each frame by itself.",
	DefaultActivations(), NewActivations)

// DefaultActivations returns the defaults of activations.
func DefaultActivations() ActivationsParams {
	return ActivationsParams{Iterations: 100, Tol: 1e-4, Eps: defaultNMF().Eps, Update: "mm", Power: 2}
}

// NewActivations returns the activator that minimises D_β(v+eps | Wh+eps) + l1 Σ_k ‖w_k‖₁h_k of
// each column by the updates of NewNMF, from the same power for all components. The l1 term is
// that of NewNMF: it does not depend on how a dictionary is scaled. A column's result
// does not depend on the others in the call. It is an error if p is out of the ranges in its
// tags, as in a spec.
func NewActivations(p ActivationsParams) (audiosep.Activator, error) {
	if err := audiosep.CheckStruct(p); err != nil {
		return nil, err
	}
	return activations{p}, nil
}

type activations struct{ ActivationsParams }

// Forecast says what is known of the factors: what is known of the dictionary.
func (activations) Forecast(in map[string]audiosep.Forecast) (map[string]audiosep.Forecast, error) {
	f := in["dictionary"]
	f.NoH = false
	return map[string]audiosep.Forecast{"factors": f}, nil
}

// Needs says what it takes: the activations, and for each thread a block of V, as it comes, laid
// out and without the columns that are done, with factors and their updates.
func (a activations) Needs(e audiosep.Extent) audiosep.Needs {
	block := e.Block()
	one := 3*8*int64(block)*int64(e.Bins) + kernel.StripsBytes(e.Bins, block, kernel.Full) + factorsAtOnce*8*int64(e.Rank)*int64(e.Bins+block)
	keeps := 8 * int64(e.Rank) * int64(e.Columns)
	return audiosep.Needs{Work: 2*int64(max(1, e.Threads))*one + e.Blocks(), Keeps: keeps,
		Operations: float64(a.Iterations) * float64(e.Bins) * float64(e.Columns) * (4*float64(e.Rank)/productSpeed + elementWork)}
}

// CheckFramings refuses a dictionary that was learnt from frames that are cut otherwise.
func (activations) CheckFramings(in map[string][]*audiosep.Framing) error {
	return fits(in, "power", "dictionary")
}

// alike says why one of several inputs, each called what, is of frames that are cut otherwise than
// those of the first; nil where either is not known.
func alike(all []*audiosep.Framing, what string) error {
	for i, f := range all {
		if first := all[0]; f != nil && first != nil {
			if err := f.Fits(*first); err != nil {
				return fmt.Errorf("%s %d: %w", what, i+1, err)
			}
		}
	}
	return nil
}

// fits says why frames of one input are not cut as those from which a dictionary, another input,
// was learnt; nil where one is not known.
func fits(in map[string][]*audiosep.Framing, frames, dictionary string) error {
	for _, f := range in[frames] {
		for _, learnt := range in[dictionary] {
			if f == nil || learnt == nil {
				continue
			}
			if err := f.Fits(*learnt); err != nil {
				return err
			}
		}
	}
	return nil
}

// Activate writes dst, K×n. The columns of w, F×K, need not sum to 1; a column of zeros
// has no activation. It is an error if the shapes do not fit, if v is not finite and ≥ 0, or
// if it is 0 anywhere while β ≤ 0 and eps is 0.
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
	v = magnitude(v, a.Power)
	h, err := a.solve(ctx, v, w)
	if err != nil {
		return err
	}
	for k := range rank {
		for n, x := range h.RawRowView(k) {
			if math.IsNaN(x) || math.IsInf(x, 0) {
				return fmt.Errorf("the activation of component %d in column %d is %v; want a finite number: scale V or raise eps", k, n, x)
			}
		}
	}
	dst.Copy(h)
	return nil
}

// flatStart returns H such that the columns of WH have the sums of those of V, to which each
// component that has a spectrum contributes the same.
func flatStart(v *mat.Dense, sums []float64) *mat.Dense {
	var active float64
	for _, sum := range sums {
		if sum > 0 {
			active++
		}
	}
	total := make([]float64, v.RawMatrix().Cols)
	for f := range v.RawMatrix().Rows {
		floats.Add(total, v.RawRowView(f))
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
		floats.Add(sums, w.RawRowView(f))
	}
	return sums
}

// solve returns H. Once half of the columns are done they are left out and the others go on
// as a smaller problem.
func (a activations) solve(ctx context.Context, v, w *mat.Dense) (*mat.Dense, error) {
	h := flatStart(v, columnSums(w))
	part, left := v, make([]int, v.RawMatrix().Cols)
	for j := range left {
		left[j] = j
	}
	for i := 0; i < a.Iterations && len(left) > 0; {
		s := newNMF(ctx, layOut(part), w, gather(h, left), nmfOptions{
			beta: a.Beta, eps: a.Eps, l1: a.L1, heuristic: a.Update == "heuristic", fixW: true, unscaled: true,
			threads: runtime.GOMAXPROCS(0),
		})
		s.sumColumns()
		done := make([]bool, len(left))
		for more := len(left); i < a.Iterations && 2*more > len(left); i++ {
			s.passes.Do(ctx, kernel.Step{W: s.w, H: s.h, Next: s.hNext, Update: s.columnsH})
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			more = s.accept(done, a.Tol)
		}
		var next []int
		for j, n := range left {
			for k := range s.h.Rows {
				h.Set(k, n, row(s.h, k)[j])
			}
			if !done[j] {
				next = append(next, n)
			}
		}
		if left = next; len(left) > 0 {
			part = gather(v, left)
		}
	}
	return h, nil
}

// gather returns these columns of a.
func gather(a *mat.Dense, columns []int) *mat.Dense {
	rows, _ := a.Dims()
	part := mat.NewDense(rows, len(columns), nil)
	for i := range rows {
		dst, src := part.RawRowView(i), a.RawRowView(i)
		for j, n := range columns {
			dst[j] = src[n]
		}
	}
	return part
}

// accept puts the next H in force, except for columns that are done, marks columns that
// changed by no more than tol of their sum as done, and returns how many are not.
func (s *nmf) accept(done []bool, tol float64) (left int) {
	change, size := make([]float64, len(done)), make([]float64, len(done))
	for k := range s.h.Rows {
		old, next := row(s.h, k), row(s.hNext, k)
		for j, x := range next {
			if done[j] {
				continue
			}
			change[j] += math.Abs(x - old[j])
			size[j] += x
			old[j] = x
		}
	}
	for j := range done {
		done[j] = done[j] || change[j] <= tol*size[j]
		if !done[j] {
			left++
		}
	}
	return left
}
