package main

import (
	"fmt"

	"github.com/audiosep/audiosep/internal/kernel/gen/layout"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// dots writes the micro-kernels of A·Bᵀ where the rows of both lie in memory as they are
// summed over, for every number of rows of A and of B that the registers hold.
func dots() {
	for _, s := range []isa{avx2, avx512} {
		for _, rows := range []int{s.lanes / 2, 1} {
			for cols := layout.DotColumns; cols >= 1; cols-- {
				s.dots(rows, cols)
			}
		}
	}
}

// dots keeps a vector of sums for each pair of rows, one lane for every eighth number.
func (s isa) dots(rows, cols int) {
	name := fmt.Sprintf("dots%s_%dx%d", s.name, rows, cols)
	TEXT(name, NOSPLIT, "func(p *uint64)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s multiplies %d rows by panels of %d rows: see dotTile.", name, rows, cols))
	p := Load(Param("p"), GP64())
	field := func(i int) Mem { return Mem{Base: p, Disp: 8 * i} }
	load := func(i int) GPVirtual { r := GP64(); MOVQ(field(i), r); return r }
	ars, bbase, brs, accs := load(layout.DotARS), load(layout.DotB), load(layout.DotBRS), load(layout.DotAcc)
	triple := func(x GPVirtual) GPVirtual {
		r := GP64()
		LEAQ(Mem{Base: x, Index: x, Scale: 2}, r)
		return r
	}
	ars3, brs3 := triple(ars), triple(brs)
	row := func(base, stride, stride3 Register, i int) Mem {
		return []Mem{{Base: base}, {Base: base, Index: stride, Scale: 1}, {Base: base, Index: stride, Scale: 2}, {Base: base, Index: stride3, Scale: 1}}[i%4]
	}
	acc := make([][]VecVirtual, rows)
	for i := range acc {
		acc[i] = s.vecs(cols)
	}
	as, b := s.vecs(rows), s.vec()

	Label("panel")
	a, bp, b4, steps := GP64(), GP64(), GP64(), GP64()
	MOVQ(field(layout.DotA), a)
	MOVQ(bbase, bp)
	if cols > 4 {
		LEAQ(Mem{Base: bp, Index: brs, Scale: 4}, b4)
	}
	MOVQ(field(layout.DotStrips), steps)
	// each visits the sums' places in memory.
	each := func(f func(m Mem, sum VecVirtual)) {
		at := GP64()
		MOVQ(accs, at)
		for i := range acc {
			for j, sum := range acc[i] {
				f(s.at(Mem{Base: at}, j), sum)
			}
			ADDQ(field(layout.DotAccRS), at)
		}
	}
	CMPQ(field(layout.DotAdd), Imm(0))
	JNE(LabelRef("more"))
	for i := range acc {
		for _, sum := range acc[i] {
			s.zero(sum)
		}
	}
	JMP(LabelRef("sum"))
	Label("more")
	each(func(m Mem, sum VecVirtual) { VMOVUPD(m, sum) })
	Label("sum")
	for v := range 3 {
		for i := range as {
			VMOVUPD(s.at(row(a, ars, ars3, i), v), as[i])
		}
		for j := range cols {
			base := bp
			if j >= 4 {
				base = b4
			}
			VMOVUPD(s.at(row(base, brs, brs3, j), v), b)
			for i := range as {
				VFMADD231PD(b, as[i], acc[i][j])
			}
		}
	}
	ADDQ(field(layout.DotAS), a)
	ADDQ(field(layout.DotBS), bp)
	if cols > 4 {
		ADDQ(field(layout.DotBS), b4)
	}
	DECQ(steps)
	JNE(LabelRef("sum"))
	each(func(m Mem, sum VecVirtual) { VMOVUPD(sum, m) })
	ADDQ(field(layout.DotBPS), bbase)
	ADDQ(field(layout.DotAccPS), accs)
	DECQ(field(layout.DotPanels))
	JNE(LabelRef("panel"))
	VZEROUPPER()
	RET()
}
