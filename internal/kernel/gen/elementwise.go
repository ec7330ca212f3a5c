package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// elementwise writes loops over whole vectors; the caller pads the rest of a slice.
func elementwise() {
	for _, s := range []isa{avx2, avx512} {
		s.functions()
		s.products()
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
