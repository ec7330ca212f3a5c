package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// elementwise writes loops over whole vectors; the caller pads the rest of a slice.
func elementwise() {
	for _, s := range []isa{avx2, avx512} {
		s.functions()
		s.products()
		s.magnitudes()
		s.masks()
	}
}

// functions writes logarithms, exponentials and multiplicative updates.
func (s isa) functions() {
	s.loop("log", "the logarithms of x, positive and normal", 1, func(dst Mem, src []Mem) {
		x, y := s.vec(), s.vec()
		VMOVUPD(src[0], x)
		s.log(x, func(hi, lo VecVirtual) {
			VADDPD(lo, hi, y)
		})
		VMOVUPD(y, dst)
	})
	s.loop("exp", "the exponentials of x", 1, func(dst Mem, src []Mem) {
		x := s.vec()
		VMOVUPD(src[0], x)
		VMOVUPD(s.exp(x), dst)
	})
	s.loop("scale", "dst·x/y, and leaves dst where y is 0", 2, func(dst Mem, src []Mem) {
		q := s.quotientOrOne(src)
		VMULPD(dst, q, q)
		VMOVUPD(q, dst)
	})
	s.loop("scaleRoot", "dst·√(x/y), and leaves dst where y is 0", 2, func(dst Mem, src []Mem) {
		q := s.quotientOrOne(src)
		VSQRTPD(q, q)
		VMULPD(dst, q, q)
		VMOVUPD(q, dst)
	})
}

// products writes products, quotients and sums of squares.
func (s isa) products() {
	s.loop("mul", "the products x·y", 2, func(dst Mem, src []Mem) {
		x := s.vec()
		VMOVUPD(src[0], x)
		VMULPD(src[1], x, x)
		VMOVUPD(x, dst)
	})
	s.loop("div", "the quotients x/y", 2, func(dst Mem, src []Mem) {
		x := s.vec()
		VMOVUPD(src[0], x)
		VDIVPD(src[1], x, x)
		VMOVUPD(x, dst)
	})
	s.loop("addPower", "dst + x² + y²", 2, func(dst Mem, src []Mem) {
		x, y, d := s.vec(), s.vec(), s.vec()
		VMOVUPD(src[0], x)
		VMOVUPD(src[1], y)
		VMULPD(x, x, x)
		VFMADD231PD(y, y, x)
		VADDPD(dst, x, d)
		VMOVUPD(d, dst)
	})
	s.loop("power", "x² + y²", 2, func(dst Mem, src []Mem) {
		x, y := s.vec(), s.vec()
		VMOVUPD(src[0], x)
		VMOVUPD(src[1], y)
		VMULPD(x, x, x)
		VFMADD231PD(y, y, x)
		VMOVUPD(x, dst)
	})
	s.loop("mulSquare", "x·y²", 2, func(dst Mem, src []Mem) {
		x, y := s.vec(), s.vec()
		VMOVUPD(src[1], y)
		VMULPD(src[0], y, x)
		VMULPD(y, x, x)
		VMOVUPD(x, dst)
	})
	s.loop("addSquare", "dst + x²", 1, func(dst Mem, src []Mem) {
		x, d := s.vec(), s.vec()
		VMOVUPD(src[0], x)
		VMOVUPD(dst, d)
		VFMADD231PD(x, x, d)
		VMOVUPD(d, dst)
	})
}

// magnitudes writes what magnitudes are made of and what is made of them.
func (s isa) magnitudes() {
	s.loop("magnitude", "√(x² + y²)", 2, func(dst Mem, src []Mem) { VMOVUPD(s.magnitude(src[0], src[1]), dst) })
	s.loop("magnitudes", "√(re² + im²), x having a vector of real parts before each vector of imaginary ones", 1, func(dst Mem, src []Mem) {
		x := src[0]
		x.Scale = 2
		VMOVUPD(s.magnitude(x, s.at(x, 1)), dst)
	})
	s.loop("most", "the greater of x and y", 2, func(dst Mem, src []Mem) {
		x := s.vec()
		VMOVUPD(src[0], x)
		VMAXPD(src[1], x, x)
		VMOVUPD(x, dst)
	})
	s.loop("exchange", "the lesser of dst and x, and x to the greater", 1, func(dst Mem, src []Mem) {
		x, y, less := s.vec(), s.vec(), s.vec()
		VMOVUPD(dst, x)
		VMOVUPD(src[0], y)
		VMINPD(y, x, less)
		VMAXPD(y, x, x)
		VMOVUPD(less, dst)
		VMOVUPD(x, src[0])
	})
	s.loop("share", "m/(m + (x - m)) where m is the lesser of dst and x, and ½ where the sum is not above 1e-300", 1, func(dst Mem, src []Mem) {
		m, sum := s.vec(), s.vec()
		VMOVUPD(src[0], sum)
		VMINPD(dst, sum, m)
		VSUBPD(m, sum, sum)
		VADDPD(m, sum, sum)
		const notGreater = 0x1a
		tiny, half := s.constant(1e-300), s.constant(0.5)
		if s.lanes == 8 {
			k := K()
			VCMPPD(U8(notGreater), tiny, sum, k)
			VDIVPD(sum, m, m)
			VMOVUPD(half, k, m)
		} else {
			small := s.vec()
			VCMPPD(U8(notGreater), tiny, sum, small)
			VDIVPD(sum, m, m)
			VBLENDVPD(small, half, m, m)
		}
		VMOVUPD(m, dst)
	})
}

// masks writes what shares a mixture out among sources, and what joins frames.
func (s isa) masks() {
	s.loop("add", "dst + x", 1, func(dst Mem, src []Mem) {
		x := s.vec()
		VMOVUPD(dst, x)
		VADDPD(src[0], x, x)
		VMOVUPD(x, dst)
	})
	s.loop("addMul", "dst + x·y, rounded once", 2, func(dst Mem, src []Mem) {
		x, d := s.vec(), s.vec()
		VMOVUPD(dst, d)
		VMOVUPD(src[0], x)
		VFMADD231PD(src[1], x, d)
		VMOVUPD(d, dst)
	})
	s.loop("inverse", "1/x", 1, func(dst Mem, src []Mem) {
		x := s.vec()
		VMOVUPD(s.constant(1), x)
		VDIVPD(src[0], x, x)
		VMOVUPD(x, dst)
	})
	s.loop("mask", "dst·y, but where dst is x to -1, and x to NaN there", 2, func(dst Mem, src []Mem) {
		m, most := s.vec(), s.vec()
		VMOVUPD(dst, m)
		VMOVUPD(src[0], most)
		minus, nan := s.constant(-1), s.constant(math.NaN())
		if s.lanes == 8 {
			k := K()
			VCMPPD(U8(0), most, m, k)
			VMULPD(src[1], m, m)
			VMOVUPD(minus, k, m)
			VMOVUPD(nan, k, most)
		} else {
			same := s.vec()
			VCMPPD(U8(0), most, m, same)
			VMULPD(src[1], m, m)
			VBLENDVPD(same, minus, m, m)
			VBLENDVPD(same, nan, most, most)
		}
		VMOVUPD(m, dst)
		VMOVUPD(most, src[0])
	})
	s.loop("maskTwo", "dst/(dst + x) and x to x/(dst + x), but the greater of the two to -1, dst where they are equal", 1, func(dst Mem, src []Mem) {
		a, b, sum, by := s.vec(), s.vec(), s.vec(), s.vec()
		VMOVUPD(dst, a)
		VMOVUPD(src[0], b)
		VADDPD(b, a, sum)
		VMOVUPD(s.constant(1), by)
		VDIVPD(sum, by, by)
		minus := s.constant(-1)
		const notLess, greater = 0x1d, 0x1e
		if s.lanes == 8 {
			first, second := K(), K()
			VCMPPD(U8(notLess), b, a, first)
			VCMPPD(U8(greater), a, b, second)
			VMULPD(by, a, a)
			VMULPD(by, b, b)
			VMOVUPD(minus, first, a)
			VMOVUPD(minus, second, b)
		} else {
			first, second := s.vec(), s.vec()
			VCMPPD(U8(notLess), b, a, first)
			VCMPPD(U8(greater), a, b, second)
			VMULPD(by, a, a)
			VMULPD(by, b, b)
			VBLENDVPD(first, minus, a, a)
			VBLENDVPD(second, minus, b, b)
		}
		VMOVUPD(a, dst)
		VMOVUPD(b, src[0])
	})
	s.loop("shareOut", "x·y, or 0·y where x is below 0, and subtracts it from u", 3, func(dst Mem, src []Mem) {
		m, rest := s.vec(), s.vec()
		s.zero(m)
		VMAXPD(src[0], m, m)
		VMULPD(src[1], m, m)
		VMOVUPD(src[2], rest)
		VSUBPD(m, rest, rest)
		VMOVUPD(m, dst)
		VMOVUPD(rest, src[2])
	})
	s.loop("part", "x·u, but where x is below 0 to u - y·u", 3, func(dst Mem, src []Mem) {
		m, other, u := s.vec(), s.vec(), s.vec()
		VMOVUPD(src[0], m)
		VMOVUPD(src[2], u)
		VMULPD(src[1], u, other)
		VSUBPD(other, u, other)
		if s.lanes == 8 {
			k := K()
			VPMOVQ2M(m, k)
			VMULPD(u, m, m)
			VMOVUPD(other, k, m)
		} else {
			VMULPD(u, m, u)
			VBLENDVPD(m, other, u, m)
		}
		VMOVUPD(m, dst)
	})
	s.loop("leave", "y where x is below 0", 2, func(dst Mem, src []Mem) {
		m, y := s.vec(), s.vec()
		VMOVUPD(src[0], m)
		VMOVUPD(dst, y)
		if s.lanes == 8 {
			k := K()
			VPMOVQ2M(m, k)
			VMOVUPD(src[1], k, y)
		} else {
			VBLENDVPD(m, src[1], y, y)
		}
		VMOVUPD(y, dst)
	})
}

// magnitude returns √(re² + im²).
func (s isa) magnitude(re, im Mem) VecVirtual {
	x, y := s.vec(), s.vec()
	VMOVUPD(re, x)
	VMOVUPD(im, y)
	VMULPD(x, x, x)
	VFMADD231PD(y, y, x)
	VSQRTPD(x, x)
	return x
}

// quotientOrOne returns x/y, or 1 where y is 0.
func (s isa) quotientOrOne(src []Mem) VecVirtual {
	x, y := s.vec(), s.vec()
	VMOVUPD(src[0], x)
	VMOVUPD(src[1], y)
	zero := s.vec()
	s.zero(zero)
	if s.lanes == 8 {
		k := K()
		VCMPPD(U8(0), zero, y, k)
		VDIVPD(y, x, x)
		VMOVUPD(s.constant(1), k, x)
		return x
	}
	VCMPPD(U8(0), zero, y, zero)
	VDIVPD(y, x, x)
	VBLENDVPD(zero, s.constant(1), x, x)
	return x
}

// loop writes a function of one to four slices, a vector at a time.
func (s isa) loop(name, what string, args int, body func(dst Mem, src []Mem)) {
	name += s.name
	names := []string{"x", "y", "u", "v"}[:args]
	list := "dst *float64"
	for _, n := range names {
		list += ", " + n + " *float64"
	}
	TEXT(name, NOSPLIT, fmt.Sprintf("func(%s, vectors int)", list))
	Pragma("noescape")
	Doc(fmt.Sprintf("%s sets dst to %s.", name, what))
	dst := Load(Param("dst"), GP64())
	i, n := GP64(), Load(Param("vectors"), GP64())
	XORQ(i, i)
	SHLQ(U8(map[int]uint8{4: 5, 8: 6}[s.lanes]), n)
	var src []Mem
	for _, a := range names {
		src = append(src, Mem{Base: Load(Param(a), GP64()), Index: i, Scale: 1})
	}
	Label("loop")
	body(Mem{Base: dst, Index: i, Scale: 1}, src)
	ADDQ(Imm(uint64(s.bytes())), i)
	CMPQ(i, n)
	JLT(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

var _ Register
