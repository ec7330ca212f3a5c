package kernel

import (
	"runtime"
	"sync"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/blas/gonum"
)

// Blocks of the product: kBlock rows of a strip of B fit into the first cache, a block of A
// (rowBlock×kBlock) into the second, a block of B (kBlock×colBlock) into the third.
const (
	kBlock    = 512
	rowBlock  = 128
	colBlock  = 1536
	packAFrom = 97  // columns from which on packing A pays
	packBFrom = 257 // rows from which on packing B pays. It pays with fewer if rows of B are
	packStep  = 128 // a multiple of this apart: they evict each other from the cache
)

// A product Aᵀ·B of at most fewRows rows reads B hardly more than once, so it does not pack B
// but takes it in blocks of fewK rows, few enough that their pages stay in the TLB, by
// fewColumns columns. The size of the blocks must not depend on the number of columns, so
// that the bits of a column do not depend on the others.
const (
	fewRows    = 16
	fewK       = 64
	fewColumns = 192
)

// A product A·Bᵀ of at most alongColumns columns and sums of at least alongFrom terms is made
// as dot products of rows as they lie in memory: a strip of so few columns would be mostly
// padding.
const (
	alongColumns = 16
	alongFrom    = 96
	alongRows    = 16 // of a piece
)

// Gemm sets c = alpha·op(a)·op(b) + beta·c, where op is the transpose or nothing, as the
// function of that name of gonum's blas64 does. With beta = 0 c is not read. The sums over
// the inner dimension are made in blocks of fixed size and in order, so that the bits are
// the same for any number of threads. It panics if the shapes do not fit.
func Gemm(tA, tB blas.Transpose, alpha float64, a, b blas64.General, beta float64, c blas64.General) {
	m, k := a.Rows, a.Cols
	if tA != blas.NoTrans {
		m, k = k, m
	}
	n, kb := b.Cols, b.Rows
	if tB != blas.NoTrans {
		n, kb = kb, n
	}
	if k != kb || m != c.Rows || n != c.Cols {
		panic("kernel: the shapes of a product do not fit")
	}
	if current.lanes == 0 || k == 0 || alpha == 0 {
		gonum.Implementation{}.Dgemm(tA, tB, m, n, k, alpha, a.Data, max(1, a.Stride), b.Data, max(1, b.Stride), beta, c.Data, max(1, c.Stride))
		return
	}
	if m == 0 || n == 0 {
		return
	}
	j := products.Get().(*product)
	j.engine, j.m, j.n, j.k = current.forColumns(n), m, n, k
	j.along = tA == blas.NoTrans && tB != blas.NoTrans && n <= alongColumns && k >= alongFrom
	j.a, j.b, j.c, j.ldc = asView(a, tA), asView(b, tB), c.Data, c.Stride
	j.alpha, j.beta = alpha, beta
	j.run()
	j.a, j.b, j.c = view{}, view{}, nil
	products.Put(j)
}

func asView(a blas64.General, t blas.Transpose) view {
	if t == blas.NoTrans {
		return view{a.Data, a.Stride, 1}
	}
	return view{a.Data, 1, a.Stride}
}

// A product is one call of Gemm: pieces of C that threads take in turn.
type product struct {
	engine      *engine
	m, n, k     int
	a, b        view
	c           []float64
	ldc         int
	alpha, beta float64

	rows, cols int // of a piece
	along      bool
	packed     []float64 // if along: the columns of op(B) in strips
	team       *team
}

var products = sync.Pool{New: func() any {
	j := new(product)
	j.team = newTeam(j.piece)
	return j
}}

// run cuts C into pieces along its longer side. Each sum is within one piece, so the number
// of pieces changes no bit.
func (j *product) run() {
	if j.along {
		j.engine = current
		j.packed = packStrips(j.packed, view{j.b.data, j.b.cs, j.b.rs}, j.n, j.k, 3*j.engine.lanes)
		j.team.run((j.m+alongRows-1)/alongRows, j.m*j.n*j.k)
		return
	}
	j.rows, j.cols = j.m, j.n
	if threads := runtime.GOMAXPROCS(0); threads > 1 {
		width := 3 * j.engine.lanes
		if j.n >= j.m {
			j.cols = max(width, roundUp(j.n/(2*threads), width))
		} else {
			j.rows = max(width, roundUp(j.m/(2*threads), j.engine.lanes))
		}
	}
	j.team.run(j.across()*((j.m+j.rows-1)/j.rows), j.m*j.n*j.k)
}

// across returns the number of pieces side by side.
func (j *product) across() int { return (j.n + j.cols - 1) / j.cols }

func roundUp(n, to int) int { return (n + to - 1) / to * to }

// piece computes one piece of C.
func (j *product) piece(w *workspace, i int) {
	if j.along {
		w.dotRows(j, i*alongRows, min((i+1)*alongRows, j.m))
		return
	}
	m0, n0 := i/j.across()*j.rows, i%j.across()*j.cols
	m1, n1 := min(m0+j.rows, j.m), min(n0+j.cols, j.n)
	w.alpha = j.alpha
	w.add = 1
	switch j.beta {
	case 0:
		w.add = 0
	case 1:
	default:
		for i := m0; i < m1; i++ {
			row := j.c[i*j.ldc+n0 : i*j.ldc+n1]
			for x := range row {
				row[x] *= j.beta
			}
		}
	}
	first := w.add
	kc := even(j.k, kBlock, 4)
	nc := even(n1-n0, colBlock, 3*j.engine.lanes)
	if j.few() {
		kc, nc = even(j.k, fewK, 4), fewColumns
	}
	for c := n0; c < n1; c += nc {
		w.add = first
		for k := 0; k < j.k; k += kc {
			w.block(j, m0, m1, c, min(c+nc, n1), k, min(k+kc, j.k))
			w.add = 1
		}
	}
}

// few tells whether the product is one Aᵀ·B of few rows. One of A itself is not treated so: its
// rows may be frames, and the bits of a row must not depend on how many there are.
func (j *product) few() bool { return j.m <= fewRows && j.a.rs == 1 && j.b.cs == 1 }

// even returns the size of nearly equal blocks of n things: a multiple of unit, at most `most`,
// itself a multiple of unit.
func even(n, most, unit int) int {
	blocks := (n + most - 1) / most
	return roundUp((n+blocks-1)/blocks, unit)
}

// block makes the part of rows m0 to m1 and columns n0 to n1 of C that is summed over k0 to k1.
func (w *workspace) block(j *product, m0, m1, n0, n1, k0, k1 int) {
	e, k := j.engine, k1-k0
	width := 3 * e.lanes
	packB := j.b.cs != 1 || m1-m0 >= packBFrom || m1-m0 > 2*e.lanes && j.b.rs%packStep == 0
	w.b = grow(w.b, k*roundUp(n1-n0, e.lanes))
	for n := n0; n < n1; n += width {
		cols := min(width, n1-n)
		padded := roundUp(cols, e.lanes)
		if packB || padded != cols {
			src := view{j.b.data[k0*j.b.rs+n*j.b.cs:], j.b.cs, j.b.rs}
			dst := w.b[(n-n0)*k:]
			if padded != cols {
				clear(dst[:padded*k])
			}
			packInto(dst, src, cols, k, padded)
		}
	}
	rc := even(m1-m0, rowBlock, e.lanes)
	packA := n1-n0 >= packAFrom && !j.few()
	for m := m0; m < m1; m += rc {
		rows := min(rc, m1-m)
		a := j.a.from(m, k0)
		if packA {
			w.packRows(e, a, rows, k)
			a.data = w.a
		}
		for n := n0; n < n1; n += width {
			w.strip(j, a, packA, packB, m, rows, n, min(width, n1-n), k0, k, (n-n0)*k)
		}
	}
}

// packRows packs a into panels for the micro-kernels; the panel of row i on begins at i·k.
func (w *workspace) packRows(e *engine, a view, rows, k int) {
	w.a = grow(w.a, rows*k)
	h, high, low := panels(rows, e.lanes)
	i := 0
	for p := range high + low {
		if p == high {
			h--
		}
		pack(w.a[i*k:], view{a.data[i*a.rs:], a.rs, a.cs}, h, k)
		i += h
	}
}

// strip computes a strip of C: rows from m on, cols columns from n on. B is packed from w.b[at]
// on, if packB.
func (w *workspace) strip(j *product, a view, packA, packB bool, m, rows, n, cols, k0, k, at int) {
	e, t := j.engine, &w.tileOf
	vecs := (cols + e.lanes - 1) / e.lanes
	full := vecs*e.lanes == cols
	t.k = k
	if packB || !full {
		t.b, t.bs = &w.b[at], uintptr(8*vecs*e.lanes)
	} else {
		t.b, t.bs = &j.b.data[k0*j.b.rs+n], uintptr(8*j.b.rs)
	}
	if full {
		t.c, t.ldc = &j.c[m*j.ldc+n], uintptr(8*j.ldc)
		e.strip(t, a, packA, rows, vecs)
		return
	}
	padded := vecs * e.lanes
	w.edge = grow(w.edge, rows*padded)
	for i := range rows {
		copy(w.edge[i*padded:(i+1)*padded], j.c[(m+i)*j.ldc+n:][:cols])
	}
	t.c, t.ldc = &w.edge[0], uintptr(8*padded)
	e.strip(t, a, packA, rows, vecs)
	for i := range rows {
		copy(j.c[(m+i)*j.ldc+n:][:cols], w.edge[i*padded:])
	}
}
