package kernel

import (
	"gonum.org/v1/gonum/blas/blas64"

	"github.com/audiosep/audiosep/internal/huge"
)

// Strips are a matrix V, F×N, as an [NMF] reads it fastest: runs of as many columns as three
// vectors have numbers, one run after the other, each row after row, the last padded with zeros.
type Strips struct {
	rows, cols int
	engine     *engine
	data       []float64
}

// NewStrips returns a V of zeros. It panics unless both are above 0.
func NewStrips(rows, cols int) *Strips {
	if rows < 1 || cols < 1 {
		panic("kernel: a matrix without numbers")
	}
	s := &Strips{rows: rows, cols: cols, engine: current}
	s.data = huge.Floats(rows * s.count() * s.width())
	return s
}

// StripsBytes returns how many bytes those of a V of so many rows and columns take.
func StripsBytes(rows, cols int) int64 {
	return 8 * int64(rows) * int64(roundUp(cols, current.stripWidth()))
}

// Dims returns F and N.
func (s *Strips) Dims() (rows, cols int) { return s.rows, s.cols }

func (s *Strips) width() int { return s.engine.stripWidth() }
func (s *Strips) count() int { return (s.cols + s.width() - 1) / s.width() }

// Set sets the columns from first on to those of v, F×n. Other columns may be set or read at the
// same time.
func (s *Strips) Set(first int, v blas64.General) {
	if v.Rows != s.rows {
		panic("kernel: columns of another length")
	}
	s.runs(0, v, first, func(strip, block []float64, n int) {
		packInto(strip, view{block, 1, v.Stride}, n, v.Rows, s.width())
	})
}

// Get sets v to the columns from first on of the rows from row on. Others may be set at the same
// time.
func (s *Strips) Get(v blas64.General, row, first int) {
	s.runs(row, v, first, func(strip, block []float64, n int) {
		packInto(block, view{strip, 1, s.width()}, n, v.Rows, v.Stride)
	})
}

// runs calls move with each run of columns of v, which has as many rows as it, that is within one
// strip: with where it begins there and in v.
func (s *Strips) runs(row int, v blas64.General, first int, move func(strip, block []float64, n int)) {
	if row < 0 || first < 0 || row+v.Rows > s.rows || first+v.Cols > s.cols {
		panic("kernel: columns or rows that V has not")
	}
	width := s.width()
	for at := 0; at < v.Cols && v.Rows > 0; {
		strip, skip := (first+at)/width, (first+at)%width
		n := min(width-skip, v.Cols-at)
		move(s.data[(strip*s.rows+row)*width+skip:], v.Data[at:], n)
		at += n
	}
}
