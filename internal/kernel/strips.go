package kernel

import (
	"fmt"
	"math"
	"sync/atomic"

	"gonum.org/v1/gonum/blas/blas64"

	"github.com/audiosep/audiosep/internal/huge"
)

// Strips are a matrix V, F×N, as an [NMF] reads it fastest: runs of as many columns as three
// vectors have numbers, one run after the other, each row after row, the last padded with zeros.
type Strips struct {
	rows, cols int
	precision  Precision
	engine     *engine
	data       []float64
	low        []float32 // in float32, 2^-exponent times V, in the place of data
	exponent   int
	lost       atomic.Bool // whether columns that are not 0 are 0 in float32
}

// A Precision is that of a V in memory and of the passes over it.
type Precision int

const (
	Full   Precision = iota // float64
	Halved                  // float32 in memory; each chunk becomes float64 on its way
	Single                  // float32, where there are kernels for that, or as Halved
)

// NewStrips returns a V of zeros. It panics unless both are above 0. When all columns are set Settle is
// to be called, unless the precision is Full.
func NewStrips(rows, cols int, precision Precision) *Strips {
	if rows < 1 || cols < 1 {
		panic("kernel: a matrix without numbers")
	}
	s := &Strips{rows: rows, cols: cols, precision: precision, engine: current}
	if n := rows * s.count() * s.width(); precision == Full {
		s.data = huge.Floats(n)
	} else {
		s.low = huge.Float32s(n)
	}
	return s
}

// StripsBytes returns how many bytes those of a V of so many rows and columns take.
func StripsBytes(rows, cols int, precision Precision) int64 {
	s := Strips{engine: current, precision: precision}
	numbers := int64(rows) * int64(roundUp(cols, s.width()))
	if precision == Full {
		return 8 * numbers
	}
	return 4 * numbers
}

// Precision returns that of V.
func (s *Strips) Precision() Precision { return s.precision }

// Dims returns F and N.
func (s *Strips) Dims() (rows, cols int) { return s.rows, s.cols }

func (s *Strips) width() int {
	if s.precision == Single && s.engine.goesSingle() {
		return s.engine.single.stripWidth()
	}
	return s.engine.stripWidth()
}

func (s *Strips) count() int { return (s.cols + s.width() - 1) / s.width() }

// Set sets the columns from first on to those of v, F×n. Other columns may be set or read at the
// same time. In float32 what is below 2^-126 is 0.
func (s *Strips) Set(first int, v blas64.General) {
	if v.Rows != s.rows {
		panic("kernel: columns of another length")
	}
	s.runs(0, v, first, func(strip, at, n int) {
		if s.low == nil {
			packInto(s.data[strip:], view{v.Data[at:], 1, v.Stride}, n, v.Rows, s.width())
			return
		}
		for f := range v.Rows {
			to, from := s.low[strip+f*s.width():][:n], v.Data[at+f*v.Stride:][:n]
			narrow(s.engine, to, from, 1)
			if isZero(to) && !isZero(from) {
				s.lost.Store(true)
			}
		}
	})
}

// isZero tells whether all of x is 0.
func isZero[T number](x []T) bool {
	for _, x := range x {
		if x != 0 {
			return false
		}
	}
	return true
}

// Get sets v to the columns from first on of the rows from row on. Others may be set at the same
// time.
func (s *Strips) Get(v blas64.General, row, first int) {
	scale := math.Ldexp(1, s.exponent)
	s.runs(row, v, first, func(strip, at, n int) {
		if s.low == nil {
			packInto(v.Data[at:], view{s.data[strip:], 1, s.width()}, n, v.Rows, v.Stride)
			return
		}
		for f := range v.Rows {
			to := v.Data[at+f*v.Stride:][:n]
			for j, x := range s.low[strip+f*s.width():][:n] {
				to[j] = scale * float64(x)
			}
		}
	})
}

// runs calls move with where each run of columns of v, which has as many rows as it, that is within
// one strip begins, there and in v, and how many columns it has.
func (s *Strips) runs(row int, v blas64.General, first int, move func(strip, at, n int)) {
	if row < 0 || first < 0 || row+v.Rows > s.rows || first+v.Cols > s.cols {
		panic("kernel: columns or rows that V has not")
	}
	width := s.width()
	for at := 0; at < v.Cols && v.Rows > 0; {
		strip, skip := (first+at)/width, (first+at)%width
		n := min(width-skip, v.Cols-at)
		move((strip*s.rows+row)*width+skip, at, n)
		at += n
	}
}

// The range of the greatest number of a V in float32: with the square of LeastEpsSingle above and
// below it nothing that counts is out of the range of the numbers.
const (
	greatestSingle = 0x1p126
	leastSingle    = 0x1p-78
)

// Settle scales a V in float32 by a power of two, so that its greatest number is from 1 to 2, which
// [NMF] and Get undo. It is an error if that number is beyond about 1e38 or, unless it is 0, below
// about 3e-24: too far from 1 for numbers that count beside it. In float64 it does nothing.
func (s *Strips) Settle() error {
	var bits uint32 // of numbers ≥ 0 they have the order of the numbers
	for _, x := range s.low {
		bits = max(bits, math.Float32bits(x)&^(1<<31)) // -0 is 0
	}
	most := math.Float32frombits(bits)
	if most == 0 && !s.lost.Load() {
		return nil
	}
	if !(most <= greatestSingle && most >= leastSingle) {
		return fmt.Errorf("the greatest number of the spectrogram is %.3g; want from %.3g to %.3g for precision float32: scale the recording, or take float64", most, float64(leastSingle), float64(greatestSingle))
	}
	_, exponent := math.Frexp(float64(most))
	exponent--
	scale := float32(math.Ldexp(1, -exponent))
	for i, x := range s.low {
		s.low[i] = x * scale // below the least normal number of float32 it is as good as 0
	}
	s.exponent += exponent
	return nil
}
