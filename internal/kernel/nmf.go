package kernel

import (
	"math"
	"sync"
	"unsafe"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
)

// NMF is a factorisation V ≈ V̂ = WH + Eps under the β-divergence of V + Eps from V̂,
// where V is F×N, W is F×K and H is K×N. All are at least 0, row-major, and V̂ must
// be a normal number everywhere: above 1e-307.
type NMF struct {
	V    blas64.General
	Beta float64
	Eps  float64
}

// SumsH writes the two sums of which a multiplicative update of H is made,
//
//	num = Wᵀ((V+Eps)∘V̂^(β-2)), den = Wᵀ V̂^(β-1),
//
// both K×N. If objective is true it returns the divergence of V + Eps from WH + Eps,
// else 0. V is read once; V̂ and the quotients live in the first cache.
func (p NMF) SumsH(num, den, w, h blas64.General, objective bool) float64 {
	return p.half(halfStep{
		v: asView(p.V, blas.NoTrans), a: asView(w, blas.NoTrans), b: asView(h, blas.NoTrans),
		num: asView(num, blas.NoTrans), den: asView(den, blas.NoTrans),
		rows: p.V.Rows, cols: p.V.Cols, k: w.Cols, objective: objective,
	})
}

// SumsW is [NMF.SumsH] for W: num = ((V+Eps)∘V̂^(β-2))Hᵀ, den = V̂^(β-1)Hᵀ, both F×K.
func (p NMF) SumsW(num, den, w, h blas64.General, objective bool) float64 {
	if current.lanes > 0 {
		return p.half(halfStep{
			v: asView(p.V, blas.NoTrans), a: asView(w, blas.NoTrans), b: asView(h, blas.NoTrans),
			num: asView(num, blas.NoTrans), den: asView(den, blas.NoTrans),
			rows: p.V.Rows, cols: p.V.Cols, k: w.Cols, objective: objective, along: true,
		})
	}
	return p.half(halfStep{
		v: asView(p.V, blas.Trans), a: asView(h, blas.Trans), b: asView(w, blas.Trans),
		num: asView(num, blas.Trans), den: asView(den, blas.Trans),
		rows: p.V.Cols, cols: p.V.Rows, k: w.Cols, objective: objective,
	})
}

// Objective returns the divergence of V + Eps from WH + Eps:
//
//	β = 0: Σ r - log r - 1,  r = (V+Eps)/V̂     (Itakura-Saito)
//	β = 1: Σ y log(y/V̂) - y + V̂,  y = V+Eps     (Kullback-Leibler)
//	else:  Σ (y^β + (β-1)V̂^β - βyV̂^(β-1)) / (β(β-1))
func (p NMF) Objective(w, h blas64.General) float64 {
	return p.half(halfStep{
		v: asView(p.V, blas.NoTrans), a: asView(w, blas.NoTrans), b: asView(h, blas.NoTrans),
		rows: p.V.Rows, cols: p.V.Cols, k: w.Cols, objective: true,
	})
}

// A halfStep is sums over V̂ = AB, with A = W and B = H but where there are no vectors.
// For H they are over rows, column by column: no sum goes across columns, so strips of
// columns are what threads share. For W they are along rows, row by row, and panels of
// rows are shared; without vectors they are those for H of the transposes.
type halfStep struct {
	v, a, b       view // rows×cols, rows×k, k×cols
	num, den      view // k×cols, along rows rows×k; without data they are not wanted
	rows, cols, k int
	objective     bool
	along         bool // sums along rows
	beta, eps     float64
	engine        *engine
	strips        []float64 // the objective of each strip or panel
	flat          []float64 // for β = 1, the sums of A's columns, along rows of B's rows
	packed        []float64 // along rows, B in strips
	team          *team
}

var halfSteps = sync.Pool{New: func() any {
	s := new(halfStep)
	s.team = newTeam(s.strip)
	return s
}}

// Rows of V that go through the first cache together, and columns of a strip where
// there are no vectors.
const (
	rowsTogether = 64
	plainWidth   = 16
)

func (s *halfStep) width() int {
	if s.engine.lanes == 0 {
		return plainWidth
	}
	return 3 * s.engine.lanes
}

func (p NMF) half(arg halfStep) float64 {
	if arg.rows == 0 || arg.cols == 0 || arg.k == 0 {
		return 0
	}
	s := halfSteps.Get().(*halfStep)
	arg.beta, arg.eps, arg.engine, arg.strips, arg.flat, arg.packed, arg.team = p.Beta, p.Eps, current, s.strips, s.flat, s.packed, s.team
	*s = arg
	count := (s.cols + s.width() - 1) / s.width()
	if s.along {
		s.packed = packStrips(s.packed, s.b, s.k, s.cols, s.width())
		count = (s.rows + panelRows - 1) / panelRows
	}
	s.strips = grow(s.strips, count)
	if s.beta == 1 {
		s.sumFlat()
	}
	s.team.run(count, s.rows*s.cols*s.k)
	var sum float64
	for _, x := range s.strips {
		sum += x
	}
	s.v, s.a, s.b, s.num, s.den = view{}, view{}, view{}, view{}, view{}
	halfSteps.Put(s)
	return sum
}

// sumFlat sets flat.
func (s *halfStep) sumFlat() {
	s.flat = grow(s.flat, s.k)
	if s.along {
		for k := range s.flat {
			s.flat[k] = sumOf(s.b.data[k*s.b.rs:][:s.cols])
		}
		return
	}
	clear(s.flat)
	for i := range s.rows {
		for k := range s.flat {
			s.flat[k] += s.a.data[i*s.a.rs+k*s.a.cs]
		}
	}
}

// sumOf returns the sum of x, whose additions do not all wait for each other.
func sumOf(x []float64) float64 {
	var a, b, c, d float64
	for ; len(x) >= 4; x = x[4:] {
		a, b, c, d = a+x[0], b+x[1], c+x[2], d+x[3]
	}
	for _, x := range x {
		a += x
	}
	return (a + b) + (c + d)
}

// strip does one strip of columns, or panel of rows.
func (s *halfStep) strip(w *workspace, i int) {
	if s.along {
		s.panel(w, i)
		return
	}
	col := i * s.width()
	cols := min(s.width(), s.cols-col)
	if s.engine.lanes == 0 {
		s.strips[i] = s.stripPlain(w, col, cols)
		return
	}
	e := s.engine
	vecs := (cols + e.lanes - 1) / e.lanes
	if vecs == 2 {
		vecs = 3 // there is no kernel of two
	}
	width := vecs * e.lanes
	b := s.packB(w, col, cols, width)
	w.p, w.q = grow(w.p, rowsTogether*width), grow(w.q, rowsTogether*width)
	w.num, w.den = grow(w.num, s.k*width), grow(w.den, s.k*width)
	w.begin(s.beta, s.eps, cols)
	var sum float64
	for row := 0; row < s.rows; row += rowsTogether {
		rows := min(rowsTogether, s.rows-row)
		sum += s.quotients(w, b, row, rows, col, cols, width)
		if s.num.data != nil {
			s.add(w, row, rows, width)
		}
	}
	if s.num.data != nil {
		s.write(w, col, cols, width)
	}
	s.strips[i] = 0
	if s.objective {
		s.strips[i] = sum + w.total(s.beta)
	}
}

// packB returns the strip of B, k×width, padded with zeros.
func (s *halfStep) packB(w *workspace, col, cols, width int) []float64 {
	w.b = grow(w.b, s.k*width)
	if cols < width {
		clear(w.b)
	}
	packInto(w.b, view{s.b.data[col*s.b.cs:], s.b.cs, s.b.rs}, cols, s.k, width)
	return w.b
}

// A ratioTile is the argument of the kernels that turn a product at once into what
// the sums are made of: P = (V+eps)∘V̂^(β-2) in the place of C and, unless β = 1,
// Q = V̂^(β-1). The kernels know the places of the fields.
type ratioTile struct {
	tile
	q    uintptr // bytes from P to Q
	v    *float64
	ldv  uintptr     // bytes
	at   uintptr     // bytes from v to the next panel's rows
	bAt  uintptr     // bytes from b to the next panel's strip
	next [3]uintptr  // bytes by which c, v and b go on after a panel, beside its rows
	eps  [24]float64 // of each column
	sum  [24]float64 // of r - 1 for β = 0, else of the divergence
	mant [24]float64 // for β = 0 the product of all r is Π mant·2^exp
	exp  [24]float64

	beta2, beta, beta1, inverse, zero float64    // β-2, β, β-1, 1/(β(β-1)), 0^β
	series                            [3]float64 // see nearOne
}

// begin makes ready for a strip of cols columns.
func (t *ratioTile) begin(beta, eps float64, cols int) {
	t.beta2, t.beta, t.beta1, t.inverse = beta-2, beta, beta-1, 1/(beta*(beta-1))
	t.zero = math.Pow(0, beta)
	t.series = nearOne(beta)
	for j := range t.eps {
		t.eps[j] = eps
	}
	t.pad(beta, cols)
	for j := range t.sum {
		t.sum[j], t.mant[j], t.exp[j] = 0, 1, 0
	}
}

// pad makes ready for columns that are not there, from cols on: V and V̂ are both the same
// there, and the objective must not notice.
func (t *ratioTile) pad(beta float64, cols int) {
	pad := 1.0
	if beta == 1 { // log 1 is not exactly 0 there, so it gets no weight
		pad = 0x1p-1000
	}
	for j := cols; j < len(t.eps); j++ {
		t.eps[j] = pad
	}
}

// total returns the strip's objective from what the kernels left.
func (t *ratioTile) total(beta float64) float64 {
	var sum, log float64
	for j := range t.sum {
		sum += t.sum[j]
		log += t.exp[j]*math.Ln2 + math.Log(t.mant[j])
	}
	if beta == 0 {
		sum -= log
	}
	return sum
}

// quotients leaves P and Q of some rows in w.p and w.q. What it returns is the
// objective where the kernels do not sum it.
func (s *halfStep) quotients(w *workspace, b []float64, row, rows, col, cols, width int) float64 {
	e, t := s.engine, &w.ratioTile
	t.k = s.k
	t.b, t.bs = &b[0], uintptr(8*width)
	t.c, t.ldc = &w.p[0], uintptr(8*width)
	a := s.a.from(row, 0)
	if s.beta == 2 {
		t.alpha, t.add = 1, 0
		e.strip(&t.tile, a, false, rows, width/e.lanes)
		return s.differences(w.p, w.q, row, rows, col, cols, width)
	}
	v := s.v.from(row, col)
	if v.cs != 1 || cols < width {
		w.v = grow(w.v, rowsTogether*width)
		if cols < width {
			clear(w.v)
		}
		packInto(w.v, view{v.data, v.cs, v.rs}, cols, rows, width)
		v = view{w.v, width, 1}
	}
	t.q = uintptr(unsafe.Pointer(&w.q[0])) - uintptr(unsafe.Pointer(&w.p[0]))
	t.v, t.ldv, t.at = &v.data[0], uintptr(8*v.rs), 0
	e.quotients(t, a, s.beta, s.objective, rows, width/e.lanes)
	return 0
}

// ratioKind returns the place of a kernel in an engine's ratio.
func ratioKind(beta float64, objective bool) int {
	kind := 4
	if beta == 0 || beta == 1 {
		kind = int(2 * beta)
	}
	if objective {
		kind++
	}
	return kind
}

// withLogs is the kind whose objective lacks its logarithms.
const withLogs = 3

// quotients runs the kernels over so many rows of a strip.
func (e *engine) quotients(t *ratioTile, a view, beta float64, objective bool, rows, vecs int) {
	kind := ratioKind(beta, objective)
	heights := [2]int{e.ratioRows[kind], 1}
	t.rs, t.cs = uintptr(8*a.rs), uintptr(8*a.cs)
	t.bAt, t.next = 0, [3]uintptr{}
	p := t.c
	for i, row := 0, 0; i < 2; i++ {
		t.panels = (rows - row) / heights[i]
		if t.panels == 0 {
			continue
		}
		t.a, t.ps = &a.data[row*a.rs], uintptr(8*heights[i]*a.rs)
		t.c = (*float64)(unsafe.Add(unsafe.Pointer(p), uintptr(row)*t.ldc))
		t.at = uintptr(row) * t.ldv
		e.ratio[kind][i][vecs/3]((*uint64)(unsafe.Pointer(t)))
		row += t.panels * heights[i]
	}
	if kind == withLogs {
		t.panels, t.c, t.at = rows, p, 0
		e.logs[vecs/3]((*uint64)(unsafe.Pointer(t)))
	}
}

// differences turns V̂ - eps in p into P and Q for β = 2, whose objective is a square of
// differences: what is left of it where a power would cancel counts.
func (s *halfStep) differences(pAll, qAll []float64, row, rows, col, cols, width int) float64 {
	var sum float64
	for i := range rows {
		v := s.v.from(row+i, col)
		p, q := pAll[i*width:(i+1)*width], qAll[i*width:(i+1)*width]
		for j := range cols {
			y, x := v.data[j*v.cs]+s.eps, p[j]+s.eps
			p[j], q[j] = y, x
			sum += (y - x) * (y - x) / 2
		}
	}
	return sum
}

// quotients returns y·x^(β-2) and x^(β-1).
func quotients(beta, y, x float64) (p, q float64) {
	switch beta {
	case 0:
		q = 1 / x
		return y * q * q, q
	case 1:
		return y / x, 1
	case 2:
		return y, x
	}
	p = math.Pow(x, beta-2)
	return y * p, x * p
}

// divergence returns the β-divergence of y from x.
func divergence(beta, y, x float64) float64 {
	switch beta {
	case 0:
		r := y / x
		return r - math.Log(r) - 1
	case 1:
		if y == 0 {
			return x
		}
		return y*math.Log(y/x) - y + x
	case 2:
		return (y - x) * (y - x) / 2
	}
	// In units of x^β.
	e := (y - x) / x
	d := (math.Pow(1+e, beta) + beta - 1 - beta*(1+e)) / (beta * (beta - 1))
	if math.Abs(e) < 0x1p-8 {
		c := nearOne(beta)
		d = e * e * (0.5 + e*(c[0]+e*(c[1]+e*c[2])))
	}
	return d * math.Pow(x, beta)
}

// nearOne is the series of the β-divergence of 1+e from 1 after e²/2: the coefficients
// of e³, e⁴ and e⁵. For |e| < 1/256 the rest is below 1e-9 of it, while the formula
// would lose all of it to rounding.
func nearOne(beta float64) [3]float64 {
	c3 := (beta - 2) / 6
	c4 := c3 * (beta - 3) / 4
	return [3]float64{c3, c4, c4 * (beta - 4) / 5}
}

// add adds Aᵀ P and Aᵀ Q of some rows to the strip's sums.
func (s *halfStep) add(w *workspace, row, rows, width int) {
	e, t := s.engine, &w.tile
	a := s.a.from(row, 0)
	a.rs, a.cs = a.cs, a.rs
	t.k, t.alpha, t.add = rows, 1, min(row, 1)
	t.bs, t.ldc = uintptr(8*width), uintptr(8*width)
	t.b, t.c = &w.p[0], &w.num[0]
	e.strip(t, a, false, s.k, width/e.lanes)
	if s.beta != 1 {
		t.b, t.c = &w.q[0], &w.den[0]
		e.strip(t, a, false, s.k, width/e.lanes)
	}
}

// write takes the strip's sums to where they are wanted.
func (s *halfStep) write(w *workspace, col, cols, width int) {
	if s.beta == 1 {
		for k, sum := range s.flat {
			for j := range cols {
				w.den[k*width+j] = sum
			}
		}
	}
	for k := range s.k {
		for j := range cols {
			s.num.data[k*s.num.rs+(col+j)*s.num.cs] = w.num[k*width+j]
			s.den.data[k*s.den.rs+(col+j)*s.den.cs] = w.den[k*width+j]
		}
	}
}

// stripPlain is strip without vectors: the oracle.
func (s *halfStep) stripPlain(w *workspace, col, cols int) float64 {
	w.num, w.den, w.p = grow(w.num, s.k*cols), grow(w.den, s.k*cols), grow(w.p, cols)
	clear(w.num)
	clear(w.den)
	var sum float64
	for i := range s.rows {
		v, x := s.v.from(i, col), w.p
		for j := range x {
			x[j] = s.eps
		}
		for k := range s.k {
			b, a := s.b.from(k, col), s.a.data[i*s.a.rs+k*s.a.cs]
			for j := range x {
				x[j] += a * b.data[j*b.cs]
			}
		}
		for j, x := range x {
			y := v.data[j*v.cs] + s.eps
			p, q := quotients(s.beta, y, x)
			for k := range s.k {
				a := s.a.data[i*s.a.rs+k*s.a.cs]
				w.num[k*cols+j] += a * p
				w.den[k*cols+j] += a * q
			}
			if s.objective {
				sum += divergence(s.beta, y, x)
			}
		}
	}
	if s.num.data != nil {
		for k := range s.k {
			for j := range cols {
				s.num.data[k*s.num.rs+(col+j)*s.num.cs] = w.num[k*cols+j]
				s.den.data[k*s.den.rs+(col+j)*s.den.cs] = w.den[k*cols+j]
			}
		}
	}
	return sum
}
