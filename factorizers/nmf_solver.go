package factorizers

import (
	"context"
	"fmt"
	"math"

	"github.com/audiosep/audiosep/internal/kernel"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// nmfOptions say what an nmf minimises, and how.
type nmfOptions struct {
	beta, eps   float64
	l1, smooth  float64
	heuristic   bool // exponent 1, whatever beta
	accelerated bool
	fixW, fixH  bool
}

// leastEps keeps 0/0 out where eps is 0; its powers, to -2, are finite.
const leastEps = 1e-100

// leastSmooth is the least activation under a smoothness penalty, which is infinite at 0.
const leastSmooth = 0x1p-500

// nmf minimises over W, H ≥ 0, the columns of W summing to 1,
//
//	D_β(V+eps | WH+eps) + l1 Σ h_kn + smooth Σ_k Σ_n>0 D_IS(h_k(n-1) | h_kn).
//
// Both penalties are functions of WH and of the shapes of H's rows, so that scaling
// component k in W and back in H changes nothing: the l1 term is that of
// Σ_k ‖w_k‖₁‖h_k‖₁. That lets W be normalised after its update without a rise.
//
// The updates are W ← W∘(num/den)^γ and H alike (Févotte and Idier, Neural
// Computation 2011, with γ of their Table 2), the l1 term being added to den. That too
// is majorisation-minimisation for every β: where the bound grows as x^β with β > 1,
// x = h/h̃, x ≤ x^β/β + const bounds the l1 term in the same power. The smoothness
// penalty is that of Févotte, ICASSP 2011.
//
// An iteration is first, then second; the first one wants normalised factors. The
// objective falls out of the first pass over V of the next iteration, and the factors
// before last are kept, so an iteration that turns out to have been one too many is
// undone by stepBack. An accelerated one is told in acceleration.
type nmf struct {
	nmfOptions
	v                blas64.General // F×N
	gammaH, gammaW   float64        // exponents of the updates
	halfSquares      float64        // ½ΣV² for β = 2
	w, wNext, wPrev  blas64.General // F×K
	h, hNext, hPrev  blas64.General // K×N
	wSum, hSum       []float64      // of the columns of W, of the rows of H
	numW, denW, gram blas64.General // F×K, F×K, K×K
	numH, denH       blas64.General // K×N
	coordinates      bool           // coordinate descent in the place of the updates
	acceleration     *acceleration  // nil without acceleration

	ctx   context.Context
	crew  *crew
	tasks struct{ h, w, scale, aheadW, aheadH func(worker, i int) }
}

// newNMF returns an nmf of v, F×N, started from copies of w, F×K, and h, K×N. Each pass
// reads v anew. The crew is the caller's to close.
func newNMF(ctx context.Context, c *crew, v, w, h *mat.Dense, o nmfOptions) *nmf {
	o.eps = max(o.eps, leastEps)
	s := &nmf{nmfOptions: o, v: v.RawMatrix(), ctx: ctx, crew: c}
	bins, cols := v.Dims()
	_, rank := w.Dims()
	if cols == 1 {
		s.smooth = 0
	}
	s.gammaH, s.gammaW = 1, 1
	if !s.heuristic {
		s.gammaH, s.gammaW = exponent(s.beta, s.smooth > 0), exponent(s.beta, false)
	}
	for _, p := range []*blas64.General{&s.w, &s.wNext, &s.wPrev, &s.numW, &s.denW} {
		*p = mat.NewDense(bins, rank, nil).RawMatrix()
	}
	for _, p := range []*blas64.General{&s.h, &s.hNext, &s.hPrev, &s.numH, &s.denH} {
		*p = mat.NewDense(rank, cols, nil).RawMatrix()
	}
	s.wSum, s.hSum = make([]float64, rank), make([]float64, rank)
	if s.beta == 2 {
		s.gram = mat.NewDense(rank, rank, nil).RawMatrix()
		for f := range bins {
			s.halfSquares += floats.Dot(row(s.v, f), row(s.v, f)) / 2
		}
	}
	s.tasks.h, s.tasks.w, s.tasks.scale = s.nextH, s.nextW, s.scaleH
	if s.accelerated {
		s.accelerate()
	}
	for f := range bins {
		copy(row(s.w, f), w.RawRowView(f))
	}
	for k := range rank {
		copy(row(s.h, k), h.RawRowView(k))
	}
	return s
}

// row returns row i of a.
func row(a blas64.General, i int) []float64 { return a.Data[i*a.Stride : i*a.Stride+a.Cols] }

// exponent returns γ, with which an update never raises the objective. Under a
// smoothness penalty the bound of it has the powers x and 1/x as well, x = h/h̃; the
// milder powers are bounded by the steepest on either side, so that one power remains
// on each and the minimum stays in closed form.
func exponent(beta float64, smooth bool) float64 {
	switch {
	case smooth:
		return 1 / (max(1, 1-beta) + max(1, beta))
	case beta < 1:
		return 1 / (2 - beta)
	case beta > 2:
		return 1 / (beta - 1)
	}
	return 1
}

// factors returns copies of W, F×K, and H, K×N.
func (s *nmf) factors() (w, h *mat.Dense) {
	return mat.DenseCopyOf(dense(s.w)), mat.DenseCopyOf(dense(s.h))
}

// dense returns a as a matrix that shares its storage.
func dense(a blas64.General) *mat.Dense {
	var m mat.Dense
	m.SetRawMatrix(a)
	return &m
}

// first makes the first update of an iteration, which second puts in force, and returns
// the objective before it. When ctx is done it returns early, with any number.
func (s *nmf) first() float64 {
	var d float64
	if s.fixH {
		d = s.updateW(true)
	} else {
		d = s.updateH(true)
	}
	return max(0, d) + s.penalties()
}

// second ends the iteration that first began.
func (s *nmf) second() {
	if s.fixH {
		copy(s.hPrev.Data, s.h.Data)
	} else {
		s.hPrev, s.h, s.hNext = s.h, s.hNext, s.hPrev
	}
	if s.fixW {
		return
	}
	if !s.fixH {
		s.updateW(false)
	}
	s.wPrev, s.w, s.wNext = s.w, s.wNext, s.wPrev
	s.normalise()
}

// stepBack undoes the last iteration. It can be undone only once.
func (s *nmf) stepBack() {
	s.h, s.hPrev = s.hPrev, s.h
	if !s.fixW {
		s.w, s.wPrev = s.wPrev, s.w
	}
}

// updateH writes the next H and returns the divergence, if it is wanted.
func (s *nmf) updateH(objective bool) float64 {
	d := s.sumsH(objective)
	count := s.h.Rows
	if s.coordinates {
		count = (s.h.Cols + columnsOfH - 1) / columnsOfH
	}
	s.crew.do(count, s.tasks.h)
	return d
}

// updateW writes the next W and returns the divergence, if it is wanted.
func (s *nmf) updateW(objective bool) float64 {
	d := s.sumsW(objective)
	s.sumRows()
	s.crew.do((s.w.Rows+rowsOfW-1)/rowsOfW, s.tasks.w)
	return d
}

// rowsOfW is the number of rows of W that one task updates.
const rowsOfW = 64

// atOnce is the number of multiplications after which the context is looked at.
const atOnce = 1 << 31

// sumsH sets numH and denH to the two terms of H's update, without the penalties.
func (s *nmf) sumsH(objective bool) (d float64) {
	if s.beta == 2 {
		return s.euclideanH(objective)
	}
	together := roundUp(1+atOnce/(s.w.Rows*s.w.Cols), 48) // whole strips of the kernels
	for n := 0; n < s.h.Cols && s.ctx.Err() == nil; n += together {
		v, h := columns(s.v, n, together), columns(s.h, n, together)
		d += s.problem(v).SumsH(columns(s.numH, n, together), columns(s.denH, n, together), s.w, h, objective)
	}
	return d
}

// sumsW sets numW and denW to the two terms of W's update, without the penalties.
func (s *nmf) sumsW(objective bool) (d float64) {
	if s.beta == 2 {
		return s.euclideanW(objective)
	}
	together := roundUp(1+atOnce/(s.h.Rows*s.h.Cols), 48)
	for f := 0; f < s.w.Rows && s.ctx.Err() == nil; f += together {
		v, w := rows(s.v, f, together), rows(s.w, f, together)
		d += s.problem(v).SumsW(rows(s.numW, f, together), rows(s.denW, f, together), w, s.h, objective)
	}
	return d
}

func (s *nmf) problem(v blas64.General) kernel.NMF {
	return kernel.NMF{V: v, Beta: s.beta, Eps: s.eps}
}

func roundUp(n, to int) int { return (n + to - 1) / to * to }

// columns returns up to count columns of a from n on.
func columns(a blas64.General, n, count int) blas64.General {
	a.Data = a.Data[n:]
	a.Cols = min(count, a.Cols-n)
	return a
}

// rows returns up to count rows of a from m on.
func rows(a blas64.General, m, count int) blas64.General {
	a.Data = a.Data[m*a.Stride:]
	a.Rows = min(count, a.Rows-m)
	return a
}

// euclideanH is sumsH for β = 2, where products of small matrices say it all: with e
// the sums of W's columns times eps, num = WᵀV + e1ᵀ and den = (WᵀW)H + e1ᵀ.
func (s *nmf) euclideanH(objective bool) (d float64) {
	kernel.Gemm(blas.Trans, blas.NoTrans, 1, s.w, s.v, 0, s.numH)
	kernel.Gemm(blas.Trans, blas.NoTrans, 1, s.w, s.w, 0, s.gram)
	kernel.Gemm(blas.NoTrans, blas.NoTrans, 1, s.gram, s.h, 0, s.denH)
	if objective {
		d = s.euclidean(s.h, s.numH, s.denH)
	}
	if s.coordinates {
		return d
	}
	s.sumColumns()
	for k, sum := range s.wSum {
		floats.AddConst(sum*s.eps, row(s.numH, k))
		floats.AddConst(sum*s.eps, row(s.denH, k))
	}
	return d
}

// euclideanW is sumsW for β = 2.
func (s *nmf) euclideanW(objective bool) (d float64) {
	kernel.Gemm(blas.NoTrans, blas.Trans, 1, s.v, s.h, 0, s.numW)
	kernel.Gemm(blas.NoTrans, blas.Trans, 1, s.h, s.h, 0, s.gram)
	kernel.Gemm(blas.NoTrans, blas.NoTrans, 1, s.w, s.gram, 0, s.denW)
	if objective {
		d = s.euclidean(s.w, s.numW, s.denW)
	}
	if s.coordinates {
		return d
	}
	s.sumRows()
	for f := range s.w.Rows {
		floats.AddScaled(row(s.numW, f), s.eps, s.hSum)
		floats.AddScaled(row(s.denW, f), s.eps, s.hSum)
	}
	return d
}

// euclidean returns ½Σ(V-WH)² = ½ΣV² + Σ x(½den-num) for the factor x. Where little is
// left of what cancels it is summed anew, entry by entry.
func (s *nmf) euclidean(x, num, den blas64.General) float64 {
	d := s.halfSquares
	for i := range x.Rows {
		d += floats.Dot(row(x, i), row(den, i))/2 - floats.Dot(row(x, i), row(num, i))
	}
	if d < 1e-6*s.halfSquares {
		return s.problem(s.v).Objective(s.w, s.h)
	}
	return d
}

// sumColumns sets wSum to the sums of W's columns.
func (s *nmf) sumColumns() {
	clear(s.wSum)
	for f := range s.w.Rows {
		floats.Add(s.wSum, row(s.w, f))
	}
}

// sumRows sets hSum to the sums of H's rows.
func (s *nmf) sumRows() {
	for k := range s.hSum {
		s.hSum[k] = floats.Sum(row(s.h, k))
	}
}

// penalties returns l1 Σ_k ‖w_k‖₁‖h_k‖₁ and the smoothness penalty, whose logarithms
// leave only those of the two ends.
func (s *nmf) penalties() (sum float64) {
	if s.l1 > 0 {
		s.sumColumns()
		s.sumRows()
		sum = s.l1 * floats.Dot(s.wSum, s.hSum)
	}
	if s.smooth > 0 {
		for k := range s.h.Rows {
			h := row(s.h, k)
			last := max(h[0], leastSmooth)
			d := -math.Log(last)
			for _, x := range h[1:] {
				x = max(x, leastSmooth)
				d += last/x - 1
				last = x
			}
			sum += s.smooth * max(0, d+math.Log(last))
		}
	}
	return sum
}

// normalise makes the columns of W sum to 1 and scales the rows of H so that WH stays.
// A component without a spectrum gets a flat one, and no activation.
func (s *nmf) normalise() {
	s.sumColumns()
	for f := range s.w.Rows {
		w := row(s.w, f)
		for k, sum := range s.wSum {
			if sum > 0 {
				w[k] /= sum
			} else {
				w[k] = 1 / float64(s.w.Rows)
			}
		}
	}
	s.crew.do(s.h.Rows, s.tasks.scale)
}

func (s *nmf) scaleH(_, k int) { floats.Scale(s.wSum[k], row(s.h, k)) }

// nextH writes row k of the next H from numH and denH.
func (s *nmf) nextH(_, k int) {
	num, den := row(s.numH, k), row(s.denH, k)
	if s.l1 > 0 {
		floats.AddConst(s.l1, den) // the columns of W sum to 1
	}
	if s.smooth > 0 {
		s.smoothRow(row(s.hNext, k), row(s.h, k), num, den)
	} else {
		kernel.Scale(row(s.hNext, k), row(s.h, k), num, den, s.gammaH)
	}
}

// nextW writes some rows of the next W from numW and denW.
func (s *nmf) nextW(_, i int) {
	for f := i * rowsOfW; f < min((i+1)*rowsOfW, s.w.Rows); f++ {
		num, den := row(s.numW, f), row(s.denW, f)
		if s.l1 > 0 {
			floats.AddScaled(den, s.l1, s.hSum)
		}
		kernel.Scale(row(s.wNext, f), row(s.w, f), num, den, s.gammaW)
	}
}

// smoothRow writes a row of the next H under a smoothness penalty. In the bound of the
// objective only neighbours in time hang together: first the even columns are set, then
// the odd ones.
func (s *nmf) smoothRow(next, h, num, den []float64) {
	for n, x := range h {
		next[n] = max(x, leastSmooth)
	}
	for start := range 2 {
		for n := start; n < len(next); n += 2 {
			x := next[n]
			before, after := 1.0, 1.0 // of -log of the first and log of the last
			if n > 0 {
				before = next[n-1] / x
			}
			if n+1 < len(next) {
				after = x / next[n+1]
			}
			q := (x*num[n] + s.smooth*before) / (x*den[n] + s.smooth*after)
			next[n] = max(x*math.Pow(q, s.gammaH), leastSmooth)
		}
	}
}

// minimise runs the iterations and returns the objective after each, which never rises,
// and why it ended. It tells report of each iteration.
func (s *nmf) minimise(iterations int, tol float64, report func(done int, objective float64)) ([]float64, string, error) {
	s.normalise()
	var all []float64
	before := s.first()
	for i := 0; ; i++ {
		if err := s.ctx.Err(); err != nil {
			return nil, "", err
		}
		if math.IsNaN(before) || math.IsInf(before, 0) {
			return nil, "", fmt.Errorf("the objective is %v after %d iterations; want a finite number: scale V, raise eps, or start elsewhere", before, i)
		}
		if i == iterations {
			return all, fmt.Sprintf("all %d iterations done", i), nil
		}
		s.second()
		after := s.next(before, tol)
		if after > before {
			s.stepBack()
			return append(all, before), s.rose(after - before), nil
		}
		all = append(all, after)
		report(i+1, after)
		if before-after <= tol*before {
			return all, fmt.Sprintf("an iteration lowered the objective by no more than %.3g of itself", tol), s.ctx.Err()
		}
		before = after
	}
}

// next begins the next iteration and returns the objective before it, from farther on if
// the updates are accelerated and that lowers it by more than tol of itself.
func (s *nmf) next(before, tol float64) float64 {
	if s.acceleration == nil {
		return s.first()
	}
	if s.goAhead() {
		if after := s.first(); before-after > tol*before {
			s.acceleration.grow()
			return after
		}
		s.retreat()
	} else {
		s.acceleration.grow()
	}
	return s.first()
}

// rose says why an objective that rose ended the iterations.
func (s *nmf) rose(by float64) string {
	if by <= 1e-12*s.magnitude() {
		return "the objective fell as far as its rounding allows"
	}
	return fmt.Sprintf("an update raised the objective by %.3g and was undone", by)
}

// magnitude returns the size of the terms that the objective is the difference of.
func (s *nmf) magnitude() (sum float64) {
	if s.beta == 0 {
		return float64(s.v.Rows) * float64(s.v.Cols)
	}
	for f := range s.v.Rows {
		for _, x := range row(s.v, f) {
			sum += math.Pow(x+s.eps, s.beta)
		}
	}
	if s.beta != 1 {
		sum /= math.Abs(s.beta * (s.beta - 1))
	}
	return sum
}
