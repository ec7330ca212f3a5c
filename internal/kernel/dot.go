package kernel

import "unsafe"

// DotUnit is what the length of vectors should be a multiple of for [Dots].
const DotUnit = 24

// Dots computes inner products. Its methods must not be called from several goroutines at once;
// the zero value is ready.
type Dots struct {
	tile dotTile
	sum  float64
}

// Dot returns Σ a_i b_i of two slices of one length, in an order that depends on the length alone.
func (d *Dots) Dot(a, b []float64) float64 {
	b = b[:len(a)]
	e := current
	if e.lanes == 0 || len(a) == 0 || len(a)%DotUnit != 0 {
		return dotPlainly(a, b)
	}
	width := 3 * e.lanes
	d.sum = 0
	t := &d.tile
	t.strips, t.panels = len(a)/width, 1
	t.a, t.as, t.b, t.bs, t.c = &a[0], uintptr(8*width), &b[0], uintptr(8*width), &d.sum
	e.dot[1][0]((*uint64)(unsafe.Pointer(t)))
	return d.sum
}

func dotPlainly(x, y []float64) float64 {
	var a, b, c, d float64
	i := 0
	for ; i+4 <= len(x); i += 4 {
		a += x[i] * y[i]
		b += x[i+1] * y[i+1]
		c += x[i+2] * y[i+2]
		d += x[i+3] * y[i+3]
	}
	for ; i < len(x); i++ {
		a += x[i] * y[i]
	}
	return (a + b) + (c + d)
}
