package kernel

import (
	"math"
	"slices"
	"unsafe"
)

// Medians finds the medians of columns. Its methods must not be called from several goroutines at
// once; the zero value is ready.
type Medians struct {
	tile medianTile
	keys []uint32
}

// A medianTile is the argument of the kernel that finds the middle of some columns, as many as the
// engine's medianColumns, which knows the offsets of the fields. The numbers are taken as their
// bits, whose order is theirs, as none is negative.
type medianTile struct {
	rows int
	k    int      // the middle, from 0: rows/2
	at   *int32   // which row of x each is
	x    *float32 // the first column of row 0
	xs   uintptr  // from a row of x to the next, in bytes
	keys *uint32  // room for the rows and medianSpare more
	high [16]uint32
	low  [16]uint32 // the numbers before those in order
}

// medianSpare is how many rows are appended so that they can be counted four at a time.
const medianSpare = 3

// Of sets dst to the medians of the columns of some rows of x, or to most where that is less. The
// rows are those whose numbers are given, at least one; a row begins stride numbers after the one
// before it and is as long as dst and most, or longer. No number is NaN or below 0. The median of an
// even count is the mean of the two in the middle, in double precision; every path has the same bits.
func (m *Medians) Of(dst, most []float64, x []float32, stride int, rows []int32) {
	most = most[:len(dst)]
	if len(rows) == 0 || slices.Min(rows) < 0 || int(slices.Max(rows))*stride+len(dst) > len(x) {
		panic("kernel: medians of no rows, or of rows beyond the matrix")
	}
	n := current.medianColumns
	if n == 0 || len(dst) < n {
		m.plainly(dst, most, x, stride, rows)
		return
	}
	m.keys = slices.Grow(m.keys[:0], (len(rows)+medianSpare)*n)
	t := &m.tile
	t.rows, t.k, t.at, t.xs, t.keys = len(rows), len(rows)/2, &rows[0], uintptr(4*stride), unsafe.SliceData(m.keys)
	for from := 0; from < len(dst); from += n {
		from = min(from, len(dst)-n) // the last ones twice, rather than some that are not there
		t.x = &x[from]
		current.medians((*uint64)(unsafe.Pointer(t)))
		for i := range n {
			low := t.low[i]
			if len(rows)%2 == 1 {
				low = t.high[i]
			}
			dst[from+i] = min(middle(low, t.high[i]), most[from+i])
		}
	}
	t.at, t.x = nil, nil
}

// middle returns the mean of two numbers, given as their bits in single precision.
func middle(low, high uint32) float64 {
	return (float64(math.Float32frombits(low)) + float64(math.Float32frombits(high))) / 2
}

// plainColumns is how many columns are copied at once, so that the copies stay in the first cache.
const plainColumns = 64

// plainly is Of in plain Go. Only numbers below most are kept and put in order: every number is
// written, and counted or not, so that the processor has no branch to guess.
func (m *Medians) plainly(dst, most []float64, x []float32, stride int, rows []int32) {
	k := len(rows)
	m.keys = slices.Grow(m.keys[:0], plainColumns*k)[:plainColumns*k]
	var counts [plainColumns]int
	var limits [plainColumns]uint32
	for from := 0; from < len(dst); from += plainColumns {
		n := min(plainColumns, len(dst)-from)
		clear(counts[:])
		for i := range n {
			limits[i] = math.Float32bits(notBelow(most[from+i]))
		}
		for _, r := range rows {
			for i, v := range x[int(r)*stride+from:][:n] {
				key := math.Float32bits(v)
				m.keys[i*k+counts[i]] = key
				counts[i] += int((key - limits[i]) >> 31)
			}
		}
		for i := range n {
			below, at := m.keys[i*k:][:counts[i]], from+i
			dst[at] = most[at]
			if len(below) > k/2 {
				dst[at] = medianOf(below, k)
			} else if len(below) == k/2 && k%2 == 0 {
				least := uint32(math.MaxInt32) // of the others
				for _, r := range rows {
					if key := math.Float32bits(x[int(r)*stride+at]); key >= limits[i] {
						least = min(least, key)
					}
				}
				dst[at] = min(middle(slices.Max(below), least), most[at])
			}
		}
	}
}

// medianOf returns the median of k numbers, of which below are the least, more than half.
func medianOf(below []uint32, k int) float64 {
	high := nth(below, k/2)
	if k%2 == 1 {
		return middle(high, high)
	}
	return middle(slices.Max(below[:k/2]), high)
}

// notBelow returns the least single-precision number that is not below v.
func notBelow(v float64) float32 {
	x := float32(v)
	if float64(x) < v {
		x = math.Nextafter32(x, float32(math.Inf(1)))
	}
	return x
}

// nth returns the number that is k-th of x, from 0, in ascending order, and has those that are
// not above it in front of it. All are below 2³¹. (Quickselect, by Lomuto's partition, in which
// every number is moved whether it is below the pivot or not: there is no branch to guess.)
func nth(x []uint32, k int) uint32 {
	for lo, hi := 0, len(x); ; {
		a, b, c := x[lo], x[(lo+hi)/2], x[hi-1]
		pivot := max(min(a, b), min(max(a, b), c))
		below := divide(x[lo:hi], pivot)
		if k < lo+below {
			hi = lo + below
			continue
		}
		lo += below
		if equal := divide(x[lo:hi], pivot+1); k < lo+equal {
			return pivot
		} else {
			lo += equal
		}
	}
}

// divide puts the numbers below a bound in front and returns how many they are.
func divide(x []uint32, bound uint32) (below int) {
	for i, v := range x {
		x[i] = x[below]
		x[below] = v
		below += int((v - bound) >> 31)
	}
	return below
}
