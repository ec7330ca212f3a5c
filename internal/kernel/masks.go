package kernel

import "math"

// Add sets dst += x. The slices are of one length.
func Add(dst, x []float64) {
	x = x[:len(dst)]
	i := 0
	if n := vectors(len(dst)); n > 0 {
		current.add(&dst[0], &x[0], n)
		i = n * current.lanes
	}
	for ; i < len(dst); i++ {
		dst[i] += x[i]
	}
}

// AddMul sets dst += x∘y, each number rounded once. The slices are of one length.
func AddMul(dst, x, y []float64) {
	x, y = x[:len(dst)], y[:len(dst)]
	i := 0
	if n := vectors(len(dst)); n > 0 {
		current.addMul(&dst[0], &x[0], &y[0], n)
		i = n * current.lanes
	}
	for ; i < len(dst); i++ {
		dst[i] = math.FMA(x[i], y[i], dst[i])
	}
}

// Inverse sets dst = 1/x, element by element, exactly rounded; dst may be x.
func Inverse(dst, x []float64) {
	x = x[:len(dst)]
	i := 0
	if n := vectors(len(dst)); n > 0 {
		current.inverse(&dst[0], &x[0], n)
		i = n * current.lanes
	}
	for ; i < len(dst); i++ {
		dst[i] = 1 / x[i]
	}
}

// Mask makes a mask of the weights of one source: it sets m to m∘by, but to -1 where m is most, the
// greatest weight of all sources, and has most NaN there. So of sources whose masks are made one
// after the other the first with the greatest weight has -1, which [ShareOut] and [Leave] take to
// mean what the others leave. The slices are of one length.
func Mask(m, most, by []float64) {
	most, by = most[:len(m)], by[:len(m)]
	i := 0
	if n := vectors(len(m)); n > 0 {
		current.mask(&m[0], &most[0], &by[0], n)
		i = n * current.lanes
	}
	for ; i < len(m); i++ {
		if m[i] == most[i] {
			m[i], most[i] = -1, math.NaN()
		} else {
			m[i] *= by[i]
		}
	}
}

// MaskTwo makes the masks of two sources of their weights, whose sums are to have inverses: what [Inverse] of the sums and
// [Mask] do, to the bit. The slices are of one length.
func MaskTwo(m, other []float64) {
	other = other[:len(m)]
	i := 0
	if n := vectors(len(m)); n > 0 {
		current.maskTwo(&m[0], &other[0], n)
		i = n * current.lanes
	}
	for ; i < len(m); i++ {
		a, b := m[i], other[i]
		by := 1 / (a + b)
		m[i], other[i] = a*by, b*by
		if a >= b {
			m[i] = -1
		} else {
			other[i] = -1
		}
	}
}

// ShareOut sets y to a source's part of x by its mask m, as [Mask] makes it, and subtracts that
// from rest; where m is -1, y is 0·x. The slices are of one length.
func ShareOut(y, m, x, rest []float64) {
	m, x, rest = m[:len(y)], x[:len(y)], rest[:len(y)]
	i := 0
	if n := vectors(len(y)); n > 0 {
		current.shareOut(&y[0], &m[0], &x[0], &rest[0], n)
		i = n * current.lanes
	}
	for ; i < len(y); i++ {
		y[i] = float64(max(m[i], 0) * x[i]) // rounded before it is subtracted, as the kernels do
		rest[i] -= y[i]
	}
}

// Part sets y to a source's part of x where there is one other source, by the masks of both as [Mask] makes them:
// what [ShareOut] and [Leave] do, to the bit. The slices are of one length.
func Part(y, m, other, x []float64) {
	m, other, x = m[:len(y)], other[:len(y)], x[:len(y)]
	i := 0
	if n := vectors(len(y)); n > 0 {
		current.part(&y[0], &m[0], &other[0], &x[0], n)
		i = n * current.lanes
	}
	for ; i < len(y); i++ {
		if m[i] < 0 {
			y[i] = x[i] - float64(other[i]*x[i]) // rounded before it is subtracted, as the kernels do
		} else {
			y[i] = m[i] * x[i]
		}
	}
}

// Leave sets y to rest where the mask m is -1. The slices are of one length.
func Leave(y, m, rest []float64) {
	m, rest = m[:len(y)], rest[:len(y)]
	i := 0
	if n := vectors(len(y)); n > 0 {
		current.leave(&y[0], &m[0], &rest[0], n)
		i = n * current.lanes
	}
	for ; i < len(y); i++ {
		if m[i] < 0 {
			y[i] = rest[i]
		}
	}
}
