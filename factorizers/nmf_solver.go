package factorizers

import (
	"context"
	"fmt"
	"math"

	"github.com/audiosep/audiosep/internal/counted"
	"github.com/audiosep/audiosep/internal/kernel"
	"github.com/audiosep/audiosep/internal/threads"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// nmfOptions say what an nmf minimises, and how.
type nmfOptions struct {
	beta, eps   float64
	l1, l2      float64
	smooth      float64
	heuristic   bool // exponent 1, whatever beta
	accelerated bool
	settle      int  // how many iterations are not accelerated at first
	unscaled    bool // the columns of W need not sum to 1, and stay; for updates of H alone
	fixW, fixH  bool
	held        int         // the first columns of W, which stay as they are
	threads     int         // at most; 0 is 1
	shared      *kernel.NMF // over the same V with the same β and eps; nil: it makes its own
}

// leastEps stands for an eps of 0, so that 0/0 does not occur. The divergence is computed in
// units of V̂^β, of which 1 is V̂^-β: it, and leastEps^-2, must be finite.
func leastEps(beta float64) float64 { return math.Pow(10, -200/max(2, beta)) }

// leastSmooth is the least activation under a smoothness penalty, which is infinite at 0.
const leastSmooth = 0x1p-500

// nmf minimises over W, H ≥ 0, the columns of W summing to 1,
//
//	D_β(V+eps | WH+eps) + l1 Σ h_kn + ½ l2 Σ h_kn² + smooth Σ_k Σ_n>0 D_IS(h_k(n-1) | h_kn).
//
// No penalty changes if component k is scaled by c in W and by 1/c in H: the l1 term is taken
// as l1 Σ_k ‖w_k‖₁‖h_k‖₁, the l2 term as ½ l2 Σ_k ‖w_k‖₁²‖h_k‖². So normalising W after its
// update does not raise the objective.
//
// The updates are W ← W∘(num/den)^γ and the same for H (Févotte and Idier, Neural
// Computation 2011, with γ of their Table 2), the l1 term being added to den. That too
// is majorisation-minimisation for every β: where the bound grows as x^β with β > 1,
// x = h/h̃, x ≤ x^β/β + const bounds the l1 term in the same power. The l2 term adds l2·h̃ to
// den and the power 2 to the bound; for W, (Σ_f w_f)² ≤ Σ_f w̃_f x_f² where the w̃ sum to 1
// (Jensen), so that l2‖h_k‖² is added. The smoothness penalty is that of Févotte, ICASSP 2011.
//
// An iteration is updateH, then updateW; with an l1 or l2 term W must be normalised before it. The
// objective after it is known from the pass over V of the next iteration. The factors of one
// iteration before are kept, so that undo can take back an iteration that raised it. How
// update accelerated differs is said at acceleration.
type nmf struct {
	nmfOptions
	v               *spectrogram   // F×N
	passes          *kernel.NMF    // over V
	gammaH, gammaW  float64        // exponents of the updates
	w, wNext, wPrev blas64.General // F×K
	h, hNext, hPrev blas64.General // K×N
	wSum, hSum      []float64      // of the columns of W; see weighRows
	numW, denW      blas64.General // F×K
	numH, denH      blas64.General // K×N, with a smoothness penalty
	updates         int            // of W, so far
	coordinates     bool           // coordinate descent instead of multiplicative updates
	acceleration    *acceleration  // nil without acceleration

	ctx      context.Context
	team     *threads.Team
	columnsH func(next, h, num, den []float64, from int) // writes columns of the next H
	tasks    struct {
		smooth, w, scale, extrapolateW, extrapolateH func(worker, i int)
	}
}

// newNMF returns an nmf of v, F×N, started from copies of w, F×K, and h, K×N.
func newNMF(ctx context.Context, v *spectrogram, w, h *mat.Dense, o nmfOptions) *nmf {
	o.threads = max(1, o.threads)
	if o.shared == nil {
		o.shared = v.passes(o.beta, o.eps)
	}
	s := &nmf{nmfOptions: o, v: v, passes: o.shared.Fork(), ctx: ctx, team: threads.NewTeam()}
	bins, cols := v.Dims()
	_, rank := w.Dims()
	if cols == 1 {
		s.smooth = 0
	}
	s.gammaH, s.gammaW = 1, 1
	if !s.heuristic {
		s.gammaH, s.gammaW = exponent(s.beta, s.smooth > 0, s.l2 > 0), exponent(s.beta, false, s.l2 > 0)
	}
	for _, p := range []*blas64.General{&s.w, &s.wNext, &s.wPrev, &s.numW, &s.denW} {
		*p = mat.NewDense(bins, rank, nil).RawMatrix()
	}
	for _, p := range []*blas64.General{&s.h, &s.hNext, &s.hPrev} {
		*p = mat.NewDense(rank, cols, nil).RawMatrix()
	}
	if s.smooth > 0 {
		s.numH, s.denH = newGeneral(s.h), newGeneral(s.h)
	}
	s.wSum, s.hSum = make([]float64, rank), make([]float64, rank)
	s.columnsH = s.mmH
	s.tasks.smooth, s.tasks.w, s.tasks.scale = s.smoothRow, s.mmW, s.scaleRows
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

// exponent returns γ, with which an update never raises the objective. The bound on it is a sum
// of powers of x = h/h̃: of the divergence and, with an l2 term, x², with a smoothness penalty
// x and 1/x. Each is bounded in turn by the steepest of its side, x^a or x^-b, so that two
// powers remain and the minimum is in closed form, with γ = 1/(a+b).
func exponent(beta float64, smooth, l2 bool) float64 {
	if !smooth && !l2 && beta >= 1 && beta <= 2 {
		return 1 // without rounding
	}
	up, down := max(1, beta), 1-min(beta, 2)
	if l2 {
		up = max(2, beta)
	}
	if smooth {
		down = max(1, 1-beta)
	}
	return 1 / (up + down)
}

// factors returns copies of W, F×K, and H, K×N, normalised.
func (s *nmf) factors() (w, h *mat.Dense) {
	if !s.fixW {
		s.normalise()
	}
	return mat.DenseCopyOf(dense(s.w)), mat.DenseCopyOf(dense(s.h))
}

// dense returns a as a matrix that shares its storage.
func dense(a blas64.General) *mat.Dense {
	var m mat.Dense
	m.SetRawMatrix(a)
	return &m
}

// updateH begins an iteration: it sets hNext to the update of H, and numW and denW to what
// that of W is made of, with the H next. updateW puts both in force. It returns the objective
// before the iteration. When ctx is done it returns early, with any number.
func (s *nmf) updateH() float64 {
	step := kernel.Step{W: s.w, H: s.h, Objective: true}
	rows := s.smooth > 0 && !s.fixH // H is updated by whole rows, after the pass
	switch {
	case rows:
		step.NumH, step.DenH = s.numH, s.denH
	case !s.fixH:
		step.Next, step.Update = s.hNext, s.columnsH
	}
	if !rows && !s.fixW {
		step.NumW, step.DenW = s.numW, s.denW
	}
	d := s.passes.Do(s.ctx, step)
	if rows {
		s.team.Do(s.h.Rows, s.threads, s.tasks.smooth)
		if !s.fixW {
			s.passes.Do(s.ctx, kernel.Step{W: s.w, H: s.hNext, NumW: s.numW, DenW: s.denW})
		}
	}
	return max(0, d) + s.penalties()
}

// updateW ends the iteration that updateH began.
func (s *nmf) updateW() {
	if s.fixH {
		copy(s.hPrev.Data, s.h.Data)
	} else {
		s.hPrev, s.h, s.hNext = s.h, s.hNext, s.hPrev
	}
	if s.fixW {
		return
	}
	s.weighRows()
	each := rowsAtOnce(s.w)
	if s.coordinates {
		each = descentRows
	}
	s.team.Do((s.w.Rows+each-1)/each, s.threads, s.tasks.w)
	s.wPrev, s.w, s.wNext = s.w, s.wNext, s.wPrev
	s.updates++
	if s.scaled() || s.updates%balanced == 0 {
		s.normalise()
	}
}

// scaled tells whether W is normalised after each update: for the l1 and l2 terms, and where
// extrapolation adds factors of two iterations.
func (s *nmf) scaled() bool { return s.l1 > 0 || s.l2 > 0 || s.coordinates }

// balanced is the number of updates after which W is normalised in any case, so that no
// component's scale overflows.
const balanced = 16

// undo takes the last iteration back. It can do so once for each iteration.
func (s *nmf) undo() {
	s.h, s.hPrev = s.hPrev, s.h
	if !s.fixW {
		s.w, s.wPrev = s.wPrev, s.w
	}
}

// rowsAtOnce returns how many rows of a factor are worth a task of their own.
func rowsAtOnce(a blas64.General) int { return max(1, 1<<15/a.Cols) }

// sumColumns sets wSum to the sums of W's columns.
func (s *nmf) sumColumns() {
	clear(s.wSum)
	for f := range s.w.Rows {
		floats.Add(s.wSum, row(s.w, f))
	}
}

// weighRows sets hSum to what the penalties add to the denominators of W's columns, which sum
// to 1: l1‖h_k‖₁ + l2‖h_k‖².
func (s *nmf) weighRows() {
	if s.l1 == 0 && s.l2 == 0 {
		return
	}
	for k := range s.hSum {
		s.hSum[k] = s.l1 * floats.Sum(row(s.h, k))
		if s.l2 > 0 {
			s.hSum[k] += s.l2 * floats.Dot(row(s.h, k), row(s.h, k))
		}
	}
}

// penalties returns l1 Σ_k ‖w_k‖₁‖h_k‖₁ + ½ l2 Σ_k ‖w_k‖₁²‖h_k‖² plus the smoothness penalty, in
// which the logarithms of neighbours cancel but for those of the two ends.
func (s *nmf) penalties() (sum float64) {
	if s.l1 > 0 || s.l2 > 0 {
		s.sumColumns()
		for k, w := range s.wSum {
			h := row(s.h, k)
			sum += s.l1 * w * floats.Sum(h)
			if s.l2 > 0 {
				sum += 0.5 * s.l2 * w * w * floats.Dot(h, h)
			}
		}
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

// normalise makes the columns of W sum to 1 and scales the rows of H so that WH stays the
// same. A component whose spectrum is 0 gets a flat spectrum, and 0 for its activation.
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
	each := rowsAtOnce(s.h)
	s.team.Do((s.h.Rows+each-1)/each, s.threads, s.tasks.scale)
}

// scaleRows scales some rows of H for normalise.
func (s *nmf) scaleRows(_, i int) {
	each := rowsAtOnce(s.h)
	for k := i * each; k < min((i+1)*each, s.h.Rows); k++ {
		floats.Scale(s.wSum[k], row(s.h, k))
	}
}

// mmH writes some columns of the next H from their sums.
func (s *nmf) mmH(next, h, num, den []float64, _ int) {
	switch {
	case s.l1 > 0 && s.unscaled:
		n := len(den) / len(s.wSum)
		for k, sum := range s.wSum {
			floats.AddConst(s.l1*sum, den[k*n:(k+1)*n])
		}
	case s.l1 > 0:
		floats.AddConst(s.l1, den) // the columns of W sum to 1
	}
	if s.l2 > 0 {
		floats.AddScaled(den, s.l2, h)
	}
	kernel.Scale(next, h, num, den, s.gammaH)
}

// mmW writes some rows of the next W from numW and denW.
func (s *nmf) mmW(_, i int) {
	each, rank := rowsAtOnce(s.w), s.w.Cols
	from, to := i*each, min((i+1)*each, s.w.Rows)
	for f := from; f < to && (s.l1 > 0 || s.l2 > 0); f++ {
		floats.Add(row(s.denW, f), s.hSum)
	}
	of := func(a blas64.General) []float64 { return a.Data[from*rank : to*rank] }
	kernel.Scale(of(s.wNext), of(s.w), of(s.numW), of(s.denW), s.gammaW)
	for f := from; f < to && s.held > 0; f++ {
		copy(row(s.wNext, f)[:s.held], row(s.w, f)[:s.held])
	}
}

// smoothRow writes row k of the next H under a smoothness penalty. The bound on the objective
// couples each column with its two neighbours only: first the even columns are set, then the
// odd ones.
func (s *nmf) smoothRow(_, k int) {
	next, h, num, den := row(s.hNext, k), row(s.h, k), row(s.numH, k), row(s.denH, k)
	if s.l1 > 0 {
		floats.AddConst(s.l1, den)
	}
	if s.l2 > 0 {
		floats.AddScaled(den, s.l2, h)
	}
	for n, x := range h {
		next[n] = max(x, leastSmooth)
	}
	for start := range 2 {
		for n := start; n < len(next); n += 2 {
			x := next[n]
			before, after := 1.0, 1.0 // at the ends: of -log h of the first, log h of the last
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

// minimise runs the iterations, calls report after each, and returns the objective after each,
// which never rises, and why it stopped.
func (s *nmf) minimise(iterations int, tol float64, report func(done int, objective float64)) ([]float64, string, error) {
	s.normalise()
	var all []float64
	before := s.updateH()
	for i := 0; ; i++ {
		if err := s.ctx.Err(); err != nil {
			return nil, "", err
		}
		if math.IsNaN(before) || math.IsInf(before, 0) {
			return nil, "", fmt.Errorf("the objective is %v after %s; want a finite number: scale V, raise eps, or start elsewhere", before, counted.Of(i, "iteration"))
		}
		if i == iterations {
			return all, fmt.Sprintf("all %d iterations done", i), nil
		}
		s.updateW()
		after := s.begin(before, tol)
		if after > before {
			s.undo()
			return append(all, before), s.rose(before, after), nil
		}
		all = append(all, after)
		report(i+1, after)
		if before-after <= tol*before {
			return all, fmt.Sprintf("an iteration lowered the objective by no more than %.3g of itself", tol), s.ctx.Err()
		}
		before = after
	}
}

// begin begins the next iteration and returns the objective before it, given that before the
// last one: from extrapolated factors if the updates are accelerated and these lower it by
// more than tol of itself.
func (s *nmf) begin(before, tol float64) float64 {
	m := s.acceleration
	if m == nil || s.settles() {
		return s.updateH()
	}
	if s.extrapolate() {
		if after := s.updateH(); before-after > tol*before {
			m.t = m.t.next()
			return after
		}
		s.restore()
	} else {
		m.t = m.t.next()
	}
	return s.updateH()
}

// rose says why the iterations ended with an objective that rose from before to after.
// Rounding is that of the terms of the divergence, which may cancel, and of the sum itself,
// where WH is far from V or a penalty is most of it.
func (s *nmf) rose(before, after float64) string {
	rounding := 1e-12
	if s.v.Precision() == kernel.Single {
		rounding = 1e-6
	}
	if after-before <= rounding*(s.magnitude()+before) {
		return "the objective fell as far as its rounding allows"
	}
	return fmt.Sprintf("an update raised the objective by %.3g and was undone", after-before)
}

// magnitude returns the size of the terms of the divergence at WH = V, where they cancel.
func (s *nmf) magnitude() (sum float64) {
	bins, cols := s.v.Dims()
	if s.beta == 0 {
		return float64(bins) * float64(cols)
	}
	s.v.eachPanel(func(_ int, panel blas64.General) {
		for _, x := range panel.Data {
			sum += math.Pow(x+s.eps, s.beta)
		}
	})
	if s.beta != 1 {
		sum /= math.Abs(s.beta * (s.beta - 1))
	}
	return sum
}
