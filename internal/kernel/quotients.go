package kernel

import (
	"math"
	"unsafe"
)

// A ratioTileOf is the argument of the kernels that compute V̂ = WH + eps and from it, without
// storing it, what the sums are made of: P = (V+eps)∘V̂^(β-2), at C, and, unless β = 1,
// Q = V̂^(β-1). The kernels know the offsets of the fields.
type ratioTileOf[T number] struct {
	tileOf[T]
	q    uintptr // bytes from P to Q
	v    *T
	ldv  uintptr // bytes
	at   uintptr // bytes from v to the rows of the next panel
	eps  columns // of each column
	sum  columns // of r - 1 for β = 0, else of the divergence
	mant columns // for β = 0 the product of all r is Π mant·2^exp
	exp  columns

	beta2, beta, beta1, inverse, zero float64    // β-2, β, β-1, 1/(β(β-1)), 0^β
	series                            [3]float64 // see nearOne

	plus columns // what is added to each column of V
}

type ratioTile = ratioTileOf[float64]

// columns are a number for each column of a strip in three vectors: 24 of float64, or 48 of float32.
type columns [24]float64

// in returns the numbers of x in the precision of t.
func (t *ratioTileOf[T]) in(x *columns) []T {
	return unsafe.Slice((*T)(unsafe.Pointer(x)), len(x)*8/sizeOf[T]())
}

// begin sets the constants for some strips, and their objective to 0.
func (t *ratioTileOf[T]) begin(beta, eps float64) {
	t.floor(beta, eps, len(t.in(&t.eps)))
	t.beta2, t.beta, t.beta1, t.inverse = beta-2, beta, beta-1, 1/(beta*(beta-1))
	t.zero = math.Pow(0, beta)
	t.series = nearOne(beta)
	clear(t.sum[:])
	clear(t.exp[:])
	for j, mant := 0, t.in(&t.mant); j < len(mant); j++ {
		mant[j] = 1
	}
}

// floor sets eps for a strip of so many columns.
func (t *ratioTileOf[T]) floor(beta, eps float64, cols int) {
	// In padding columns V + eps and V̂ are both pad, which must not change the objective.
	pad := 1.0
	if beta == 1 { // the kernel's log 1 is not exactly 0, so pad·log 1 must be negligible
		pad = 0x1p-1000
		if sizeOf[T]() == 4 {
			pad = 0x1p-120
		}
	}
	floors := t.in(&t.eps)
	for j := range floors {
		floors[j] = T(pad)
		if j < cols {
			floors[j] = T(eps)
		}
	}
	t.plus = t.eps
}

// total returns the objective from the sums of the kernels.
func (t *ratioTileOf[T]) total(beta float64) float64 {
	var sum float64
	for _, x := range t.in(&t.sum) {
		sum += float64(x)
	}
	if beta == 0 {
		sum -= t.logs()
	}
	return sum
}

// logs returns the sum of the logarithms of all r, for β = 0.
func (t *ratioTileOf[T]) logs() (sum float64) {
	exp := t.in(&t.exp)
	for j, mant := range t.in(&t.mant) {
		sum += float64(exp[j])*math.Ln2 + math.Log(float64(mant))
	}
	return sum
}

// quotients sets w.p and w.q, from `at` on, to P and Q of some rows of strip i, h being the H of
// that strip. It returns the objective for β = 2, and 0 else: the kernels keep its sum.
func quotientsOf[T number](p *NMF, w *scratch[T], h []T, at, i, row, rows int, objective bool) float64 {
	e, r, width, cols := kernelsOf[T](p.engine), &w.ratioTileOf, p.width(), p.columns(i)
	t, stride := &r.tileOf, uintptr(sizeOf[T]()*width)
	a, v := dictionaryOf[T](p).from(row, 0), stripAt(p, w, i)[row*width:]
	t.k, t.bs, t.ldc, r.ldv = p.step.W.Cols, stride, stride, stride
	t.b, t.c, r.v = &h[0], &w.p[at], &v[0]
	if p.beta == 2 {
		t.alpha, t.add = 1, 0
		stripOf(e, t, a, false, rows, 3)
		return differences(w.p[at:], v, rows, cols, width)
	}
	r.q = uintptr(unsafe.Pointer(&w.q[0])) - uintptr(unsafe.Pointer(&w.p[0]))
	if cols < width {
		r.floor(p.beta, p.eps, cols)
		defer r.floor(p.beta, p.eps, width)
	}
	ratios(e, r, a, p.beta, objective, rows)
	return 0
}

// ratios runs the kernels over so many rows.
func ratios[T number](e *kernels, r *ratioTileOf[T], a viewOf[T], beta float64, objective bool, rows int) {
	t, size := &r.tileOf, sizeOf[T]()
	kind := 4
	if beta == 0 || beta == 1 {
		kind = int(2 * beta)
	}
	if objective {
		kind++
	}
	t.rs, t.cs = uintptr(size*a.rs), uintptr(size*a.cs)
	p, row := unsafe.Pointer(t.c), 0
	for i, high := range [2]int{e.ratioRows[kind], 1} {
		if t.panels = (rows - row) / high; t.panels == 0 {
			continue
		}
		t.a, t.ps = &a.data[row*a.rs], uintptr(size*high*a.rs)
		t.c, r.at = (*T)(unsafe.Add(p, uintptr(row)*t.ldc)), uintptr(row)*r.ldv
		e.ratio[kind][i]((*uint64)(unsafe.Pointer(r)))
		row += t.panels * high
	}
	if objective && beta == 1 {
		t.panels, r.at, t.c = rows, 0, (*T)(p)
		e.logs((*uint64)(unsafe.Pointer(r)))
	}
}

// differences returns ½Σ(y-x)² over so many rows and columns of two strips, exact even where
// it is far below ½Σy².
func differences[T number](x, y []T, rows, cols, width int) (sum float64) {
	for i := range rows {
		y := y[i*width:][:cols]
		for j, x := range x[i*width:][:cols] {
			d := float64(y[j] - x)
			sum += d * d / 2
		}
	}
	return sum
}

// quotients returns y·x^(β-2) and x^(β-1).
func quotients[T number](beta float64, y, x T) (p, q T) {
	switch beta {
	case 0:
		q = 1 / x
		return y * q * q, q
	case 1:
		return y / x, 1
	case 2:
		return y, x
	}
	p = T(math.Pow(float64(x), beta-2))
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

// nearOne returns the coefficients of e³, e⁴ and e⁵ in the series of the β-divergence of 1+e
// from 1, which begins with e²/2. For |e| < 1/256 the further terms are below 1e-9 of it, while
// the formula would lose it to rounding.
func nearOne(beta float64) [3]float64 {
	c3 := (beta - 2) / 6
	c4 := c3 * (beta - 3) / 4
	return [3]float64{c3, c4, c4 * (beta - 4) / 5}
}
