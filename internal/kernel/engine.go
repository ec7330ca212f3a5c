package kernel

import (
	"fmt"
	"os"
	"strings"
	"unsafe"
)

// Environment is the variable that forces a path: avx512, avx2, neon or go. A path that the
// machine does not have is ignored here, since packages cannot refuse to be loaded; Forced tells
// programs of it.
const Environment = "AUDIOSEP_KERNEL"

// An engine is one way to compute: vectors of some width, or plain Go.
type engine struct {
	name string
	kernels
	// single are the kernels of an NMF in float32; neon has none.
	single kernels
	// narrow is the engine for products of few columns, with less padding.
	narrow *engine

	log, exp  func(dst, x *float64, vectors int)
	addSquare func(dst, x *float64, vectors int)

	mul, div, power, addPower, mulSquare, scale, scaleRoot, magnitude, most func(dst, x, y *float64, vectors int)

	add, inverse        func(dst, x *float64, vectors int)
	addMul, mask, leave func(dst, x, y *float64, vectors int)
	shareOut, part      func(dst, x, y, u *float64, vectors int)

	// transpose8 and gather8 are as transpose4 and gather4; nil where a vector is shorter.
	transpose8, gather8 func(dst *float64, dstStride uintptr, src *float64, srcStride uintptr, blocks int)

	magnitudes, exchange, share, maskTwo func(dst, x *float64, vectors int)
	cross                                func(*uint64) // see crossTile

	// medians is the kernel for medianColumns columns, see medianTile; 0 where there is none.
	medians       func(*uint64)
	medianColumns int

	toSingle func(dst *float32, dstStride uintptr, x *float64, xStride uintptr, scale float64, vectors, rows int) // vectors of float64
	toDouble func(dst *float64, dstStride uintptr, x *float32, xStride uintptr, scale float64, vectors, rows int)
}

// kernels are those that go through V, for numbers of one precision.
type kernels struct {
	// lanes is the number of numbers in a vector, which for neon is two registers. Of float64 it
	// is also the most rows of a panel of A. With 0 there are no kernels but plain Go.
	lanes int
	// gemm is the micro-kernel for panels of i+1 rows and strips of j+1 vectors; in float32 of
	// three vectors.
	gemm [8][3]func(*uint64)
	// ratio is the kernel for β = 0, β = 1 and, in float64, any β, each without and with the
	// objective; for panels of ratioRows rows and of one.
	ratio     [6][2]func(*uint64)
	ratioRows [6]int
	logs      func(*uint64) // completes the objective for β = 1
	// dot is the kernel of A·Bᵀ for dotRows rows of A and for one, and panels of j+1 rows
	// of B.
	dot     [2][dotColumns]func(*uint64)
	dotRows int
}

// plain is plain Go: the tests hold the other engines against it, and it runs where there is
// nothing faster.
var plain = &engine{name: "go"}

// current is chosen once, when the program starts; tests set it.
var current = choose(os.Getenv(Environment))

// choose returns the engine of that name, or the fastest if this machine has none of it.
func choose(name string) *engine {
	engines := available()
	for _, e := range engines {
		if e.name == name {
			return e
		}
	}
	return engines[0]
}

// Forced says what is wrong with a path that Environment is to force: nil where it is in use, or none is named.
// Programs call it, so that nobody takes the bits or the time of one path for those of another.
func Forced() error { return forced(os.Getenv(Environment)) }

func forced(name string) error {
	var names []string
	for _, e := range available() {
		if names = append(names, e.name); e.name == name {
			return nil
		}
	}
	if name == "" {
		return nil
	}
	return fmt.Errorf("%s is %q; want one of %s, which this machine has, or nothing for the fastest", Environment, name, strings.Join(names, ", "))
}

// forColumns returns the engine for a product of n columns.
func (e *engine) forColumns(n int) *engine {
	if e.narrow != nil && roundUp(n, e.narrow.lanes) < roundUp(n, e.lanes) && n < 2*e.lanes {
		return e.narrow
	}
	return e
}

// Path returns the name of the path in use: avx512, avx2, neon or go.
func Path() string { return current.name }

// Use forces a path for the tests of other packages and returns the function that
// undoes it. It reports false where this machine has no such path.
func Use(name string) (restore func(), ok bool) {
	before := current
	e := choose(name)
	if e.name != name {
		return func() {}, false
	}
	current = e
	return func() { current = before }, true
}

// A tile is the argument of a micro-kernel, which knows the offsets of the fields:
// C = alpha·AB for panels of A, m×k each, one below the other, and one strip of B.
// Strides are in bytes.
type tileOf[T number] struct {
	k, panels int
	a         *T
	rs, cs    uintptr // from a row of A to the next, and from a column to the next
	ps        uintptr // from a panel of A to the next
	b         *T
	bs        uintptr // from a row of B to the next
	c         *T
	ldc       uintptr // from a row of C to the next
	alpha     T
	add       int // 0: C = alpha·AB; 1: C += alpha·AB
}

type tile = tileOf[float64]

// A view is a matrix with a stride for rows and one for columns, in numbers.
type viewOf[T number] struct {
	data   []T
	rs, cs int
}

type view = viewOf[float64]

func (v viewOf[T]) from(i, j int) viewOf[T] { return viewOf[T]{v.data[i*v.rs+j*v.cs:], v.rs, v.cs} }

func (v viewOf[T]) transposed() viewOf[T] { return viewOf[T]{v.data, v.cs, v.rs} }

// panels cuts m rows into panels of at most `most` rows: `high` panels of `height` rows, then
// `low` panels of one row less. They are nearly equal because a panel of few rows has too few
// sums for the processor to add to while it waits for the others.
func panels(m, most int) (height, high, low int) {
	n := (m + most - 1) / most
	height = (m + n - 1) / n
	low = n*height - m
	return height, n - low, low
}

// strip multiplies m rows of a by the strip of B in t, vecs vectors wide. A packed a has its
// rows in panels, as packRows leaves them.
func (e *engine) strip(t *tile, a view, packed bool, m, vecs int) {
	stripOf(&e.kernels, t, a, packed, m, vecs)
}

func stripOf[T number](e *kernels, t *tileOf[T], a viewOf[T], packed bool, m, vecs int) {
	size := sizeOf[T]()
	h, high, low := panels(m, e.lanes*size/8)
	i := 0
	for _, n := range [2]int{high, low} {
		if n > 0 {
			if packed {
				t.a = &a.data[i*t.k]
				t.rs, t.cs, t.ps = uintptr(size), uintptr(size*h), uintptr(size*h*t.k)
			} else {
				t.a = &a.data[i*a.rs]
				t.rs, t.cs, t.ps = uintptr(size*a.rs), uintptr(size*a.cs), uintptr(size*h*a.rs)
			}
			t.panels = n
			e.gemm[h-1][vecs-1]((*uint64)(unsafe.Pointer(t)))
			i += n * h
			if i < m {
				t.c = (*T)(unsafe.Add(unsafe.Pointer(t.c), uintptr(n*h)*t.ldc))
			}
		}
		h--
	}
}
