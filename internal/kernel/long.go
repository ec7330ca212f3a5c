package kernel

import (
	"unsafe"

	"gonum.org/v1/gonum/blas/blas64"
)

// A Long is a matrix of few rows, long and padded, that [Rows] reads: in float64, or in float32, of
// which some columns at a time become float64, in the first cache, while they are worked with. The
// zero value has no rows.
type Long struct {
	rows, cols, stride int
	data               []float64
	low                []float32 // in the place of data
	scale              float64   // what low is multiplied with
}

// LongOf returns x as it is. It panics unless its rows are padded.
func LongOf(x blas64.General) Long {
	padded(x.Cols, &x)
	return Long{rows: x.Rows, cols: x.Cols, stride: x.Stride, data: x.Data}
}

// SingleLong returns scale times x, whose rows follow each other. It panics unless they are padded.
func SingleLong(x []float32, rows, cols int, scale float64) Long {
	if cols%DotUnit != 0 {
		panic("kernel: rows that are not padded")
	}
	return Long{rows: rows, cols: cols, stride: cols, low: x[:rows*cols], scale: scale}
}

// Double returns the matrix in float64: in dst's storage, which it must fit into, if it is in float32.
func (x Long) Double(dst []float64) blas64.General {
	if x.low == nil {
		return blas64.General{Rows: x.rows, Cols: x.cols, Stride: x.stride, Data: x.data}
	}
	to := blas64.General{Rows: x.rows, Cols: x.cols, Stride: x.cols, Data: dst[:x.rows*x.cols]}
	widen(current, to.Data, x.low, x.scale)
	return to
}

// columnsOf returns n columns of x from column at on in float64, until it is called again.
func (r *Rows) columnsOf(x Long, at, n int) blas64.General {
	part := blas64.General{Rows: x.rows, Cols: n, Stride: x.stride}
	switch {
	case x.rows == 0:
	case x.low == nil:
		part.Data = x.data[at:]
	default:
		r.wide = grow(r.wide, x.rows*n)
		part.Stride, part.Data = n, r.wide
		widenRows(current, r.wide, n, x.low[at:], x.stride, x.rows, n, x.scale)
	}
	return part
}

// An Ahead is memory that [Rows] brings to the second cache, a piece at a time, while it works with
// something else, as large; the zero value is none.
type Ahead struct {
	bytes  []byte
	number int // how many bytes to each number that is worked with
}

// Half is half of x, 0 or 1: what is made of a matrix in two passes has time for half of the next one in each.
func (x Long) Half(i int) Ahead {
	a := Ahead{bytesOf(x.data), 4}
	if x.low != nil {
		a = Ahead{bytesOf(x.low), 2}
	}
	half := len(a.bytes) / 2
	a.bytes = a.bytes[i*half:][:half]
	return a
}

func bytesOf[T number](x []T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), len(x)*sizeOf[T]())
}

// fetch has what belongs to n numbers brought.
func (a *Ahead) fetch(n int) {
	if n *= a.number; n > 0 && n <= len(a.bytes) {
		fetch((*float64)(unsafe.Pointer(&a.bytes[0])), (n+63)/64)
		a.bytes = a.bytes[n:]
	}
}
