package factorizers

import (
	"context"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep/internal/kernel"
)

// ilrtaSolver is one descent on C of ilrta from one start. Matrices are slices, row after row.
// With λ = WH + eps, N columns, v the mean of |z|² over the vectors that share a column and
// weight 1, or ½ for real coefficients, C is weight times
//
//	Σ (v + eps π_m ρ_n)/λ + log λ + cost of P + cost of R,
//
// π and ρ being the squared norms of the rows of P and R: what white noise of power eps is
// expected to add.
type ilrtaSolver struct {
	bins, cols, per, rank int
	eps, weight           float64
	z                     planes // P X Rᵀ, M×(N·per)
	p, r                  *mixing
	learnP, learnR        bool

	v, u, w, h []float64 // v + noise - eps and 1/λ, M×N; M×K, K×N
	passes     *kernel.NMF
	hNext      []float64
	numW, denW []float64
	sums       []float64

	zTurned planes // z and u with their columns as rows, for R
	uTurned []float64

	before    float64 // C at the start
	objective []float64
	stop      string
}

// newILRTASolver starts from W and H, which it keeps, and from P and R that change nothing.
func newILRTASolver(x *tensor, p ILRTAParams, w, h *mat.Dense, threads int) *ilrtaSolver {
	size := x.bins * x.cols
	l := &ilrtaSolver{bins: x.bins, cols: x.cols, per: x.per, rank: p.Rank, eps: p.Eps * x.power, weight: 1, z: x.clone(),
		learnP: p.Learn == "p" || p.Learn == "both", learnR: p.Learn == "r" || p.Learn == "both",
		v: make([]float64, size), u: make([]float64, size), w: w.RawMatrix().Data, h: h.RawMatrix().Data,
		hNext: make([]float64, p.Rank*x.cols), numW: make([]float64, x.bins*p.Rank), denW: make([]float64, x.bins*p.Rank), sums: make([]float64, p.Rank)}
	if x.im == nil {
		l.weight = 0.5
	}
	if l.eps == 0 { // silence
		l.eps = 1
	}
	l.p = newMixing(x.bins, x.cols, x.per, p.Blend, threads, l.learnP, x.im != nil)
	l.r = newMixing(x.cols, x.bins, x.per, p.Blend, threads, l.learnR, x.im != nil)
	l.p.reach = p.Reach
	if l.learnR {
		l.zTurned, l.uTurned = x.like(len(x.re)), make([]float64, size)
	}
	l.passes = kernel.NewNMF(rowMajor(l.v, l.cols), 0, l.eps)
	l.power()
	l.model()
	l.before = l.value()
	return l
}

// iterate updates H and W, then P, then R. None raises C. It calls tell after each part of an
// iteration, see iterationParts.
func (l *ilrtaSolver) iterate(ctx context.Context, tell func()) error {
	l.updateFactors(ctx)
	l.model()
	if l.learnP {
		l.p.load(l.z, l.u, l.r.norm, l.eps)
		if err := l.p.sweep(ctx, tell); err != nil {
			return err
		}
	}
	if l.learnR {
		l.zTurned.turn(l.z, l.bins, l.cols, l.per)
		transpose(l.uTurned, l.u, l.bins, l.cols, 1)
		l.r.load(l.zTurned, l.uTurned, l.p.norm, l.eps)
		if err := l.r.sweep(ctx, tell); err != nil {
			return err
		}
		l.z.turn(l.zTurned, l.cols, l.bins, l.per)
	}
	l.power()
	return ctx.Err()
}

// iterationParts is into how many parts an iteration is cut whose ends are told: 1 where it is
// short, more where frames are long and one takes minutes.
func iterationParts(x *tensor, learn string) (parts int) {
	if learn == "p" || learn == "both" {
		parts += partsOf(x.bins, x.cols*x.per)
	}
	if learn == "r" || learn == "both" {
		parts += partsOf(x.cols, x.bins*x.per)
	}
	return max(1, parts)
}

// partsOf is how many parts a sweep over so many rows has.
func partsOf(rows, size int) int { return (rows + rowsOfPart(rows, size) - 1) / rowsOfPart(rows, size) }

// rowsOfPart is how many rows of a sweep a part has, each of which changes all rows, of size
// numbers: about a tenth of a second.
func rowsOfPart(rows, size int) int {
	const operations = 1e8
	return max(1, min(rows, int(operations/(8*float64(rows)*float64(size)))))
}

// power sets v, of which the kernel adds eps to every number, and loads it.
func (l *ilrtaSolver) power() {
	for m := range l.bins {
		for n := range l.cols {
			at := m*l.cols + n
			var sum float64
			for i := at * l.per; i < (at+1)*l.per; i++ {
				sum += l.z.re[i] * l.z.re[i]
				if l.z.im != nil {
					sum += l.z.im[i] * l.z.im[i]
				}
			}
			l.v[at] = sum/float64(l.per) + l.eps*(l.p.norm[m]*l.r.norm[n]-1)
		}
	}
	l.passes.Load(rowMajor(l.v, l.cols))
}

// model sets u to 1/λ.
func (l *ilrtaSolver) model() {
	w, h := mat.NewDense(l.bins, l.rank, l.w), mat.NewDense(l.rank, l.cols, l.h)
	multiply(mat.NewDense(l.bins, l.cols, l.u), w, h)
	for i, v := range l.u {
		l.u[i] = 1 / (v + l.eps)
	}
}

// updateFactors updates H, then W, by majorisation-minimisation as is_nmf does; columns of W
// sum to 1.
func (l *ilrtaSolver) updateFactors(ctx context.Context) {
	l.passes.Do(ctx, kernel.Step{
		W: rowMajor(l.w, l.rank), H: rowMajor(l.h, l.cols), Next: rowMajor(l.hNext, l.cols),
		Update: func(next, h, num, den []float64, _ int) { kernel.Scale(next, h, num, den, 0.5) },
		NumW:   rowMajor(l.numW, l.rank), DenW: rowMajor(l.denW, l.rank),
	})
	l.h, l.hNext = l.hNext, l.h
	kernel.Scale(l.w, l.w, l.numW, l.denW, 0.5)
	clear(l.sums)
	for m := range l.bins {
		floats.Add(l.sums, l.w[m*l.rank:(m+1)*l.rank])
	}
	for k, sum := range l.sums {
		if sum > 0 {
			floats.Scale(sum, l.h[k*l.cols:(k+1)*l.cols])
		} else {
			l.sums[k] = 1
		}
	}
	for m := range l.bins {
		floats.Div(l.w[m*l.rank:(m+1)*l.rank], l.sums)
	}
}

// value returns C.
func (l *ilrtaSolver) value() float64 {
	var q float64
	for i, v := range l.v {
		q += (v + l.eps) * l.u[i]
	}
	return l.weight * (q - kernel.SumLog(l.u, 0) + l.p.cost() + l.r.cost())
}

func (l *ilrtaSolver) last() float64 { return l.objective[len(l.objective)-1] }

// record appends C to objective and tells whether the descent has converged. It is an error if
// C has risen or is not finite.
func (l *ilrtaSolver) record(tol float64) (done bool, err error) {
	c := l.value()
	old := l.before
	if l.stop = "iterations"; len(l.objective) > 0 {
		old = l.last()
	}
	if rounding := 1e-11 * (math.Abs(old) + float64(l.bins*l.cols)); !(c <= old+rounding) {
		return false, fmt.Errorf("the objective went from %.17g to %.17g in iteration %d; want a fall, as with a greater eps or blend", old, c, len(l.objective)+1)
	}
	l.objective = append(l.objective, min(c, old))
	if old-c < tol*(math.Abs(c)+math.Abs(old)) {
		l.stop = "tolerance"
		return true, nil
	}
	return false, nil
}

// mixing is P, or R, which is P of the transposed coefficients, and how it is learnt. It
// lowers, for rows i of P,
//
//	Σ_i p_i U_i p_iᴴ + blend·N (‖P‖² − rows) − (1 + blend)·N·log det PPᴴ,
//
// N vectors sharing P, U_i = Σ_n (x_n x_nᴴ + eps ρ_n I)/λ_in. The blend is N times the
// log-determinant divergence of PPᴴ from I, which is 0 where P is orthogonal.
type mixing struct {
	rows, cols, per int
	blend           float64
	reach           int
	matrix          planes
	norm            []float64 // ‖p_i‖²
	logDet          float64   // log |det P|
	threads         *rowTeam

	z     planes    // rows×(cols·per)
	u     []float64 // 1/λ, rows×cols
	ridge []float64 // of each row: what is added to U_i's diagonal
	own   float64   // p_k U_k p_kᴴ of the row that is steered by, with the blend's part
}

// newMixing returns I; whole says whether it is to be learnt, else it has its norms alone.
func newMixing(rows, cols, per int, blend float64, threads int, whole, complex bool) *mixing {
	a := &mixing{rows: rows, cols: cols, per: per, blend: blend, norm: make([]float64, rows)}
	for i := range a.norm {
		a.norm[i] = 1
	}
	if !whole {
		return a
	}
	a.matrix.re, a.ridge = make([]float64, rows*rows), make([]float64, rows)
	if complex {
		a.matrix.im = make([]float64, rows*rows)
	}
	for i := range rows {
		a.matrix.re[i*rows+i] = 1
	}
	a.threads = newRowTeam(rows, threads, a.steer)
	return a
}

// load takes the coefficients, 1/λ and the squared norms of the other matrix's rows.
func (a *mixing) load(z planes, u, other []float64, eps float64) {
	a.z, a.u = z, u
	for i := range a.ridge {
		a.ridge[i] = a.blend*float64(a.cols) + eps*floats.Dot(other, u[i*a.cols:(i+1)*a.cols])
	}
}

// sweep is iterative source steering by every row k: P ← P − v p_k with the v that lowers the
// objective most; for rows farther from k than reach v is 0 (Scheibler and Ono, Fast and stable
// blind source separation with rank-1 updates, 2020).
func (a *mixing) sweep(ctx context.Context, tell func()) error {
	part := rowsOfPart(a.rows, a.cols*a.per)
	for k := range a.rows {
		if err := ctx.Err(); err != nil {
			return err
		}
		a.threads.do(k)
		if scale := math.Sqrt((1 + a.blend) * float64(a.cols) / a.own); scale > 0 && !math.IsInf(scale, 0) {
			a.z.row(k, a.cols*a.per).scale(scale)
			a.matrix.row(k, a.rows).scale(scale)
			a.norm[k] *= scale * scale
			a.logDet += math.Log(scale)
		}
		if (k+1)%part == 0 || k+1 == a.rows {
			tell()
		}
	}
	return nil
}

// steer changes row i by row k.
func (a *mixing) steer(i, k int) {
	if a.reach > 0 && max(i-k, k-i) > a.reach {
		return
	}
	re, im, den := a.quadratic(i, k)
	if i == k {
		a.own = den
		return
	}
	re, im = re/den, im/den
	if math.IsNaN(re+im) || math.IsInf(re+im, 0) {
		return
	}
	a.z.row(i, a.cols*a.per).subtract(a.z.row(k, a.cols*a.per), re, im)
	p := a.matrix.row(i, a.rows)
	p.subtract(a.matrix.row(k, a.rows), re, im)
	_, _, a.norm[i] = p.products(p)
}

// quadratic returns p_i U_i p_kᴴ and p_k U_i p_kᴴ, with the blend's parts.
func (a *mixing) quadratic(i, k int) (re, im, den float64) {
	size := a.cols * a.per
	re, im, den = a.z.row(i, size).weighted(a.z.row(k, size), a.u[i*a.cols:(i+1)*a.cols], a.per)
	x, y, _ := a.matrix.row(i, a.rows).products(a.matrix.row(k, a.rows))
	return re + a.ridge[i]*x, im + a.ridge[i]*y, den + a.ridge[i]*a.norm[k]
}

// cost returns what the matrix adds to the objective besides the fit.
func (a *mixing) cost() float64 {
	n := float64(a.cols)
	return a.blend*n*(sumOf(a.norm)-float64(a.rows)) - 2*(1+a.blend)*n*a.logDet
}

// sumOf adds in order; the last bits of floats.Sum depend on the address of x.
func sumOf(x []float64) (sum float64) {
	for _, v := range x {
		sum += v
	}
	return sum
}

func (x planes) copy(from planes) {
	copy(x.re, from.re)
	copy(x.im, from.im)
}

// clone returns a copy of the coefficients.
func (x *tensor) clone() planes { return planes{slices.Clone(x.re), slices.Clone(x.im)} }
