package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// gemm writes the micro-kernels of the product: for every height of a panel of A
// and every number of vectors in a strip of B.
func gemm() {
	for _, s := range []isa{avx2, avx512} {
		for rows := s.lanes; rows >= 1; rows /= 2 {
			for vecs := 3; vecs >= 1; vecs-- {
				s.gemm(rows, vecs)
			}
		}
	}
}

func (s isa) gemm(rows, vecs int) {
	name := fmt.Sprintf("gemm%s_%dx%d", s.name, rows, vecs*s.lanes)
	TEXT(name, NOSPLIT, "func(p *uint64)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s multiplies panels of %d rows by a strip of %d columns: see tile.", name, rows, vecs*s.lanes))
	p := Load(Param("p"), GP64())
	field := func(i int) Mem { return Mem{Base: p, Disp: 8 * i} }
	load := func(i int) GPVirtual { r := GP64(); MOVQ(field(i), r); return r }

	panels, abase, c := load(1), load(2), load(8)
	rs, cs, bs, ldc := load(3), load(4), load(7), load(9)
	var rs3, ldc3 GPVirtual
	if rows > 2 {
		rs3, ldc3 = GP64(), GP64()
		LEAQ(Mem{Base: rs, Index: rs, Scale: 2}, rs3)
		LEAQ(Mem{Base: ldc, Index: ldc, Scale: 2}, ldc3)
	}
	row := func(lo, hi, stride, stride3 Register, i int) Mem {
		base := lo
		if i >= 4 {
			base = hi
		}
		switch i % 4 {
		case 0:
			return Mem{Base: base}
		case 1:
			return Mem{Base: base, Index: stride, Scale: 1}
		case 2:
			return Mem{Base: base, Index: stride, Scale: 2}
		default:
			return Mem{Base: base, Index: stride3, Scale: 1}
		}
	}

	acc := make([][]VecVirtual, rows)
	for i := range acc {
		acc[i] = s.vecs(vecs)
	}
	bv, av := s.vecs(vecs), s.vec()

	Label("panel")
	a, b, k := GP64(), GP64(), GP64()
	MOVQ(abase, a)
	var a4, c4 GPVirtual
	if rows > 4 {
		a4, c4 = GP64(), GP64()
		LEAQ(Mem{Base: a, Index: rs, Scale: 4}, a4)
		LEAQ(Mem{Base: c, Index: ldc, Scale: 4}, c4)
	}
	MOVQ(field(6), b)
	MOVQ(field(0), k)
	for i := range acc {
		PREFETCHT0(row(c, c4, ldc, ldc3, i))
		if vecs*s.lanes > 8 {
			PREFETCHT0(row(c, c4, ldc, ldc3, i).Offset(8 * (vecs*s.lanes - 1)))
		}
		for j := range acc[i] {
			s.zero(acc[i][j])
		}
	}
	Label("sum")
	for j := range bv {
		VMOVUPD(s.at(Mem{Base: b}, j), bv[j])
	}
	for i := range acc {
		VBROADCASTSD(row(a, a4, rs, rs3, i), av)
		for j := range bv {
			VFMADD231PD(bv[j], av, acc[i][j])
		}
	}
	ADDQ(cs, a)
	if rows > 4 {
		ADDQ(cs, a4)
	}
	ADDQ(bs, b)
	DECQ(k)
	JNE(LabelRef("sum"))

	// The sums are complete: C = alpha·sum, or C += alpha·sum.
	VBROADCASTSD(field(10), av)
	add := GP64()
	MOVQ(field(11), add)
	TESTQ(add, add)
	JNE(LabelRef("add"))
	for i := range acc {
		for j := range bv {
			VMULPD(av, acc[i][j], acc[i][j])
			VMOVUPD(acc[i][j], s.at(row(c, c4, ldc, ldc3, i), j))
		}
	}
	JMP(LabelRef("next"))
	Label("add")
	for i := range acc {
		for j := range bv {
			m := s.at(row(c, c4, ldc, ldc3, i), j)
			VFMADD213PD(m, av, acc[i][j])
			VMOVUPD(acc[i][j], m)
		}
	}
	Label("next")
	ADDQ(field(5), abase)
	step := GP64()
	MOVQ(ldc, step)
	if rows > 1 {
		SHLQ(U8(log2(rows)), step)
	}
	ADDQ(step, c)
	DECQ(panels)
	JNE(LabelRef("panel"))
	VZEROUPPER()
	RET()
}

func log2(n int) int {
	l := 0
	for ; n > 1; n /= 2 {
		l++
	}
	return l
}

// transpose writes transpose4, which packs four rows for the product.
func transpose() {
	TEXT("transpose4", NOSPLIT, "func(dst *float64, dstStride uintptr, src *float64, srcStride uintptr, blocks int)")
	Pragma("noescape")
	Doc("transpose4 writes the columns of a 4-row matrix of 4·blocks columns as rows. Strides are in bytes.")
	dst, ds := Load(Param("dst"), GP64()), Load(Param("dstStride"), GP64())
	src, ss := Load(Param("src"), GP64()), Load(Param("srcStride"), GP64())
	n := Load(Param("blocks"), GP64())
	row := func(p, stride, stride3 Register, i int) Mem {
		return []Mem{{Base: p}, {Base: p, Index: stride, Scale: 1}, {Base: p, Index: stride, Scale: 2}, {Base: p, Index: stride3, Scale: 1}}[i]
	}
	ss3, ds3 := GP64(), GP64()
	LEAQ(Mem{Base: ss, Index: ss, Scale: 2}, ss3)
	LEAQ(Mem{Base: ds, Index: ds, Scale: 2}, ds3)
	a, b := avx2.vecs(4), avx2.vecs(4)
	Label("block")
	for i := range a {
		VMOVUPD(row(src, ss, ss3, i), a[i])
	}
	transpose4x4(a, b)
	for i := range a {
		VMOVUPD(a[i], row(dst, ds, ds3, i))
	}
	ADDQ(Imm(32), src)
	LEAQ(Mem{Base: dst, Index: ds, Scale: 4}, dst)
	DECQ(n)
	JNE(LabelRef("block"))
	VZEROUPPER()
	RET()
}

// transpose4x4 transposes the rows a with the help of t.
func transpose4x4(a, t []VecVirtual) {
	VUNPCKLPD(a[1], a[0], t[0])
	VUNPCKHPD(a[1], a[0], t[1])
	VUNPCKLPD(a[3], a[2], t[2])
	VUNPCKHPD(a[3], a[2], t[3])
	VPERM2F128(U8(0x20), t[2], t[0], a[0])
	VPERM2F128(U8(0x20), t[3], t[1], a[1])
	VPERM2F128(U8(0x31), t[2], t[0], a[2])
	VPERM2F128(U8(0x31), t[3], t[1], a[3])
}
