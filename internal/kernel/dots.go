package kernel

import "unsafe"

// A dotTile is the argument of the micro-kernels of A·Bᵀ, which know the places of the
// fields: some rows of A by panels of rows of B, whose numbers lie in strips of three
// vectors. Each product is left as a vector of sums, to be folded. Strides are in bytes.
type dotTile struct {
	strips, panels int
	a              *float64
	ars, as        uintptr // from a row of A to the next, and from a strip to the next
	b              *float64
	brs, bs, bps   uintptr // alike, and from a panel to the next
	acc            *float64
	accrs, accps   uintptr // from the sums of a row of A to those of the next, of a panel
	add            int     // 0: the sums are set; 1: they are added to
}

// dotColumns is the most rows of B in a panel.
const dotColumns = 6

// dots multiplies so many rows of A by k rows of B into t.acc, rows×k vectors.
func (e *engine) dots(t *dotTile, rows, k int) {
	a, b, acc := t.a, t.b, t.acc
	t.accrs = uintptr(8 * e.lanes * k)
	h, high, low := panels(k, dotColumns)
	row := uintptr(0)
	for i, step := range [2]int{e.dotRows, 1} {
		for ; int(row)+step <= rows; row += uintptr(step) {
			t.a = (*float64)(unsafe.Add(unsafe.Pointer(a), row*t.ars))
			for j, done := 0, uintptr(0); j < 2; j++ {
				n, height := [2]int{high, low}[j], h-j
				if n == 0 {
					continue
				}
				t.b = (*float64)(unsafe.Add(unsafe.Pointer(b), done*t.brs))
				t.acc = (*float64)(unsafe.Add(unsafe.Pointer(acc), row*t.accrs+done*uintptr(8*e.lanes)))
				t.panels, t.bps, t.accps = n, uintptr(height)*t.brs, uintptr(8*e.lanes*height)
				e.dot[i][height-1]((*uint64)(unsafe.Pointer(t)))
				done += uintptr(n * height)
			}
		}
	}
}

// fold returns the sum of a vector's lanes.
func fold(x []float64) float64 {
	if len(x) == 4 {
		return (x[0] + x[2]) + (x[1] + x[3])
	}
	_ = x[7]
	return ((x[0] + x[4]) + (x[2] + x[6])) + ((x[1] + x[5]) + (x[3] + x[7]))
}

// packStrips returns b, k×cols, in strips of so many columns one after the other, k×width
// each, the last one padded with zeros. It uses dst's storage if that is enough.
func packStrips(dst []float64, b view, k, cols, width int) []float64 {
	size := k * width
	dst = grow(dst, roundUp(cols, width)*k)
	for j := 0; j < cols; j += width {
		strip, n := dst[j*k:j*k+size], min(width, cols-j)
		if n < width {
			clear(strip)
		}
		packInto(strip, view{b.data[j*b.cs:], b.cs, b.rs}, n, k, width)
	}
	return dst
}

// stripsOnce is the number of strips of B that stay in the first cache, with those of A.
const stripsOnce = 12

// dotRows computes the rows m0 to m1 of A·Bᵀ.
func (w *workspace) dotRows(j *product, m0, m1 int) {
	e, t := j.engine, &w.dotTile
	width, rows := 3*e.lanes, m1-m0
	whole := j.k / width
	w.num = grow(w.num, rows*j.n*e.lanes)
	t.brs, t.bs = uintptr(8*width), uintptr(8*width*j.n)
	for first := 0; first < whole; first += stripsOnce {
		t.strips, t.add = min(stripsOnce, whole-first), min(first, 1)
		t.a, t.ars, t.as = &j.a.data[m0*j.a.rs+first*width], uintptr(8*j.a.rs), uintptr(8*width)
		t.b, t.acc = &j.packed[first*width*j.n], &w.num[0]
		e.dots(t, rows, j.n)
	}
	if rest := j.k - whole*width; rest > 0 {
		w.v = grow(w.v, rows*width)
		clear(w.v)
		for i := range rows {
			copy(w.v[i*width:], j.a.data[(m0+i)*j.a.rs+whole*width:][:rest])
		}
		t.strips, t.add = 1, min(whole, 1)
		t.a, t.ars, t.as = &w.v[0], uintptr(8*width), 0
		t.b, t.acc = &j.packed[whole*width*j.n], &w.num[0]
		e.dots(t, rows, j.n)
	}
	for i := range rows {
		c := j.c[(m0+i)*j.ldc:][:j.n]
		for n := range c {
			sum := j.alpha * fold(w.num[(i*j.n+n)*e.lanes:][:e.lanes])
			if j.beta != 0 {
				sum += j.beta * c[n]
			}
			c[n] = sum
		}
	}
}

// Rows of V that one thread takes at a time for sums along them, and strips of these
// rows between which the quotients stay in the first caches.
const (
	panelRows      = 8
	stripsTogether = 8
)

// panel does the sums along some rows, and returns their objective.
func (s *halfStep) panel(w *workspace, i int) (sum float64) {
	e, width := s.engine, s.width()
	row := i * panelRows
	rows := min(panelRows, s.rows-row)
	block := panelRows * width // numbers of P for a strip
	w.p, w.q = grow(w.p, stripsTogether*block), grow(w.q, stripsTogether*block)
	w.num, w.den = grow(w.num, panelRows*s.k*e.lanes), grow(w.den, panelRows*s.k*e.lanes)
	w.begin(s.beta)
	for col := 0; col < s.cols; col += stripsTogether * width {
		cols, packed := min(stripsTogether*width, s.cols-col), s.packed[col*s.k:]
		sum += s.quotients(w, packed, panelRows, row, rows, col, cols)
		t := &w.dotTile
		t.strips, t.add = (cols+width-1)/width, min(col, 1)
		t.ars, t.as = uintptr(8*width), uintptr(8*block)
		t.brs, t.bs = uintptr(8*width), uintptr(8*width*s.k)
		t.a, t.b, t.acc = &w.p[0], &packed[0], &w.num[0]
		e.dots(t, rows, s.k)
		if s.beta != 1 {
			t.a, t.b, t.acc = &w.q[0], &packed[0], &w.den[0]
			e.dots(t, rows, s.k)
		}
	}
	s.foldPanel(w, row, rows)
	if !s.objective {
		return 0
	}
	return sum + w.total(s.beta)
}

// foldPanel takes the panel's sums to where they are wanted.
func (s *halfStep) foldPanel(w *workspace, row, rows int) {
	lanes := s.engine.lanes
	for i := range rows {
		num, den := s.num.from(row+i, 0).data[:s.k], s.den.from(row+i, 0).data[:s.k]
		if s.beta == 1 {
			copy(den, s.flat)
		}
		for k := range s.k {
			at := (i*s.k + k) * lanes
			num[k] = fold(w.num[at : at+lanes])
			if s.beta != 1 {
				den[k] = fold(w.den[at : at+lanes])
			}
		}
	}
}
