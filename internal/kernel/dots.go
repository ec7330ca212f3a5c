package kernel

import "unsafe"

// A dotTile is the argument of the micro-kernels of A·Bᵀ, which know the offsets of the
// fields: the products of panels of rows of A with some rows of B are added to C, which is float64
// whatever these are. Rows are in
// strips of three vectors. Strides are in bytes.
type dotTileOf[T number] struct {
	strips, panels int
	a              *T
	ars, as, aps   uintptr // from a row of A, a strip, a panel to the next
	b              *T
	brs, bs        uintptr // from a row of B, a strip to the next
	c              *float64
	crs            uintptr // from a row of C to the next
}

type dotTile = dotTileOf[float64]

// dotColumns is the most rows of B that a micro-kernel takes.
const dotColumns = 6

// dots adds the products of so many rows of A with k rows of B to C. The rows of A should fit
// into the first cache: they are read again for every few rows of B.
func (e *engine) dots(t *dotTile, rows, k int) { dotsOf(&e.kernels, t, rows, k) }

func dotsOf[T number](e *kernels, t *dotTileOf[T], rows, k int) {
	a, b, c := t.a, t.b, t.c
	t.crs = uintptr(8 * k)
	h, high, low := panels(k, dotColumns)
	row := 0
	for i, step := range [2]int{e.dotRows, 1} {
		n := (rows - row) / step
		if n == 0 {
			continue
		}
		t.aps = uintptr(step) * t.ars
		for j := range high + low {
			height, first := h, j*h
			if j > high {
				first -= j - high
			}
			if j >= high {
				height--
			}
			t.panels = n
			t.a = (*T)(unsafe.Add(unsafe.Pointer(a), uintptr(row)*t.ars))
			t.b = (*T)(unsafe.Add(unsafe.Pointer(b), uintptr(first)*t.brs))
			t.c = (*float64)(unsafe.Add(unsafe.Pointer(c), uintptr(row)*t.crs+uintptr(8*first)))
			e.dot[i][height-1]((*uint64)(unsafe.Pointer(t)))
		}
		row += n * step
	}
}

// packStrips returns b, k×cols, as strips of width columns one after the other, k×width each,
// the last one padded with zeros. It uses dst's storage if that is large enough.
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

// stripsOnce is the number of strips of A and of B that fit into the first cache together.
const stripsOnce = 12

// dotRows computes the rows m0 to m1 of A·Bᵀ.
func (w *workspace) dotRows(j *product, m0, m1 int) {
	e, t := j.engine, &w.dotTile
	width, rows := 3*e.lanes, m1-m0
	whole := j.k / width
	w.num = grow(w.num, rows*j.n)
	clear(w.num)
	t.brs, t.bs = uintptr(8*width), uintptr(8*width*j.n)
	for first := 0; first < whole; first += stripsOnce {
		t.strips = min(stripsOnce, whole-first)
		t.a, t.ars, t.as = &j.a.data[m0*j.a.rs+first*width], uintptr(8*j.a.rs), uintptr(8*width)
		t.b, t.c = &j.packed[first*width*j.n], &w.num[0]
		e.dots(t, rows, j.n)
	}
	if rest := j.k - whole*width; rest > 0 {
		w.v = grow(w.v, rows*width)
		clear(w.v)
		for i := range rows {
			copy(w.v[i*width:], j.a.data[(m0+i)*j.a.rs+whole*width:][:rest])
		}
		t.strips = 1
		t.a, t.ars, t.as = &w.v[0], uintptr(8*width), 0
		t.b, t.c = &j.packed[whole*width*j.n], &w.num[0]
		e.dots(t, rows, j.n)
	}
	for i := range rows {
		c := j.c[(m0+i)*j.ldc:][:j.n]
		for n, sum := range w.num[i*j.n:][:j.n] {
			sum *= j.alpha
			if j.beta != 0 {
				sum += j.beta * c[n]
			}
			c[n] = sum
		}
	}
}
