package main

import (
	"fmt"

	"github.com/audiosep/audiosep/internal/kernel/gen/layout"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// A precision is what differs between numbers of 8 bytes and of 4: their format, the instructions
// by the names that they have before PD or PS and Q or D, and what is made to their precision.
type precision struct {
	size           int // bytes
	fraction, bias int // bits after the point, and what is added to an exponent
	index          int // bits of a place in the tables of roughLog
	series         int // degree of its polynomial
	logarithm      []float64
	ln2Hi, ln2Lo   float64

	newton int // steps of Newton's from a reciprocal of 14 bits to one of all bits

	VADD, VSUB, VMUL, VDIV, VMAX, VBROADCAST, VCMP, VBLENDV, VGETMANT, VGETEXP, VPERMI2, VPSRL, VPSUB, VRCP14,
	VFMADD231, VFMADD213, VFMSUB213, VFNMADD231 func(...Op)
}

var float64s = precision{
	size: 8, fraction: 52, bias: 1023, index: 4, series: 8, newton: 3,
	logarithm: layout.LogCoefficients, ln2Hi: layout.Ln2Hi, ln2Lo: layout.Ln2Lo,
	VADD: VADDPD, VSUB: VSUBPD, VMUL: VMULPD, VDIV: VDIVPD, VMAX: VMAXPD, VBROADCAST: VBROADCASTSD,
	VCMP: VCMPPD, VBLENDV: four(VBLENDVPD), VGETMANT: VGETMANTPD, VGETEXP: VGETEXPPD, VPERMI2: VPERMI2PD,
	VPSRL: VPSRLQ, VPSUB: VPSUBQ, VRCP14: VRCP14PD,
	VFMADD231: VFMADD231PD, VFMADD213: VFMADD213PD, VFMSUB213: VFMSUB213PD, VFNMADD231: VFNMADD231PD,
}

var float32s = precision{
	size: 4, fraction: 23, bias: 127, index: 5, series: 4, newton: 2,
	logarithm: layout.LogCoefficientsSingle, ln2Hi: layout.Ln2HiSingle, ln2Lo: layout.Ln2LoSingle,
	VADD: VADDPS, VSUB: VSUBPS, VMUL: VMULPS, VDIV: VDIVPS, VMAX: VMAXPS, VBROADCAST: VBROADCASTSS,
	VCMP: VCMPPS, VBLENDV: four(VBLENDVPS), VGETMANT: VGETMANTPS, VGETEXP: VGETEXPPS, VPERMI2: VPERMI2PS,
	VPSRL: VPSRLD, VPSUB: VPSUBD, VRCP14: VRCP14PS,
	VFMADD231: VFMADD231PS, VFMADD213: VFMADD213PS, VFMSUB213: VFMSUB213PS, VFNMADD231: VFNMADD231PS,
}

// four is an instruction of four operands as one of any number.
func four(op func(a, b, c, d Op)) func(...Op) { return func(x ...Op) { op(x[0], x[1], x[2], x[3]) } }

// conversions writes loops from one precision to the other, with numbers scaled on the way.
func conversions() {
	for _, s := range []isa{avx2, avx512} {
		s.convert("narrow", "float32", "float64", func(x, y VecVirtual, at, to Mem) {
			VMULPD(at, y, x)
			if s.wide() {
				VCVTPD2PS(x, x.AsY())
				VMOVUPS(x.AsY(), to)
				return
			}
			VCVTPD2PSY(x, x.AsX())
			VMOVUPS(x.AsX(), to)
		})
		s.convert("widen", "float64", "float32", func(x, y VecVirtual, at, to Mem) {
			VCVTPS2PD(at, x)
			VMULPD(y, x, x)
			VMOVUPD(x, to)
		})
	}
}

// convert writes loops over rows of whole vectors of float64 and as many float32; body converts one
// vector with the registers x, which is free, and scale.
func (s isa) convert(name, to, from string, body func(x, scale VecVirtual, at, to Mem)) {
	name += s.name
	TEXT(name, NOSPLIT, fmt.Sprintf("func(dst *%s, dstStride uintptr, x *%s, xStride uintptr, scale float64, vectors, rows int)", to, from))
	Pragma("noescape")
	Doc(name + " sets rows of dst to those of x times scale, strides being in bytes.")
	restore := s.single().flush()
	dst, src, rows, scale := Load(Param("dst"), GP64()), Load(Param("x"), GP64()), Load(Param("rows"), GP64()), s.vec()
	dstStride, srcStride, vectors := Load(Param("dstStride"), GP64()), Load(Param("xStride"), GP64()), Load(Param("vectors"), GP64())
	p, err := Param("scale").Resolve()
	if err != nil {
		panic(err)
	}
	VBROADCASTSD(p.Addr, scale)
	step := map[string]int{"float64": 8 * s.lanes, "float32": 4 * s.lanes}
	at, put, n := GP64(), GP64(), GP64()
	loop := func(label, done string, vecs int) {
		SUBQ(Imm(uint64(vecs)), n)
		JLT(LabelRef(done))
		Label(label)
		for i := range vecs {
			body(s.vec(), scale, Mem{Base: at, Disp: i * step[from]}, Mem{Base: put, Disp: i * step[to]})
		}
		ADDQ(U32(vecs*step[from]), at)
		ADDQ(U32(vecs*step[to]), put)
		SUBQ(Imm(uint64(vecs)), n)
		JGE(LabelRef(label))
		Label(done)
		ADDQ(Imm(uint64(vecs)), n)
	}
	Label("row")
	MOVQ(src, at)
	MOVQ(dst, put)
	MOVQ(vectors, n)
	loop("six", "few", 6)
	loop("one", "next", 1)
	ADDQ(srcStride, src)
	ADDQ(dstStride, dst)
	DECQ(rows)
	JNE(LabelRef("row"))
	restore()
	VZEROUPPER()
	RET()
}
