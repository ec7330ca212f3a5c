package main

import (
	"fmt"
	"math"
	"strings"

	"github.com/audiosep/audiosep/internal/kernel/gen/layout"
)

// elementwise writes loops over whole vectors; the caller pads the rest of a slice.
func (f *file) elementwise() {
	f.loop("log", "the logarithms of x, positive and normal", 1, false, func(fn *function, _ *reg, x []*reg) *reg {
		hi, lo := fn.log(x[0])
		return fn.op("fadd", hi, lo)
	})
	f.loop("exp", "the exponentials of x", 1, false, func(fn *function, _ *reg, x []*reg) *reg { return fn.exp(x[0]) })
	f.loop("scale", "dst·x/y, and leaves dst where y is 0", 2, true, func(fn *function, dst *reg, x []*reg) *reg {
		return fn.op("fmul", fn.quotientOrOne(x[0], x[1]), dst)
	})
	f.loop("scaleRoot", "dst·√(x/y), and leaves dst where y is 0", 2, true, func(fn *function, dst *reg, x []*reg) *reg {
		return fn.op("fmul", fn.op("fsqrt", fn.quotientOrOne(x[0], x[1]), nil), dst)
	})
	f.loop("mul", "the products x·y", 2, false, func(fn *function, _ *reg, x []*reg) *reg { return fn.op("fmul", x[0], x[1]) })
	f.loop("div", "the quotients x/y", 2, false, func(fn *function, _ *reg, x []*reg) *reg { return fn.op("fdiv", x[0], x[1]) })
	f.loop("addPower", "dst + x² + y²", 2, true, func(fn *function, dst *reg, x []*reg) *reg {
		sum := fn.op("fmul", x[0], x[0])
		fn.fma(sum, x[1], x[1])
		return fn.op("fadd", dst, sum)
	})
	f.loop("power", "x² + y²", 2, false, func(fn *function, _ *reg, x []*reg) *reg {
		sum := fn.op("fmul", x[0], x[0])
		fn.fma(sum, x[1], x[1])
		return sum
	})
	f.loop("mulSquare", "x·y²", 2, false, func(fn *function, _ *reg, x []*reg) *reg {
		return fn.op("fmul", fn.op("fmul", x[0], x[1]), x[1])
	})
	f.loop("addSquare", "dst + x²", 1, true, func(fn *function, dst *reg, x []*reg) *reg {
		fn.fma(dst, x[0], x[0])
		return dst
	})
	f.magnitudes()
	f.masks()
}

// magnitudes writes what magnitudes are made of and what is made of them.
func (f *file) magnitudes() {
	f.loop("magnitude", "√(x² + y²)", 2, false, func(fn *function, _ *reg, x []*reg) *reg { return fn.magnitude(x[0], x[1]) })
	f.loop("most", "the greater of x and y", 2, false, func(fn *function, _ *reg, x []*reg) *reg { return fn.op("fmax", x[0], x[1]) })
	f.loop("share", "m/(m + (x - m)) where m is the lesser of dst and x, and ½ where the sum is not above 1e-300", 1, true, func(fn *function, dst *reg, x []*reg) *reg {
		m := fn.op("fmin", dst, x[0])
		sum := fn.op("fadd", m, fn.op("fsub", x[0], m))
		share := fn.constant(0.5)
		fn.insert(share, fn.op("fdiv", m, sum), fn.op("fcmgt", sum, fn.constant(1e-300)))
		return share
	})

	fn := f.function("magnitudesNEON", "sets dst to √(re² + im²), x having a vector of real parts before each vector of imaginary ones.",
		"(dst, x *float64, vectors int)", "dst", "x", "vectors")
	dst, x, n := fn.param(0), fn.param(1), fn.param(2)
	fn.label("loop")
	re, im := fn.loadPair(mem{base: x}), fn.loadPair(mem{base: x}.at(pair))
	fn.storePair([2]*reg{fn.magnitude(re[0], im[0]), fn.magnitude(re[1], im[1])}, mem{base: dst})
	fn.addNumber(dst, 8*lanes)
	fn.addNumber(x, 16*lanes)
	fn.countDown(n, "loop")
	fn.ret()

	fn = f.function("exchangeNEON", "sets dst to the lesser of dst and x, and x to the greater.", "(dst, x *float64, vectors int)", "dst", "x", "vectors")
	dst, x, n = fn.param(0), fn.param(1), fn.param(2)
	fn.label("loop")
	a, b := fn.loadPair(mem{base: dst}), fn.loadPair(mem{base: x})
	fn.storePair([2]*reg{fn.op("fmin", a[0], b[0]), fn.op("fmin", a[1], b[1])}, mem{base: dst})
	fn.storePair([2]*reg{fn.op("fmax", a[0], b[0]), fn.op("fmax", a[1], b[1])}, mem{base: x})
	fn.addNumber(dst, 8*lanes)
	fn.addNumber(x, 8*lanes)
	fn.countDown(n, "loop")
	fn.ret()
}

// masks writes what shares a mixture out among sources, and what joins frames.
func (f *file) masks() {
	f.loop("add", "dst + x", 1, true, func(fn *function, dst *reg, x []*reg) *reg { return fn.op("fadd", dst, x[0]) })
	f.loop("addMul", "dst + x·y, rounded once", 2, true, func(fn *function, dst *reg, x []*reg) *reg {
		fn.fma(dst, x[0], x[1])
		return dst
	})
	f.loop("inverse", "1/x", 1, false, func(fn *function, _ *reg, x []*reg) *reg { return fn.op("fdiv", fn.constant(1), x[0]) })
	f.loop("leave", "y where x is below 0", 2, true, func(fn *function, dst *reg, x []*reg) *reg {
		fn.insert(dst, x[1], fn.op("fcmgt", fn.constant(0), x[0]))
		return dst
	})

	fn := f.function("maskNEON", "sets dst to dst·y, but where dst is x to -1, and x to NaN there.", "(dst, x, y *float64, vectors int)", "dst", "x", "y", "vectors")
	dst, x, y, n := fn.param(0), fn.param(1), fn.param(2), fn.param(3)
	fn.label("loop")
	m, most, by := fn.loadPair(mem{base: dst}), fn.loadPair(mem{base: x}), fn.loadPair(mem{base: y})
	for i := range m {
		same := fn.op("fcmeq", m[i], most[i])
		m[i] = fn.op("fmul", m[i], by[i])
		fn.insert(m[i], fn.constant(-1), same)
		fn.insert(most[i], fn.constant(math.NaN()), same)
	}
	fn.storePair(m, mem{base: dst})
	fn.storePair(most, mem{base: x})
	for _, p := range []*reg{dst, x, y} {
		fn.addNumber(p, 8*lanes)
	}
	fn.countDown(n, "loop")
	fn.ret()

	fn = f.function("maskTwoNEON", "sets dst to dst/(dst + x) and x to x/(dst + x), but the greater of the two to -1, dst where they are equal.", "(dst, x *float64, vectors int)", "dst", "x", "vectors")
	dst, x, n = fn.param(0), fn.param(1), fn.param(2)
	fn.label("loop")
	first, second := fn.loadPair(mem{base: dst}), fn.loadPair(mem{base: x})
	for i := range first {
		greater := fn.op("fcmgt", second[i], first[i])
		quotient := fn.op("fdiv", fn.constant(1), fn.op("fadd", first[i], second[i]))
		second[i] = fn.op("fmul", second[i], quotient)
		fn.insert(second[i], fn.constant(-1), greater)
		less := fn.op("fmul", first[i], quotient)
		first[i] = fn.op("fadd", fn.constant(-1), fn.constant(0)) // -1 in a register that may be written
		fn.insert(first[i], less, greater)
	}
	fn.storePair(first, mem{base: dst})
	fn.storePair(second, mem{base: x})
	for _, p := range []*reg{dst, x} {
		fn.addNumber(p, 8*lanes)
	}
	fn.countDown(n, "loop")
	fn.ret()

	fn = f.function("shareOutNEON", "sets dst to x·y, or 0·y where x is below 0, and subtracts it from u.", "(dst, x, y, u *float64, vectors int)", "dst", "x", "y", "u", "vectors")
	dst, x, y, n = fn.param(0), fn.param(1), fn.param(2), fn.param(4)
	u := fn.param(3)
	fn.label("loop")
	m, by, rest := fn.loadPair(mem{base: x}), fn.loadPair(mem{base: y}), fn.loadPair(mem{base: u})
	for i := range m {
		m[i] = fn.op("fmul", fn.op("fmax", m[i], fn.constant(0)), by[i])
		rest[i] = fn.op("fsub", rest[i], m[i])
	}
	fn.storePair(m, mem{base: dst})
	fn.storePair(rest, mem{base: u})
	for _, p := range []*reg{dst, x, y, u} {
		fn.addNumber(p, 8*lanes)
	}
	fn.countDown(n, "loop")
	fn.ret()

	fn = f.function("partNEON", "sets dst to x·u, but where x is below 0 to u - y·u.", "(dst, x, y, u *float64, vectors int)", "dst", "x", "y", "u", "vectors")
	dst, x, y, n = fn.param(0), fn.param(1), fn.param(2), fn.param(4)
	u = fn.param(3)
	fn.label("loop")
	m, other, mix := fn.loadPair(mem{base: x}), fn.loadPair(mem{base: y}), fn.loadPair(mem{base: u})
	for i := range m {
		last := fn.op("fcmgt", fn.constant(0), m[i])
		left := fn.op("fsub", mix[i], fn.op("fmul", other[i], mix[i]))
		m[i] = fn.op("fmul", m[i], mix[i])
		fn.insert(m[i], left, last)
	}
	fn.storePair(m, mem{base: dst})
	for _, p := range []*reg{dst, x, y, u} {
		fn.addNumber(p, 8*lanes)
	}
	fn.countDown(n, "loop")
	fn.ret()
}

// magnitude returns √(re² + im²).
func (f *function) magnitude(re, im *reg) *reg {
	sum := f.op("fmul", re, re)
	f.fma(sum, im, im)
	return f.op("fsqrt", sum, nil)
}

// quotientOrOne returns x/y, or 1 where y is 0.
func (f *function) quotientOrOne(x, y *reg) *reg {
	none := f.op("fcmeq zero", y, nil)
	q := f.op("fdiv", x, y)
	f.insert(q, f.constant(1), none)
	return q
}

// loop writes a function of one to four slices, a vector at a time. What body returns is stored
// in dst. If reads is true body is also given what was in dst.
func (f *file) loop(name, what string, args int, reads bool, body func(fn *function, dst *reg, x []*reg) *reg) {
	name += "NEON"
	names := append([]string{"dst"}, []string{"x", "y", "u", "v"}[:args]...)
	fn := f.function(name, fmt.Sprintf("sets dst to %s.", what),
		fmt.Sprintf("(%s *float64, vectors int)", strings.Join(names, ", ")), append(names, "vectors")...)
	var at []*reg
	for i := range names {
		at = append(at, fn.param(i))
	}
	n := fn.param(len(names))
	fn.label("loop")
	var before, after [2]*reg
	if reads {
		before = fn.loadPair(mem{base: at[0]})
	}
	x := [2][]*reg{}
	for _, p := range at[1:] {
		v := fn.loadPair(mem{base: p})
		fn.addNumber(p, 8*lanes)
		x[0], x[1] = append(x[0], v[0]), append(x[1], v[1])
	}
	for i := range after {
		after[i] = body(fn, before[i], x[i])
	}
	fn.storePair(after, mem{base: at[0]})
	fn.addNumber(at[0], 8*lanes)
	fn.countDown(n, "loop")
	fn.ret()
}

// mantissa splits x, positive and normal, into m in [1, 2) and e with x = m·2^e.
func (f *function) mantissa(x *reg) (m, e *reg) {
	e = f.op("scvtf", f.vshift("VUSHR", 52, x), nil)
	e = f.op("fsub", e, f.constant(1023))
	m = f.constant(1)
	f.insert(m, x, f.constantBits(1<<52-1))
	return m, e
}

// log returns the logarithm of x, positive and normal, as a sum of two numbers: fdlibm's
// polynomial in s = (m-1)/(m+1) for m in [√½, √2).
func (f *function) log(x *reg) (hi, lo *reg) {
	m, e := f.mantissa(x)
	// m ≥ √2: m/2, e+1.
	high := f.op("fcmge", m, f.constant(math.Sqrt2))
	one := f.bits("VAND", "B16", high, f.constantBits(1<<52)) // in the exponent
	m = f.bits("VSUB", "D2", m, one)
	e = f.op("fadd", e, f.bits("VAND", "B16", high, f.constant(1)))
	m = f.op("fsub", m, f.constant(1)) // f
	s := f.op("fdiv", m, f.op("fadd", m, f.constant(2)))
	z := f.op("fmul", s, s)
	r := f.constant(layout.LogCoefficients[0])
	for _, c := range layout.LogCoefficients[1:] {
		next := f.constant(c)
		f.fma(next, r, z)
		r = next
	}
	r = f.op("fmul", r, z) // R
	// log m = f - (hfsq - s·(hfsq + R)), hfsq = f²/2
	half := f.op("fmul", f.op("fmul", m, m), f.constant(0.5))
	r = f.op("fmul", f.op("fadd", r, half), s)
	f.fma(r, e, f.constant(layout.Ln2Lo))
	lo = f.op("fadd", f.op("fsub", r, half), m)
	return f.op("fmul", e, f.constant(layout.Ln2Hi)), lo
}

// exp returns the exponential of x: that of x - n·log 2, at most (log 2)/2, by Taylor's series
// to a remainder below the last place, times 2^n.
func (f *function) exp(x *reg) *reg {
	x = f.op("fmax", x, f.constant(-746)) // a NaN stays
	x = f.op("fmin", x, f.constant(710))
	n := f.op("fcvtns", f.op("fmul", x, f.constant(math.Log2E)), nil)
	whole := f.op("scvtf", n, nil)
	f.fms(x, whole, f.constant(layout.Ln2Hi))
	f.fms(x, whole, f.constant(layout.Ln2Lo))
	factorial := 6227020800.0 // of 13
	r := f.constant(1 / factorial)
	for i := 13.0; i >= 1; i-- {
		factorial /= i
		next := f.constant(1 / factorial)
		f.fma(next, r, x)
		r = next
	}
	// 2^n in two factors, so that each is normal.
	half := f.vec()
	f.code("sshr", half, n, nil, 1)
	for _, part := range []*reg{half, f.bits("VSUB", "D2", n, half)} {
		power := f.bits("VADD", "D2", part, f.constantBits(1023))
		r = f.op("fmul", r, f.vshift("VSHL", 52, power))
	}
	return r
}
