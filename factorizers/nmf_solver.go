package factorizers

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// nmfOptions say what an nmf minimises, and how.
type nmfOptions struct {
	beta, eps  float64
	l1, smooth float64
	heuristic  bool // exponent 1, whatever beta
	fixW, fixH bool
}

// leastEps keeps 0/0 out where eps is 0.
const leastEps = 1e-300

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
// An iteration is first, then second. The objective falls out of the first pass over V
// of the next iteration, and the factors before last are kept, so an iteration that
// turns out to have been one too many is undone by stepBack.
type nmf struct {
	nmfOptions
	v                      blas64.General
	bins, components, cols int     // F, K, N
	rows, rank, strips     int     // F and K rounded up to what the kernels want, N in strips
	gammaH, gammaW         float64 // exponents of the updates
	constant               float64 // ½ΣV² for β = 2

	w, wNext, wPrev []float64 // rows×rank
	h, hNext, hPrev []float64 // [strip][rank][wide]
	wSum, hSum      []float64 // of the columns of W, of the rows of H
	wGram, hGram    []float64 // WᵀW, HHᵀ for β = 2
	num, den        []float64 // like h, under a smoothness penalty

	ctx       context.Context
	crew      *crew
	scratch   []nmfScratch
	part      []float64 // of the objective, one for each task
	objective bool      // whether the pass at hand computes it
	tasks     struct{ h, w, smooth, gram, scale, residual func(worker, i int) }
}

// nmfScratch is what a worker works in.
type nmfScratch struct {
	a, b     []float64 // block strips
	num, den []float64 // rank strips, or block×rank
}

// block is the number of rows of V whose strips are worked on before they leave the
// first cache.
const block = 16

// newNMF returns an nmf of v, F×N, started from copies of w, F×K, and h, K×N. It reads
// v anew in each pass. The crew is the caller's to close.
func newNMF(ctx context.Context, c *crew, v, w, h *mat.Dense, o nmfOptions) *nmf {
	o.eps = max(o.eps, leastEps)
	s := &nmf{nmfOptions: o, v: v.RawMatrix(), ctx: ctx, crew: c}
	s.bins, s.cols = v.Dims()
	_, s.components = w.Dims()
	s.rows, s.rank, s.strips = roundUp(s.bins, 4), roundUp(s.components, 2), (s.cols+wide-1)/wide
	if s.cols == 1 {
		s.smooth = 0
	}
	s.gammaH, s.gammaW = 1, 1
	if !s.heuristic {
		s.gammaH, s.gammaW = exponent(s.beta, s.smooth > 0), exponent(s.beta, false)
	}
	for _, p := range []*[]float64{&s.w, &s.wNext, &s.wPrev} {
		*p = make([]float64, s.rows*s.rank)
	}
	for _, p := range []*[]float64{&s.h, &s.hNext, &s.hPrev} {
		*p = make([]float64, s.strips*s.rank*wide)
	}
	if s.smooth > 0 {
		s.num, s.den = make([]float64, len(s.h)), make([]float64, len(s.h))
	}
	s.wSum, s.hSum = make([]float64, s.rank), make([]float64, s.rank)
	if s.beta == 2 {
		s.wGram, s.hGram = make([]float64, s.rank*s.rank), make([]float64, s.rank*s.rank)
		s.constant = s.halfSquares()
	}
	s.part = make([]float64, max(s.strips, (s.rows+block-1)/block))
	s.scratch = make([]nmfScratch, len(c.start)+1)
	for i := range s.scratch {
		s.scratch[i] = nmfScratch{
			make([]float64, block*wide), make([]float64, block*wide),
			make([]float64, s.rank*wide), make([]float64, s.rank*wide),
		}
	}
	s.tasks.h, s.tasks.w, s.tasks.smooth = s.updateStrip, s.updateRows, s.smoothRow
	s.tasks.gram, s.tasks.scale, s.tasks.residual = s.gramRows, s.scaleStrip, s.residual
	s.load(w, h)
	return s
}

func roundUp(n, to int) int { return (n + to - 1) / to * to }

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

// at returns where h_kn stands.
func (s *nmf) at(k, n int) int { return (n/wide*s.rank+k)*wide + n%wide }

// activations returns strip t of h, rank strips.
func (s *nmf) activations(h []float64, t int) []float64 {
	return h[t*s.rank*wide : (t+1)*s.rank*wide]
}

func (s *nmf) load(w, h *mat.Dense) {
	for f := range s.bins {
		copy(s.w[f*s.rank:], w.RawRowView(f))
	}
	for k := range s.components {
		for n, x := range h.RawRowView(k) {
			if s.smooth > 0 {
				x = max(x, leastSmooth)
			}
			s.h[s.at(k, n)] = x
		}
	}
	s.normalise()
}

// factors returns copies of W, F×K, and H, K×N.
func (s *nmf) factors() (w, h *mat.Dense) {
	w, h = mat.NewDense(s.bins, s.components, nil), mat.NewDense(s.components, s.cols, nil)
	for f := range s.bins {
		copy(w.RawRowView(f), s.w[f*s.rank:])
	}
	for k := range s.components {
		row := h.RawRowView(k)
		for n := range row {
			row[n] = s.h[s.at(k, n)]
		}
	}
	return w, h
}

// first makes the first update of an iteration, which second puts in force, and returns
// the objective before it. When ctx is done it returns early, with any number.
func (s *nmf) first() float64 {
	s.objective = true
	tasks := s.strips
	if s.fixH {
		tasks = (s.rows + block - 1) / block
		s.holdH()
		s.crew.do(tasks, s.tasks.w)
	} else {
		s.holdW()
		s.crew.do(tasks, s.tasks.h)
		if s.smooth > 0 {
			s.crew.do(s.components, s.tasks.smooth)
		}
	}
	s.objective = false
	d := s.constant
	for _, p := range s.part[:tasks] {
		d += p
	}
	if s.beta == 2 && d < 1e-6*s.constant { // what is left is the rounding of what cancelled
		d = 0
		s.crew.do(s.strips, s.tasks.residual)
		for _, p := range s.part[:s.strips] {
			d += p
		}
	}
	return max(0, d) + s.penalties()
}

// second ends the iteration that first began.
func (s *nmf) second() {
	if s.fixH {
		copy(s.hPrev, s.h)
	} else {
		s.hPrev, s.h, s.hNext = s.h, s.hNext, s.hPrev
	}
	if s.fixW {
		return
	}
	if !s.fixH {
		s.holdH()
		s.crew.do((s.rows+block-1)/block, s.tasks.w)
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

// holdW readies what updates of H need of W.
func (s *nmf) holdW() {
	s.sumW()
	if s.beta != 2 {
		return
	}
	clear(s.wGram)
	for f := range s.bins {
		row := s.w[f*s.rank : (f+1)*s.rank]
		for i, a := range row {
			axpy(s.wGram[i*s.rank:(i+1)*s.rank], a, row)
		}
	}
}

func (s *nmf) sumW() {
	clear(s.wSum)
	for f := range s.bins {
		axpy(s.wSum, 1, s.w[f*s.rank:(f+1)*s.rank])
	}
}

// axpy adds a·x to y.
func axpy(y []float64, a float64, x []float64) {
	y = y[:len(x)]
	for i, b := range x {
		y[i] += a * b
	}
}

// holdH readies what updates of W need of H.
func (s *nmf) holdH() {
	s.sumH()
	if s.beta == 2 {
		s.crew.do(s.rank/2, s.tasks.gram)
	}
}

func (s *nmf) sumH() {
	clear(s.hSum)
	for t := range s.strips {
		h := s.activations(s.h, t)
		for k := range s.hSum {
			for _, x := range stripOf(h, k) {
				s.hSum[k] += x
			}
		}
	}
}

func (s *nmf) gramRows(_, i int) {
	c := s.hGram[2*i*s.rank : (2*i+2)*s.rank]
	clear(c)
	for t := range s.strips {
		h := s.activations(s.h, t)
		addProducts(c, h[2*i*wide:], h, 2, s.rank)
	}
}

// penalties returns l1 Σ_k ‖w_k‖₁‖h_k‖₁ and the smoothness penalty, whose logarithms
// leave only those of the two ends.
func (s *nmf) penalties() float64 {
	var sum float64
	if s.l1 > 0 {
		s.sumW()
		s.sumH()
		for k, a := range s.wSum {
			sum += s.l1 * a * s.hSum[k]
		}
	}
	if s.smooth > 0 {
		for k := range s.components {
			last := max(s.h[s.at(k, 0)], leastSmooth)
			d := -math.Log(last)
			for n := 1; n < s.cols; n++ {
				x := max(s.h[s.at(k, n)], leastSmooth)
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
	s.sumW()
	for f := range s.bins {
		row := s.w[f*s.rank : f*s.rank+s.components]
		for k := range row {
			if sum := s.wSum[k]; sum > 0 {
				row[k] /= sum
			} else {
				row[k] = 1 / float64(s.bins)
			}
		}
	}
	s.crew.do(s.strips, s.tasks.scale)
}

func (s *nmf) scaleStrip(_, t int) {
	h := s.activations(s.h, t)
	for k, a := range s.wSum[:s.components] {
		x := stripOf(h, k)
		for j := range x {
			x[j] *= a
		}
	}
}

// updateStrip writes strip t of the next H, or of num and den under a smoothness penalty.
func (s *nmf) updateStrip(worker, t int) {
	if s.ctx.Err() != nil {
		return
	}
	ws, h := &s.scratch[worker], s.activations(s.h, t)
	s.part[t] = s.stripTerms(ws, h, t)
	if s.smooth > 0 {
		copy(s.activations(s.num, t), ws.num)
		copy(s.activations(s.den, t), ws.den)
		return
	}
	next, width := s.activations(s.hNext, t), min(wide, s.cols-t*wide)
	for k := range s.components {
		i, j := k*wide, k*wide+width
		scaleByPower(next[i:j], h[i:j], ws.num[i:j], ws.den[i:j], s.gammaH)
	}
}

// scaleByPower sets next = x∘(num/den)^gamma. What has no den has no num either and
// stays as it is.
func scaleByPower(next, x, num, den []float64, gamma float64) {
	for i, a := range x {
		q := num[i] / den[i]
		switch {
		case !(den[i] > 0):
			next[i] = a
		case gamma == 1:
			next[i] = a * q
		case gamma == 0.5:
			next[i] = a * math.Sqrt(q)
		default:
			next[i] = a * math.Pow(q, gamma)
		}
	}
}

// stripTerms sets num and den of ws to the two terms of the update of h, strip t of H,
// and returns the strip's part of the divergence if s.objective.
func (s *nmf) stripTerms(ws *nmfScratch, h []float64, t int) (d float64) {
	clear(ws.num)
	for i := range ws.den {
		ws.den[i] = s.l1
	}
	from, width := t*wide, min(wide, s.cols-t*wide)
	for m := 0; m < s.rows; m += block {
		rows := min(block, s.rows-m)
		w := s.w[m*s.rank : (m+rows)*s.rank]
		if s.beta != 2 {
			multiplyStrips(ws.b, w, h, rows, s.rank, s.eps)
		}
		for i := range rows {
			d += s.quotients(ws, m, i, from, width)
		}
		addTransposed(ws.num, w, ws.a, rows, s.rank)
		if s.beta != 1 && s.beta != 2 {
			addTransposed(ws.den, w, ws.b, rows, s.rank)
		}
	}
	switch s.beta {
	case 1:
		for k, a := range s.wSum {
			addConstant(stripOf(ws.den, k), a)
		}
	case 2:
		multiplyStrips(ws.den, s.wGram, h, s.rank, s.rank, 0)
		if s.objective {
			d = halfMinus(h, ws.den, ws.num)
		}
		for k, a := range s.wSum {
			addConstant(stripOf(ws.num, k), a*s.eps)
			addConstant(stripOf(ws.den, k), a*s.eps+s.l1)
		}
	}
	return d
}

func addConstant(x *strip, a float64) {
	for j := range x {
		x[j] += a
	}
}

// halfMinus returns Σ x(½a - b).
func halfMinus(x, a, b []float64) (sum float64) {
	for i, p := range x {
		sum += p * (0.5*a[i] - b[i])
	}
	return sum
}

// quotients turns strip i of b, V̂ in row m+i of V from column from on, into what the
// updates sum: num in a, den in b. For β = 2 num is V itself, for β = 1 den is not used.
// What lies outside V is 0 in both. It returns the strip's part of the divergence if
// s.objective and β is not 2.
func (s *nmf) quotients(ws *nmfScratch, m, i, from, width int) (d float64) {
	a, b := ws.a[i*wide:(i+1)*wide], ws.b[i*wide:(i+1)*wide]
	if m+i >= s.bins {
		clear(a)
		clear(b)
		return 0
	}
	at := (m+i)*s.v.Stride + from
	v := s.v.Data[at : at+width]
	switch {
	case s.beta == 0 && s.objective:
		d = isDivergence(a, b, v, s.eps)
	case s.beta == 0:
		isQuotients(a, b, v, s.eps)
	case s.beta == 1 && s.objective:
		d = klDivergence(a, b, v, s.eps)
	case s.beta == 1:
		klQuotients(a, b, v, s.eps)
	case s.beta == 2:
		copy(a, v)
	case s.objective:
		d = betaDivergence(a, b, v, s.eps, s.beta)
	default:
		betaQuotients(a, b, v, s.eps, s.beta)
	}
	if width < wide {
		clear(a[width:])
		clear(b[width:])
	}
	return d
}

// updateRows writes block i of the rows of the next W.
func (s *nmf) updateRows(worker, i int) {
	m := i * block
	rows := min(block, s.rows-m)
	w := s.w[m*s.rank : (m+rows)*s.rank]
	ws := &s.scratch[worker]
	num, den, d := s.rowTerms(ws, w, m, rows)
	s.part[i] = d
	if s.fixW {
		return
	}
	for f := m; f < min(m+rows, s.bins); f++ {
		i, j := (f-m)*s.rank, (f-m)*s.rank+s.components
		scaleByPower(s.wNext[f*s.rank:], w[i:j], num[i:j], den[i:j], s.gammaW)
	}
}

// rowTerms returns the two terms of the update of w, rows m to m+rows-1 of W, and
// those rows' part of the divergence if s.objective.
func (s *nmf) rowTerms(ws *nmfScratch, w []float64, m, rows int) (num, den []float64, d float64) {
	num, den = ws.num[:rows*s.rank], ws.den[:rows*s.rank]
	clear(num)
	for i := range den {
		den[i] = s.l1 * s.hSum[i%s.rank]
		if s.beta == 1 {
			den[i] += s.hSum[i%s.rank]
		}
	}
	for t := range s.strips {
		if s.ctx.Err() != nil {
			return num, den, 0
		}
		h, width := s.activations(s.h, t), min(wide, s.cols-t*wide)
		if s.beta != 2 {
			multiplyStrips(ws.b, w, h, rows, s.rank, s.eps)
		}
		for i := range rows {
			d += s.quotients(ws, m, i, t*wide, width)
		}
		addProducts(num, ws.a, h, rows, s.rank)
		if s.beta != 1 && s.beta != 2 {
			addProducts(den, ws.b, h, rows, s.rank)
		}
	}
	if s.beta == 2 {
		d = s.euclideanRows(w, num, den)
	}
	return num, den, d
}

// euclideanRows adds what W and HHᵀ give to num and den of rowTerms and returns the
// rows' part of the divergence.
func (s *nmf) euclideanRows(w, num, den []float64) (d float64) {
	for i, a := range w {
		row, q := i/s.rank*s.rank, i%s.rank
		axpy(den[row:row+s.rank], a, s.hGram[q*s.rank:(q+1)*s.rank])
	}
	for i, a := range w {
		sum := s.hSum[i%s.rank]
		d += a * (0.5*(den[i]-s.l1*sum) - num[i])
		num[i] += s.eps * sum
		den[i] += s.eps * sum
	}
	return d
}

// smoothRow writes row k of the next H under a smoothness penalty. In the bound of the
// objective only neighbours in time hang together: first the even columns are set, then
// the odd ones.
func (s *nmf) smoothRow(_, k int) {
	last := s.cols - 1
	for n := range s.cols {
		s.hNext[s.at(k, n)] = max(s.h[s.at(k, n)], leastSmooth)
	}
	for start := range 2 {
		for n := start; n <= last; n += 2 {
			i := s.at(k, n)
			h := s.hNext[i]
			before, after := 1.0, 1.0 // of -log h_0 and log h_(N-1)
			if n > 0 {
				before = s.hNext[s.at(k, n-1)] / h
			}
			if n < last {
				after = h / s.hNext[s.at(k, n+1)]
			}
			q := (h*s.num[i] + s.smooth*before) / (h*s.den[i] + s.smooth*after)
			s.hNext[i] = max(h*math.Pow(q, s.gammaH), leastSmooth)
		}
	}
}

// residual sets the part of strip t to its ½Σ(V-WH)².
func (s *nmf) residual(worker, t int) {
	ws, h := &s.scratch[worker], s.activations(s.h, t)
	from, width := t*wide, min(wide, s.cols-t*wide)
	var sum float64
	for m := 0; m < s.rows; m += block {
		rows := min(block, s.rows-m)
		multiplyStrips(ws.b, s.w[m*s.rank:(m+rows)*s.rank], h, rows, s.rank, 0)
		for f := m; f < min(m+rows, s.bins); f++ {
			at := f*s.v.Stride + from
			for j, x := range s.v.Data[at : at+width] {
				e := x - ws.b[(f-m)*wide+j]
				sum += e * e
			}
		}
	}
	s.part[t] = sum / 2
}

// halfSquares returns ½ΣV².
func (s *nmf) halfSquares() (sum float64) {
	for f := range s.bins {
		for _, x := range s.v.Data[f*s.v.Stride : f*s.v.Stride+s.cols] {
			sum += x * x / 2
		}
	}
	return sum
}

// minimise runs the iterations and returns the objective after each, which never rises,
// and why it ended. It tells report of each iteration.
func (s *nmf) minimise(iterations int, tol float64, report func(done int, objective float64)) ([]float64, string, error) {
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
		after := s.first()
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
		return float64(s.bins) * float64(s.cols)
	}
	for f := range s.bins {
		for _, x := range s.v.Data[f*s.v.Stride : f*s.v.Stride+s.cols] {
			sum += math.Pow(x+s.eps, s.beta)
		}
	}
	if s.beta != 1 {
		sum /= math.Abs(s.beta * (s.beta - 1))
	}
	return sum
}
