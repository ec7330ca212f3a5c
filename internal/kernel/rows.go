package kernel

import (
	"math"
	"unsafe"

	"gonum.org/v1/gonum/blas/blas64"
)

// Padded returns the length that a row of n numbers is padded to, with zeros, for [Rows] and
// [Dots]: whole vectors of every path.
func Padded(n int) int { return roundUp(n, DotUnit) }

// Rows multiplies matrices of few rows, or of few columns, as they lie in memory, and does at
// once what follows, while the numbers are in the first cache. Rows that are long are padded, see
// [Padded]. Its methods must not be called from several goroutines at once, and the bits of what
// they compute depend on the shapes alone; the zero value is ready.
type Rows struct {
	tile  tile
	dots  dotTile
	ratio ratioTile
	cross crossTile
	block []float64 // products, or what is computed from them at once
	wide  []float64 // columns in float64 of what is in float32
	next  Ahead     // what is fetched while multiplying
}

// blockColumns is how many columns are worked on at once, of blockNumbers numbers: they fit into
// the first cache beside what they are multiplied with.
const (
	blockNumbers = 3584
	blockColumns = 288
)

// columns returns how many columns of so many rows make a block.
func (r *Rows) columns(rows int) int {
	n := min(max(blockNumbers/rows/DotUnit*DotUnit, DotUnit), blockColumns)
	r.block = grow(r.block, rows*n)
	return n
}

// padded panics unless all rows of the matrices are of one length that is padded.
func padded(cols int, all ...*blas64.General) {
	for _, a := range all {
		if a.Cols != cols || cols%DotUnit != 0 || a.Rows > 0 && len(a.Data) < (a.Rows-1)*a.Stride+cols {
			panic("kernel: rows that are not padded, or not of one length")
		}
	}
}

// Gram sets u, C²×N, to sums of products of C complex rows x_c, weighted by N rows of φ: column
// n of its rows 0 to C-1 is Σ_t φ_nt |x_ct|², and the next rows are for each i < j in turn
// Σ_t φ_nt Re(x_it x̄_jt) and Σ_t φ_nt Im(x_it x̄_jt). x is 2C×T, the real parts of the rows before
// the imaginary ones, and φ N×T. next is fetched meanwhile.
func (r *Rows) Gram(u []float64, x Long, phi blas64.General, next Ahead) {
	padded(x.cols, &phi)
	c := x.rows / 2
	rows := c * c
	u = u[:rows*phi.Rows]
	clear(u)
	columns := r.columns(rows)
	for at := 0; at < x.cols; at += columns {
		n := min(columns, x.cols-at)
		share := x.rows * n / 3 // so that not all is asked for at once
		next.fetch(share)
		part := r.columnsOf(x, at, n)
		next.fetch(share)
		r.crossProducts(r.block, columns, part, 0, n)
		next.fetch(x.rows*n - 2*share)
		r.addDots(u, r.block, columns, rows, phi.Data[at:], phi.Stride, phi.Rows, n)
	}
}

// A crossTile is the argument of the kernel that makes the products of complex rows, which knows
// the offsets of the fields. Strides are in bytes.
type crossTile struct {
	rows   int
	x      *float64 // the real parts of the first row
	xs     uintptr  // from a row to the next
	imag   uintptr  // from the real parts of a row to its imaginary parts
	powers *float64 // |x_i|²
	to     *float64 // for each i < j Re and Im of x_i·x̄_j, in rows
	ts     uintptr  // from a row of either to the next
	bytes  int      // of a row
}

// crossProducts sets n columns of dst, C² rows of stride numbers, to the products of those of x
// from column at on.
func (r *Rows) crossProducts(dst []float64, stride int, x blas64.General, at, n int) {
	c := x.Rows / 2
	if e := current; e.lanes > 0 && c > 0 {
		t := &r.cross
		t.rows, t.x, t.xs, t.imag = c, &x.Data[at], uintptr(8*x.Stride), uintptr(8*c*x.Stride)
		t.powers, t.to, t.ts, t.bytes = &dst[0], &dst[0], uintptr(8*stride), 8*n
		if c > 1 {
			t.to = &dst[c*stride]
		}
		e.cross((*uint64)(unsafe.Pointer(t)))
		return
	}
	part := func(i int) (re, im []float64) {
		return x.Data[i*x.Stride+at:][:n], x.Data[(c+i)*x.Stride+at:][:n]
	}
	next := c * stride
	for i := range c {
		a, b := part(i)
		Power(dst[i*stride:][:n], a, b)
		for j := i + 1; j < c; j++ {
			p, q := part(j)
			for t := range n {
				dst[next+t] = math.FMA(b[t], q[t], a[t]*p[t]) // as the kernels do
				dst[next+stride+t] = math.FMA(-a[t], q[t], b[t]*p[t])
			}
			next += 2 * stride
		}
	}
}

// AddDots adds a·bᵀ to c; the rows of a and b are long, and those of c follow each other.
func (r *Rows) AddDots(c []float64, a, b blas64.General) {
	padded(a.Cols, &a, &b)
	r.addDots(c[:a.Rows*b.Rows], a.Data, a.Stride, a.Rows, b.Data, b.Stride, b.Rows, a.Cols)
}

func (r *Rows) addDots(c, a []float64, lda, m int, b []float64, ldb, n, cols int) {
	if m == 0 || n == 0 {
		return
	}
	e, t := current, &r.dots
	if e.lanes == 0 {
		for i := range m {
			for j := range n {
				c[i*n+j] += dotPlainly(a[i*lda:][:cols], b[j*ldb:][:cols])
			}
		}
		return
	}
	width := 3 * e.lanes
	t.ars, t.as, t.brs, t.bs = uintptr(8*lda), uintptr(8*width), uintptr(8*ldb), uintptr(8*width)
	for at := 0; at < cols; at += stripsOnce * width {
		t.strips = min(stripsOnce, (cols-at)/width)
		t.a, t.b, t.c = &a[at], &b[at], &c[0]
		e.dots(t, m, n)
	}
}

// Outer sets c to aᵀ·b, or adds that to it; the rows of b and c are long.
func (r *Rows) Outer(c, a, b blas64.General, add bool) {
	padded(b.Cols, &b, &c)
	if a.Rows != b.Rows || a.Cols != c.Rows {
		panic("kernel: the shapes of a product do not fit")
	}
	r.multiply(c.Data, c.Stride, view{a.Data, 1, a.Stride}, c.Rows, a.Rows, b.Data, b.Stride, b.Cols, add)
}

// multiply sets c, m×n, to a·b, a being m×k, or adds that to it.
func (r *Rows) multiply(c []float64, ldc int, a view, m, k int, b []float64, ldb, n int, add bool) {
	if m == 0 || k == 0 {
		return
	}
	e, t := current, &r.tile
	if e.lanes == 0 {
		multiplyPlainly(c, ldc, a, m, k, b, ldb, n, add)
		return
	}
	t.k, t.alpha, t.add = k, 1, 0
	if add {
		t.add = 1
	}
	t.bs, t.ldc = uintptr(8*ldb), uintptr(8*ldc)
	if m > e.lanes {
		for j := 0; j < n; j += 3 * e.lanes {
			t.b, t.c = &b[j], &c[j]
			e.strip(t, a, false, m, 3)
		}
		return
	}
	t.panels, t.a, t.rs, t.cs = 1, &a.data[0], uintptr(8*a.rs), uintptr(8*a.cs)
	for j := 0; j < n; j += 3 * e.lanes {
		t.b, t.c = &b[j], &c[j]
		r.next.fetch(3 * e.lanes * k) // as many numbers as are read of b
		e.gemm[m-1][2]((*uint64)(unsafe.Pointer(t)))
	}
}

func multiplyPlainly(c []float64, ldc int, a view, m, k int, b []float64, ldb, n int, add bool) {
	for i := range m {
		row := c[i*ldc:][:n]
		if !add {
			clear(row)
		}
		for l := range k {
			w := a.data[i*a.rs+l*a.cs]
			for j, x := range b[l*ldb:][:n] {
				row[j] += w * x
			}
		}
	}
}

// Powers sets dst, N×T, to the squared magnitudes of N rows of complex numbers, or adds them to it:
// to those of (P + iQ)·x, where a, 2N×2C, is [P -Q; Q P], and x, 2C×T, has the real parts of C
// rows before the imaginary ones. next is fetched meanwhile.
func (r *Rows) Powers(dst, a blas64.General, x Long, add bool, next Ahead) {
	padded(x.cols, &dst)
	if a.Rows != 2*dst.Rows || a.Cols != x.rows {
		panic("kernel: the shapes of a product do not fit")
	}
	r.next = next
	columns := r.columns(a.Rows)
	for at := 0; at < x.cols; at += columns {
		n := min(columns, x.cols-at)
		part := r.columnsOf(x, at, n)
		r.multiply(r.block, columns, view{a.Data, a.Stride, 1}, a.Rows, a.Cols, part.Data, part.Stride, n, false)
		for i := range dst.Rows {
			to, re, im := dst.Data[i*dst.Stride+at:][:n], r.block[i*columns:][:n], r.block[(dst.Rows+i)*columns:][:n]
			if add {
				AddPower(to, re, im)
			} else {
				Power(to, re, im)
			}
		}
	}
	r.next = Ahead{}
}

// Quotients sets p = v∘y⁻² and q = y⁻¹, where y = w·h + floor must be a normal number; every row of
// w·h is added the same floor. w is M×K, and the others M×N with long rows, those of p and q
// equally far apart.
func (r *Rows) Quotients(p, q, v, w, h blas64.General, floor []float64) {
	padded(h.Cols, &h, &p, &q, &v)
	if p.Rows != w.Rows || q.Rows != w.Rows || v.Rows != w.Rows || h.Rows != w.Cols || p.Stride != q.Stride {
		panic("kernel: the shapes of quotients do not fit")
	}
	e, t := current, &r.ratio
	if e.lanes == 0 {
		quotientsPlainly(p, q, v, w, h, floor)
		return
	}
	r.beginQuotients(w, h, q.Stride, 0)
	t.ldv = uintptr(8 * v.Stride)
	for j := 0; j < h.Cols; j += 3 * e.lanes {
		t.v, t.b, t.c = &v.Data[j], &h.Data[j], &p.Data[j]
		t.q = uintptr(unsafe.Pointer(&q.Data[j])) - uintptr(unsafe.Pointer(t.c))
		copy(t.eps[:3*e.lanes], floor[j:h.Cols])
		ratios(&e.kernels, t, view{w.Data, w.Stride, 1}, 0, false, w.Rows)
	}
}

// Inverses sets q = y⁻¹ with y as in [Rows.Quotients], and returns the sum of the logarithms of y.
func (r *Rows) Inverses(q, w, h blas64.General, floor []float64) (logs float64) {
	padded(h.Cols, &h, &q)
	if q.Rows != w.Rows || h.Rows != w.Cols {
		panic("kernel: the shapes of quotients do not fit")
	}
	e, t := current, &r.ratio
	if e.lanes == 0 {
		return inversesPlainly(q, w, h, floor)
	}
	r.block = grow(r.block, w.Rows*q.Stride+2*DotUnit)
	clear(r.block[:DotUnit])
	r.beginQuotients(w, h, q.Stride, 1)
	t.v, t.ldv, t.c = &r.block[0], 0, &r.block[DotUnit] // of V = 1, for the logarithms; what becomes of P is forgotten
	for j := 0; j < h.Cols; j += 3 * e.lanes {
		t.b, t.c = &h.Data[j], &r.block[DotUnit]
		t.q = uintptr(unsafe.Pointer(&q.Data[j])) - uintptr(unsafe.Pointer(t.c))
		copy(t.eps[:3*e.lanes], floor[j:h.Cols])
		ratios(&e.kernels, t, view{w.Data, w.Stride, 1}, 0, true, w.Rows)
	}
	return -t.logs()
}

// beginQuotients sets what all strips of a product w·h share, v being plus more than it is.
func (r *Rows) beginQuotients(w, h blas64.General, stride int, plus float64) {
	t := &r.ratio
	for j := range t.sum {
		t.sum[j], t.mant[j], t.exp[j], t.plus[j] = 0, 1, 0, plus
	}
	t.k, t.bs, t.ldc = w.Cols, uintptr(8*h.Stride), uintptr(8*stride)
}

func quotientsPlainly(p, q, v, w, h blas64.General, floor []float64) {
	inversesPlainly(q, w, h, floor)
	for i := range w.Rows {
		MulSquare(p.Data[i*p.Stride:][:h.Cols], v.Data[i*v.Stride:][:h.Cols], q.Data[i*q.Stride:][:h.Cols])
	}
}

func inversesPlainly(q, w, h blas64.General, floor []float64) (logs float64) {
	for i := range w.Rows {
		row := q.Data[i*q.Stride:][:h.Cols]
		copy(row, floor)
		for k, b := range w.Data[i*w.Stride:][:w.Cols] {
			for j, a := range h.Data[k*h.Stride:][:h.Cols] {
				row[j] += b * a
			}
		}
		logs += SumLog(row, 0)
		for j, y := range row {
			row[j] = 1 / y
		}
	}
	return logs
}
