package kernel

import (
	"math"
	"unsafe"

	"gonum.org/v1/gonum/blas"
)

// A number is what V is made of, and what goes through it.
type number interface{ float32 | float64 }

// sizeOf returns the bytes of a number.
func sizeOf[T number]() int { return int(unsafe.Sizeof(*new(T))) }

// kernelsOf returns those of e for numbers of a precision.
func kernelsOf[T number](e *engine) *kernels {
	if sizeOf[T]() == 4 {
		return &e.single
	}
	return &e.kernels
}

// same returns x as numbers of U, which is what T is.
func same[U, T number](x []T) []U {
	if sizeOf[T]() != sizeOf[U]() {
		panic("kernel: numbers of another precision")
	}
	return unsafe.Slice((*U)(unsafe.Pointer(unsafe.SliceData(x))), cap(x))[:len(x)]
}

// lowered returns x times scale in the precision of T: in dst's storage, if that is float32, or x
// itself.
func lowered[T number](e *engine, dst []T, x []float64, scale float64) []T {
	if sizeOf[T]() == 8 {
		return same[T](x)
	}
	dst = grow(dst, len(x))
	narrow(e, same[float32](dst), x, scale)
	return dst
}

// raised returns x times scale in float64: in dst's storage, if x is float32, or x itself.
func raised[T number](e *engine, dst []float64, x []T, scale float64) []float64 {
	if sizeOf[T]() == 8 {
		return same[float64](x)
	}
	dst = grow(dst, len(x))
	widen(e, dst, same[float32](x), scale)
	return dst
}

// narrow sets dst to x times scale. What is below the least normal number of float32 is 0.
func narrow(e *engine, dst []float32, x []float64, scale float64) {
	narrowRows(e, dst, 0, x, 0, 1, len(x), scale)
}

// narrowRows is narrow of some rows of cols numbers, which begin dstStride and stride numbers apart.
func narrowRows(e *engine, dst []float32, dstStride int, x []float64, stride, rows, cols int, scale float64) {
	if rows == 0 || cols == 0 {
		return
	}
	_, _ = dst[(rows-1)*dstStride+cols-1], x[(rows-1)*stride+cols-1]
	from := 0
	if e.toSingle != nil && cols >= e.lanes {
		n := cols / e.lanes
		e.toSingle(&dst[0], uintptr(4*dstStride), &x[0], uintptr(8*stride), scale, n, rows)
		from = n * e.lanes
	}
	for r := 0; r < rows && from < cols; r++ {
		to := dst[r*dstStride:][:cols]
		for i, v := range x[r*stride:][:cols][from:] {
			to[from+i] = single(v * scale)
		}
	}
}

const leastNormalSingle = 0x1p-126

// single returns x, or 0 below the least normal number of float32.
func single(x float64) float32 {
	y := float32(x)
	if y < leastNormalSingle && y > -leastNormalSingle {
		return 0
	}
	return y
}

// widen sets dst to x times scale.
func widen(e *engine, dst []float64, x []float32, scale float64) {
	widenRows(e, dst, 0, x, 0, 1, len(x), scale)
}

// widenRows is widen of some rows of cols numbers, which begin dstStride and stride numbers apart.
func widenRows(e *engine, dst []float64, dstStride int, x []float32, stride, rows, cols int, scale float64) {
	if rows == 0 || cols == 0 {
		return
	}
	_, _ = dst[(rows-1)*dstStride+cols-1], x[(rows-1)*stride+cols-1]
	from := 0
	if e.toDouble != nil && cols >= e.lanes {
		n := cols / e.lanes
		e.toDouble(&dst[0], uintptr(8*dstStride), &x[0], uintptr(4*stride), scale, n, rows)
		from = n * e.lanes
	}
	for r := 0; r < rows && from < cols; r++ {
		to := dst[r*dstStride:][:cols]
		for i, v := range x[r*stride:][:cols][from:] {
			to[from+i] = float64(v) * scale
		}
	}
}

// LeastEpsSingle is the least part of the greatest number of V that is added to V and V̂ where these
// are float32: the quotients of an update, up to its inverse squared times sums of V, are in range.
const LeastEpsSingle = 0x1p-48

// units are what a V in float32 is scaled by: V, H and eps by a power of two, so that the greatest
// number of V is from 1 to 2, and what is made of them back.
type units struct {
	down    float64 // V, H and eps are this times what the caller knows
	forH    float64 // the caller's sums for H are this times those that are made
	product float64 // the same of the sums for W, the divergence and, for β = 2, products of V and H
	cancels float64 // the part of ½ΣV² below which ½Σ(V-WH)² is not the difference of its terms
}

var noUnits = units{down: 1, forH: 1, product: 1, cancels: 1e-6}

// overLow has V be low, which is scaled by 2^-exponent: the passes are float32 in its units, or of a
// chunk after the other in float64, where the precision is Halved or the path has kernels of float64
// alone.
func (p *NMF) overLow(exponent int, precision Precision) {
	p.scale = math.Ldexp(1, exponent)
	if precision == Halved {
		p.eps = max(p.eps, leastNormalSingle*p.scale) // numbers that float32 does not have are 0
		return
	}
	if p.beta != 0 && p.beta != 1 && p.beta != 2 {
		panic("kernel: a V in float32 with β other than 0, 1 and 2")
	}
	p.single = p.engine.goesSingle()
	if !p.single {
		p.eps = max(p.eps, LeastEpsSingle*p.scale)
		return
	}
	beta := int(p.beta)
	p.units = units{
		down: math.Ldexp(1, -exponent), forH: math.Ldexp(1, exponent*(beta-1)), product: math.Ldexp(1, exponent*beta),
		cancels: 1e-3,
	}
	p.eps = max(p.eps*p.units.down, LeastEpsSingle)
}

// GoesSingle tells whether this machine has kernels for a V in float32, or V becomes float64 on its way.
func GoesSingle() bool { return current.single.lanes > 0 }

// goesSingle tells whether the passes over a V in float32 are float32: not where only those in float64
// have vectors.
func (e *engine) goesSingle() bool { return e.single.lanes > 0 || e.lanes == 0 }

// lower makes W in float32 where the passes are.
func (p *NMF) lower() {
	if !p.single {
		return
	}
	w := p.step.W
	p.lowW = lowered(p.engine, p.lowW, w.Data, 1)
}

// dictionaryOf returns W in the precision of T.
func dictionaryOf[T number](p *NMF) viewOf[T] {
	return inPrecision[T](asView(p.step.W, blas.NoTrans), p.lowW)
}

// inPrecision returns a matrix in the precision of T: a, or low, which has the same strides.
func inPrecision[T number](a view, low []float32) viewOf[T] {
	if sizeOf[T]() == 8 {
		return viewOf[T]{same[T](a.data), a.rs, a.cs}
	}
	return viewOf[T]{same[T](low), a.rs, a.cs}
}
