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
	strips        []float64 // the objective of each block of columns or rows
	flat          []float64 // for β = 1, the sums of A's columns, along rows of B's rows
	packed        []float64 // along rows, B in strips
	team          *team
}

var halfSteps = sync.Pool{New: func() any {
	s := new(halfStep)
	s.team = newTeam(s.task)
	return s
}}

// plainWidth is the number of columns of a strip where there are no vectors.
const plainWidth = 16

func (s *halfStep) width() int {
	if s.engine.lanes == 0 {
		return plainWidth
	}
	return 3 * s.engine.lanes
}

// together returns how many strips one thread takes at a time for sums over rows: enough
// of them beside each other to read V along its rows, few enough to be shared out.
func (s *halfStep) together() int {
	strips := (s.cols + s.width() - 1) / s.width()
	if s.engine.lanes == 0 {
		return 1
	}
	return min(max(1, strips/16), 8)
}

func (p NMF) half(arg halfStep) float64 {
	if arg.rows == 0 || arg.cols == 0 || arg.k == 0 {
		return 0
	}
	s := halfSteps.Get().(*halfStep)
	arg.beta, arg.eps, arg.engine, arg.strips, arg.flat, arg.packed, arg.team = p.Beta, p.Eps, current, s.strips, s.flat, s.packed, s.team
	*s = arg
	block := s.width() * s.together()
	count := (s.cols + block - 1) / block
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

// task does one block of columns, or panel of rows.
func (s *halfStep) task(w *workspace, i int) {
	switch {
	case s.along:
		s.strips[i] = s.panel(w, i)
	case s.engine.lanes == 0:
		col := i * plainWidth
		s.strips[i] = s.stripPlain(w, col, min(plainWidth, s.cols-col))
	default:
		s.strips[i] = s.block(w, i)
	}
}

// rowsTogether is the number of rows of V whose quotients stay in the first caches.
const rowsTogether = 32

// block does the sums over rows of the strips of a block, and returns its objective.
func (s *halfStep) block(w *workspace, i int) (sum float64) {
	width := s.width()
	col := i * s.together() * width
	cols := min(s.together()*width, s.cols-col)
	w.b = packStrips(w.b, s.b.from(0, col), s.k, cols, width)
	strips := (cols + width - 1) / width
	w.p, w.q = grow(w.p, strips*rowsTogether*width), grow(w.q, strips*rowsTogether*width)
	w.num, w.den = grow(w.num, strips*s.k*width), grow(w.den, strips*s.k*width)
	w.begin(s.beta)
	for row := 0; row < s.rows; row += rowsTogether {
		rows := min(rowsTogether, s.rows-row)
		sum += s.quotients(w, w.b, rowsTogether, row, rows, col, cols)
		for j := 0; j < strips && s.num.data != nil; j++ {
			s.add(w, j, row, rows)
		}
	}
	for j := 0; j < strips && s.num.data != nil; j++ {
		s.write(w, j, col+j*width)
	}
	if !s.objective {
		return 0
	}
	return sum + w.total(s.beta)
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

// begin makes ready for the objective of a block.
func (t *ratioTile) begin(beta float64) {
	t.beta2, t.beta, t.beta1, t.inverse = beta-2, beta, beta-1, 1/(beta*(beta-1))
	t.zero = math.Pow(0, beta)
	t.series = nearOne(beta)
	for j := range t.sum {
		t.sum[j], t.mant[j], t.exp[j] = 0, 1, 0
	}
}

// floor sets eps for a strip of so many columns.
func (t *ratioTile) floor(beta, eps float64, cols int) {
	// Where there is no column V and V̂ are both this, and the objective must not notice.
	pad := 1.0
	if beta == 1 { // log 1 is not exactly 0 there, so it gets no weight
		pad = 0x1p-1000
	}
	for j := range t.eps {
		t.eps[j] = pad
		if j < cols {
			t.eps[j] = eps
		}
	}
}

// total returns the block's objective from what the kernels left.
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

// quotients leaves P and Q of some rows and columns in w.p and w.q, strip after strip, each
// `height` rows high; packed is B in these strips. What it returns is the objective where
// the kernels do not sum it.
func (s *halfStep) quotients(w *workspace, packed []float64, height, row, rows, col, cols int) (sum float64) {
	e, t, width := s.engine, &w.ratioTile, s.width()
	a, block := s.a.from(row, 0), height*width
	t.k, t.bs, t.ldc = s.k, uintptr(8*width), uintptr(8*width)
	if s.beta == 2 {
		t.alpha, t.add = 1, 0
		for j := 0; j*width < cols; j++ {
			t.b, t.c = &packed[j*width*s.k], &w.p[j*block]
			e.strip(&t.tile, a, false, rows, 3)
			sum += s.differences(w.p[j*block:], w.q[j*block:], row, rows, col+j*width, min(width, cols-j*width), width)
		}
		return sum
	}
	t.q = uintptr(unsafe.Pointer(&w.q[0])) - uintptr(unsafe.Pointer(&w.p[0]))
	whole := cols / width
	if whole > 0 {
		v := s.v.from(row, col)
		t.floor(s.beta, s.eps, width)
		t.b, t.c, t.v, t.ldv = &packed[0], &w.p[0], &v.data[0], uintptr(8*v.rs)
		e.quotients(t, a, s.beta, s.objective, height, rows, whole)
	}
	if rest := cols - whole*width; rest > 0 {
		w.v = grow(w.v, block)
		clear(w.v)
		v := s.v.from(row, col+whole*width)
		packInto(w.v, view{v.data, v.cs, v.rs}, rest, rows, width)
		t.floor(s.beta, s.eps, rest)
		t.b, t.c, t.v, t.ldv = &packed[whole*width*s.k], &w.p[whole*block], &w.v[0], uintptr(8*width)
		e.quotients(t, a, s.beta, s.objective, height, rows, 1)
	}
	return 0
}

// quotients runs the kernels over n strips of so many rows.
func (e *engine) quotients(t *ratioTile, a view, beta float64, objective bool, height, rows, n int) {
	kind := 4
	if beta == 0 || beta == 1 {
		kind = int(2 * beta)
	}
	if objective {
		kind++
	}
	width := 3 * e.lanes
	t.rs, t.cs, t.ps = uintptr(8*a.rs), uintptr(8*a.cs), 0
	p := unsafe.Pointer(t.c)
	row := 0
	for i, high := range [2]int{e.ratioRows[kind], 1} {
		t.next = [3]uintptr{
			uintptr(8 * (height - high) * width), uintptr(8*width) - uintptr(high)*t.ldv, uintptr(8*width) * uintptr(t.k),
		}
		for ; row+high <= rows; row += high {
			t.panels, t.a = n, &a.data[row*a.rs]
			t.c = (*float64)(unsafe.Add(p, uintptr(row)*t.ldc))
			t.at, t.bAt = uintptr(row)*t.ldv, 0
			e.ratio[kind][i]((*uint64)(unsafe.Pointer(t)))
		}
	}
	for j := 0; objective && beta == 1 && j < n; j++ {
		t.panels, t.at = rows, uintptr(8*j*width)
		t.c = (*float64)(unsafe.Add(p, 8*j*height*width))
		e.logs((*uint64)(unsafe.Pointer(t)))
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
	e, r := (y-x)/x, y/x // 1+e would lose an r near 0
	d := (math.Pow(r, beta) + beta - 1 - beta*r) / (beta * (beta - 1))
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

// add adds Aᵀ P and Aᵀ Q of some rows to the sums of the block's strip j.
func (s *halfStep) add(w *workspace, j, row, rows int) {
	e, t, width := s.engine, &w.tile, s.width()
	a := s.a.from(row, 0)
	a.rs, a.cs = a.cs, a.rs
	t.k, t.alpha, t.add = rows, 1, min(row, 1)
	t.bs, t.ldc = uintptr(8*width), uintptr(8*width)
	t.b, t.c = &w.p[j*rowsTogether*width], &w.num[j*s.k*width]
	e.strip(t, a, false, s.k, 3)
	if s.beta != 1 {
		t.b, t.c = &w.q[j*rowsTogether*width], &w.den[j*s.k*width]
		e.strip(t, a, false, s.k, 3)
	}
}

// write takes the sums of the block's strip j to column col on, where they are wanted.
func (s *halfStep) write(w *workspace, j, col int) {
	width := s.width()
	cols := min(width, s.cols-col)
	for k := range s.k {
		at := (j*s.k + k) * width
		copy(s.num.from(k, col).data[:cols], w.num[at:])
		den := s.den.from(k, col).data[:cols]
		if s.beta != 1 {
			copy(den, w.den[at:])
			continue
		}
		for n := range den {
			den[n] = s.flat[k]
		}
	}
}

// stripPlain does one strip of columns without vectors: the oracle.
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
