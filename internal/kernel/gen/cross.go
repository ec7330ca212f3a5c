package main

import (
	"github.com/audiosep/audiosep/internal/kernel/gen/layout"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// fetch writes the function that asks for numbers before they are read.
func fetch() {
	TEXT("fetch", NOSPLIT, "func(x *float64, lines int)")
	Pragma("noescape")
	Doc("fetch has runs of 8 numbers brought to the second cache while other work goes on.")
	x, n := Load(Param("x"), GP64()), Load(Param("lines"), GP64())
	Label("line")
	PREFETCHT1(Mem{Base: x})
	ADDQ(Imm(64), x)
	DECQ(n)
	JNE(LabelRef("line"))
	RET()
}

// crosses writes the kernels that multiply complex rows with the conjugates of themselves and of
// each row after them.
func crosses() {
	for _, s := range []isa{avx2, avx512} {
		s.cross()
	}
}

func (s isa) cross() {
	name := "cross" + s.name
	TEXT(name, NOSPLIT, "func(p *uint64)")
	Pragma("noescape")
	Doc(name + " makes the products of some complex rows with the conjugates of each other: see crossTile.")
	arg := Load(Param("p"), GP64())
	load := func(i int) GPVirtual { r := GP64(); MOVQ(Mem{Base: arg, Disp: 8 * i}, r); return r }
	rows, a, xs, imag := load(layout.CrossRows), load(layout.CrossX), load(layout.CrossXS), load(layout.CrossImag)
	power, to, ts, bytes := load(layout.CrossPowers), load(layout.CrossTo), load(layout.CrossTS), load(layout.CrossBytes)
	b, p, q, toImag, left, i := GP64(), GP64(), GP64(), GP64(), GP64(), GP64()
	at := func(base GPVirtual) Mem { return Mem{Base: base, Index: i, Scale: 1} }
	loop := func(label string, body func()) {
		XORQ(i, i)
		Label(label)
		body()
		ADDQ(Imm(uint64(s.bytes())), i)
		CMPQ(i, bytes)
		JLT(LabelRef(label))
	}
	Label("row")
	LEAQ(Mem{Base: a, Index: imag, Scale: 1}, b)
	loop("power", func() {
		x, y := s.vec(), s.vec()
		VMOVUPD(at(a), x)
		VMOVUPD(at(b), y)
		VMULPD(x, x, x)
		VFMADD231PD(y, y, x)
		VMOVUPD(x, at(power))
	})
	ADDQ(ts, power)
	MOVQ(a, p)
	MOVQ(rows, left)
	DECQ(left)
	JE(LabelRef("next"))
	Label("other")
	ADDQ(xs, p)
	LEAQ(Mem{Base: p, Index: imag, Scale: 1}, q)
	LEAQ(Mem{Base: to, Index: ts, Scale: 1}, toImag)
	loop("product", func() { s.product(at(to), at(toImag), [4]Mem{at(a), at(b), at(p), at(q)}) })
	LEAQ(Mem{Base: to, Index: ts, Scale: 2}, to)
	DECQ(left)
	JNE(LabelRef("other"))
	Label("next")
	ADDQ(xs, a)
	DECQ(rows)
	JNE(LabelRef("row"))
	VZEROUPPER()
	RET()
}

// product writes the product of a vector of complex numbers with the conjugates of another: of the
// real and imaginary parts of the one and the other, in this order.
func (s isa) product(toRe, toIm Mem, parts [4]Mem) {
	v := s.vecs(4)
	for j, m := range parts {
		VMOVUPD(m, v[j])
	}
	re, im := s.vec(), s.vec()
	VMULPD(v[0], v[2], re)
	VFMADD231PD(v[1], v[3], re)
	VMOVUPD(re, toRe)
	VMULPD(v[1], v[2], im)
	VFNMADD231PD(v[0], v[3], im)
	VMOVUPD(im, toIm)
}
