package factorizers

import (
	"context"
	"fmt"
	"math"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/counted"
	"github.com/audiosep/audiosep/internal/kernel"
	"github.com/audiosep/audiosep/internal/scene"
	"github.com/audiosep/audiosep/internal/threads"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// learning is one descent on C of NewTLNMF from one start. Matrices are slices, row after row.
type learning struct {
	samples         int // M
	rows, cols, per int // r ≤ M dimensions of the frames' span; N/S columns; P = L·S frames to each
	rank            int
	eps, l1, rest   float64 // in the scale of these frames' powers
	team            *threads.Team
	threads         int
	is              bool    // the is objective, else gcm
	weight          float64 // of the sum over V and V̂ in C: ½ for gcm, 1 for is

	phi  []float64 // r×r, in the coordinates of the scene
	x    []float64 // r×(N/S·P): ΦY
	v    []float64 // r×N/S: mean of X² over the P frames of a column
	u    []float64 // r×N/S: 1/(WH+eps)
	w, h []float64 // r×K, K×N/S

	objective []float64
	stop      string
	kept      courseKept
	keepH     bool // normalise leaves H as it is

	sums       []float64                                   // one for each row or component
	passes     *kernel.NMF                                 // over v, once it is loaded
	gamma      float64                                     // exponent of the update of W and H
	hNext      []float64                                   // K×N/S
	numW, denW []float64                                   // r×K
	ones       []float64                                   // N/S
	columnsH   func(next, h, num, den []float64, from int) // writes columns of the next H
	tasks      struct{ model, objective, power func(worker, i int) }
}

// threadsFrom is the number of coefficients from which on more threads are faster: below it
// they wait for each other longer than they work.
const threadsFrom = 1 << 14

// newLearning starts from phi, w and h, which it keeps, and uses at most n threads.
func newLearning(s *scene.Scene, p TLNMFParams, phi, w, h *mat.Dense, n int) *learning {
	if s.Rows()*s.Frames() < threadsFrom {
		n = 1
	}
	l := &learning{
		samples: s.Samples, rows: s.Rows(), cols: s.Cols, per: s.Per, rank: p.Rank,
		eps: p.Eps * s.Scale, l1: p.L1 / s.Scale, rest: s.Rest,
		team: threads.NewTeam(), threads: n, is: p.Objective == "is", weight: 0.5,
		phi: phi.RawMatrix().Data, x: make([]float64, s.Rows()*s.Frames()), w: w.RawMatrix().Data, h: h.RawMatrix().Data,
		v: make([]float64, s.Rows()*s.Cols), u: make([]float64, s.Rows()*s.Cols),
		sums: make([]float64, max(s.Rows(), p.Rank)), ones: make([]float64, s.Cols),
		hNext: make([]float64, p.Rank*s.Cols),
		numW:  make([]float64, s.Rows()*p.Rank), denW: make([]float64, s.Rows()*p.Rank),
	}
	if l.is {
		l.weight = 1
	}
	for i := range l.ones {
		l.ones[i] = 1
	}
	l.passes = kernel.NewNMF(rowMajor(l.v, l.cols), 0, l.eps)
	l.columnsH = l.mmH
	l.tasks.model, l.tasks.objective, l.tasks.power = l.rowModel, l.rowObjective, l.rowPower
	multiply(mat.NewDense(l.rows, l.total(), l.x), phi, s.Y)
	l.power()
	return l
}

// total returns the number of frames.
func (l *learning) total() int { return l.cols * l.per }

// updateH sets hNext to the update of H, and numW and denW to what that of W is made of, V̂
// being WH + eps with the H next. updateW puts both in force. Either update is
// X ← X∘(num/den)^γ, where for H
//
//	num = Wᵀ((V+eps)/V̂²),  den = Wᵀ(1/V̂) + l1/weight
//
// for either objective. With γ = ½ it is a step of majorisation-minimisation, which never
// raises C. If objective is true it returns the divergence before.
func (l *learning) updateH(ctx context.Context, gamma float64, objective bool) float64 {
	l.gamma = gamma
	return l.passes.Do(ctx, kernel.Step{
		W: rowMajor(l.w, l.rank), H: rowMajor(l.h, l.cols),
		Update: l.columnsH, Next: rowMajor(l.hNext, l.cols),
		NumW: rowMajor(l.numW, l.rank), DenW: rowMajor(l.denW, l.rank),
		Objective: objective,
	})
}

// mmH writes some columns of the next H.
func (l *learning) mmH(next, h, num, den []float64, _ int) {
	floats.AddConst(l.l1/l.weight, den)
	kernel.Scale(next, h, num, den, l.gamma)
}

// updateW puts hNext in force and updates W. The l1 term counts each h_kn times the sum of
// column k of W, so it is the sum of H once the columns sum to 1.
func (l *learning) updateW() {
	l.h, l.hNext = l.hNext, l.h
	for k := range l.rank {
		l.sums[k] = l.l1 / l.weight * floats.Sum(l.h[k*l.cols:(k+1)*l.cols])
	}
	for m := range l.rows {
		floats.Add(l.denW[m*l.rank:(m+1)*l.rank], l.sums[:l.rank])
	}
	kernel.Scale(l.w, l.w, l.numW, l.denW, l.gamma)
	l.normalise()
}

// normalise makes the columns of W sum to 1 and scales the rows of H so that WH stays the same.
func (l *learning) normalise() {
	clear(l.sums[:l.rank])
	for m := range l.rows {
		floats.Add(l.sums[:l.rank], l.w[m*l.rank:(m+1)*l.rank])
	}
	for k, sum := range l.sums[:l.rank] {
		if l.keepH && sum > 0 {
			continue
		}
		if sum > 0 {
			floats.Scale(sum, l.h[k*l.cols:(k+1)*l.cols])
		} else {
			l.sums[k] = 1
		}
	}
	for m := range l.rows {
		floats.Div(l.w[m*l.rank:(m+1)*l.rank], l.sums[:l.rank])
	}
}

// model sets u to 1/V̂.
func (l *learning) model() {
	for i := range l.u {
		l.u[i] = l.eps
	}
	product(blas.NoTrans, blas.NoTrans, 1, rowMajor(l.w, l.rank), rowMajor(l.h, l.cols), 1, rowMajor(l.u, l.cols))
	l.team.Do(l.rows, l.threads, l.tasks.model)
}

func (l *learning) rowModel(_, m int) {
	u := l.u[m*l.cols : (m+1)*l.cols]
	kernel.Div(u, l.ones, u)
}

// power sets v to the mean of x² over the frames of each column.
func (l *learning) power() { l.team.Do(l.rows, l.threads, l.tasks.power) }

func (l *learning) rowPower(_, m int) {
	meanSquares(l.v[m*l.cols:(m+1)*l.cols], l.x[m*l.total():(m+1)*l.total()], l.per)
}

// value returns C.
func (l *learning) value() float64 {
	l.team.Do(l.rows, l.threads, l.tasks.objective)
	var sum float64
	for _, a := range l.sums[:l.rows] {
		sum += a
	}
	sum = l.weight * (sum + l.outside())
	for _, a := range l.h {
		sum += l.l1 * a
	}
	return sum
}

func (l *learning) rowObjective(_, m int) {
	v, u := l.v[m*l.cols:(m+1)*l.cols], l.u[m*l.cols:(m+1)*l.cols]
	var q float64
	for j, p := range v {
		q += (p + l.eps) * u[j]
	}
	q -= kernel.SumLog(u, 0)
	if l.is {
		q -= kernel.SumLog(v, l.eps) + float64(l.cols)
	}
	l.sums[m] = q
}

// outside returns the part of value's sum that belongs to the M-r rows outside the span of the
// frames, where W is 0.
func (l *learning) outside() float64 {
	n := float64((l.samples - l.rows) * l.cols)
	if l.is {
		return 0 // q = (V+eps)/eps is 1 there, as Reduce leaves out hardly any power beside eps
	}
	return l.rest/l.eps + n*(1+math.Log(l.eps))
}

// parts returns L and I of C = L + I: C with V̂ = V+eps, the least for this Φ, and what the
// misfit of V̂ adds to it. For the is objective L is 0.
func (l *learning) parts() (likelihood, divergence float64) {
	if l.is {
		return 0, l.last()
	}
	likelihood = l.likelihood()
	return likelihood, l.last() - likelihood
}

// likelihood returns C with V̂ = V+eps, for the gcm objective.
func (l *learning) likelihood() (sum float64) {
	for m := range l.rows {
		sum += kernel.SumLog(l.v[m*l.cols:(m+1)*l.cols], l.eps) + float64(l.cols)
	}
	n := float64((l.samples - l.rows) * l.cols)
	return 0.5 * (sum + n*(1+math.Log(l.eps)))
}

func (l *learning) last() float64 { return l.objective[len(l.objective)-1] }

// record appends C to objective and tells whether the descent has converged. It is an error if
// C has risen or is not finite.
func (l *learning) record(tol float64) (done bool, err error) {
	c := l.value()
	if math.IsNaN(c) || math.IsInf(c, 0) {
		return false, fmt.Errorf("the objective is %v after %s; want a finite one: the frames or eps are out of scale", c, counted.Of(len(l.objective)+1, "iteration"))
	}
	if len(l.objective) == 0 {
		l.objective, l.stop = append(l.objective, c), "iterations"
		return false, nil
	}
	old := l.last()
	if rounding := 1e-12 * (math.Abs(old) + float64(l.samples*l.cols)); c > old+rounding {
		return false, fmt.Errorf("the objective rose from %.17g to %.17g in iteration %d", old, c, len(l.objective)+1)
	}
	l.objective = append(l.objective, min(c, old))
	if old-c < tol*(math.Abs(c)+math.Abs(old)) || c >= old {
		l.stop = "tolerance"
		return true, nil
	}
	return false, nil
}

// factors returns W, M×K, and H, K×N/S.
func (l *learning) factors(restarts []float64) *audiosep.Factors {
	w := mat.NewDense(l.samples, l.rank, nil)
	copy(w.RawMatrix().Data, l.w)
	return &audiosep.Factors{
		W: w, H: mat.NewDense(l.rank, l.cols, l.h),
		Objective: l.objective, Stop: l.stop, Restarts: restarts,
	}
}

// phiSolver lowers C by changing Φ, with W and H as they are, and keeps x and v up to date.
// improve tells whether a further step may lower C more.
type phiSolver interface {
	improve(ctx context.Context) (more bool, err error)
}

func (l *learning) solver(p TLNMFParams) phiSolver {
	solver := p.Solver
	if solver == "auto" {
		solver = "blocks"
		if !l.is && l.rows <= largest {
			solver = "jacobi"
		}
	}
	switch {
	case p.Reach > 0:
		return newNeighbours(l, p.Tol, p.Reach)
	case solver == "jacobi":
		return newJacobi(l, p.Tol)
	case solver == "blocks":
		return newBlocks(l, min(blockRows, (l.rows+3)/4))
	case solver == "projected_gradient":
		return newProjectedGradient(l)
	case p.Curvature == "published":
		return quasiNewton{newTurning(l)}
	default:
		return newBlocks(l, (l.rows+1)/2)
	}
}

// largest is the number of rows up to which jacobi is faster than blocks, which have blockRows
// rows each.
const (
	largest   = 128
	blockRows = 128
)
