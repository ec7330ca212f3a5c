package main

import (
	"fmt"

	"github.com/audiosep/audiosep/internal/kernel/gen/layout"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// gemm writes the micro-kernels of the product: for every height of a panel of A
// and every number of vectors in a strip of B.
func gemm() {
	for _, s := range []isa{avx2, avx512} {
		for rows := s.rows(); rows >= 1; rows-- {
			for vecs := 3; vecs >= 1; vecs-- {
				s.gemm(rows, vecs)
			}
		}
	}
	for _, s := range singles() {
		for rows := s.rows(); rows >= 1; rows-- {
			s.gemm(rows, 3)
		}
	}
}

func (s isa) gemm(rows, vecs int) {
	name := fmt.Sprintf("gemm%s_%dx%d", s.name, rows, vecs*s.lanes)
	TEXT(name, NOSPLIT, "func(p *uint64)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s multiplies panels of %d rows by a strip of %d columns: see tile.", name, rows, vecs*s.lanes))
	s.panels(rows, vecs, readsC, func(g *product) {
		// The sums are complete: C = alpha·sum, or C += alpha·sum.
		s.VBROADCAST(g.field(layout.TileAlpha), g.a)
		add := GP64()
		MOVQ(g.field(layout.TileAdd), add)
		c := GP64()
		MOVQ(g.c, c)
		for range g.acc {
			ADDQ(g.ldc, g.c)
		}
		TESTQ(add, add)
		JNE(LabelRef("add"))
		for i := range g.acc {
			for j, sum := range g.acc[i] {
				s.VMUL(g.a, sum, sum)
				VMOVUPD(sum, s.at(Mem{Base: c}, j))
			}
			ADDQ(g.ldc, c)
		}
		JMP(LabelRef("next"))
		Label("add")
		for i := range g.acc {
			for j, sum := range g.acc[i] {
				m := s.at(Mem{Base: c}, j)
				s.VFMADD213(m, g.a, sum)
				VMOVUPD(sum, m)
			}
			ADDQ(g.ldc, c)
		}
		Label("next")
	})
}

// readsC sets p and stride to the rows of C that finish of gemm reads.
func readsC(g *product, p, stride GPVirtual) {
	MOVQ(g.c, p)
	MOVQ(g.ldc, stride)
}

// A product is a micro-kernel while it is written: the argument's fields and the registers of
// the sums.
type product struct {
	p   Register // *tile
	acc [][]VecVirtual
	b   []VecVirtual
	a   VecVirtual
	c   GPVirtual // address of the panel's rows of C; finish moves it to the next panel
	ldc GPVirtual
}

func (g *product) field(i int) Mem { return Mem{Base: g.p, Disp: 8 * i} }

// panels writes the loop over panels of A and the sums over k; finish writes what is done with
// the sums of a panel. The rows that finish reads are prefetched: reads sets p and stride to
// their address and stride.
func (s isa) panels(rows, vecs int, reads func(g *product, p, stride GPVirtual), finish func(*product)) {
	p := Load(Param("p"), GP64())
	restore := s.flush()
	g := &product{p: p, b: s.vecs(vecs), a: s.vec(), acc: make([][]VecVirtual, rows)}
	load := func(i int) GPVirtual { r := GP64(); MOVQ(g.field(i), r); return r }
	panels, abase := load(layout.TilePanels), load(layout.TileA)
	rs, cs, bs := load(layout.TileRS), load(layout.TileCS), load(layout.TileBS)
	g.c, g.ldc = load(layout.TileC), load(layout.TileLdc)
	var rs3 GPVirtual
	if rows > 2 {
		rs3 = GP64()
		LEAQ(Mem{Base: rs, Index: rs, Scale: 2}, rs3)
	}
	for i := range g.acc {
		g.acc[i] = s.vecs(vecs)
	}

	Label("panel")
	a, b, k := GP64(), GP64(), GP64()
	MOVQ(abase, a)
	var a4 GPVirtual
	if rows > 4 {
		a4 = GP64()
		LEAQ(Mem{Base: a, Index: rs, Scale: 4}, a4)
	}
	MOVQ(g.field(layout.TileB), b)
	MOVQ(g.field(layout.TileK), k)
	s.fetchAndClear(g, vecs, reads)
	Label("sum")
	for j, v := range g.b {
		VMOVUPD(s.at(Mem{Base: b}, j), v)
	}
	for i := range g.acc {
		base := a
		if i >= 4 {
			base = a4
		}
		s.VBROADCAST([]Mem{{Base: base}, {Base: base, Index: rs, Scale: 1}, {Base: base, Index: rs, Scale: 2}, {Base: base, Index: rs3, Scale: 1}}[i%4], g.a)
		for j, v := range g.b {
			s.VFMADD231(v, g.a, g.acc[i][j])
		}
	}
	ADDQ(cs, a)
	if rows > 4 {
		ADDQ(cs, a4)
	}
	ADDQ(bs, b)
	DECQ(k)
	JNE(LabelRef("sum"))
	finish(g)
	ADDQ(g.field(layout.TilePS), abase)
	DECQ(panels)
	JNE(LabelRef("panel"))
	restore()
	VZEROUPPER()
	RET()
}

// fetchAndClear prefetches the rows that finish reads and clears the sums.
func (s isa) fetchAndClear(g *product, vecs int, reads func(g *product, p, stride GPVirtual)) {
	soon, stride := GP64(), GP64()
	reads(g, soon, stride)
	for i := range g.acc {
		for j := 0; j < vecs*s.bytes(); j += 64 {
			PREFETCHT0(Mem{Base: soon, Disp: j})
		}
		ADDQ(stride, soon)
		for _, sum := range g.acc[i] {
			s.zero(sum)
		}
	}
}

// transpose writes two transpositions in blocks of 4×4: along the rows and along the columns.
func transpose() {
	for _, s := range []isa{avx2, avx512} {
		n := s.lanes
		s.transposeBlocks(fmt.Sprintf("transpose%d", n), fmt.Sprintf("writes the columns of a %d-row matrix of %d·blocks columns as rows. Strides are in bytes.", n, n), true)
		s.transposeBlocks(fmt.Sprintf("gather%d", n), fmt.Sprintf("writes the rows of a %d-column matrix of %d·blocks rows as columns. Strides are in bytes.", n, n), false)
	}
}

// transposeBlocks writes a function that transposes squares, along the rows or the columns.
func (s isa) transposeBlocks(name, doc string, alongRows bool) {
	TEXT(name, NOSPLIT, "func(dst *float64, dstStride uintptr, src *float64, srcStride uintptr, blocks int)")
	Pragma("noescape")
	Doc(name + " " + doc)
	dst, ds := Load(Param("dst"), GP64()), Load(Param("dstStride"), GP64())
	src, ss := Load(Param("src"), GP64()), Load(Param("srcStride"), GP64())
	n := Load(Param("blocks"), GP64())
	a, b := s.vecs(s.lanes), s.vecs(s.lanes)
	step := func(p, stride Register) { // a whole square further
		for range s.lanes / 4 {
			LEAQ(Mem{Base: p, Index: stride, Scale: 4}, p)
		}
	}
	Label("block")
	from, to := rows(src, ss, s.lanes), rows(dst, ds, s.lanes)
	for i := range a {
		VMOVUPD(from(i), a[i])
	}
	if s.lanes == 8 {
		b = transpose8x8(a, b)
	} else {
		transpose4x4(a, b)
		b = a
	}
	for i, v := range b {
		VMOVUPD(v, to(i))
	}
	if alongRows {
		ADDQ(Imm(uint64(s.bytes())), src)
		step(dst, ds)
	} else {
		step(src, ss)
		ADDQ(Imm(uint64(s.bytes())), dst)
	}
	DECQ(n)
	JNE(LabelRef("block"))
	VZEROUPPER()
	RET()
}

// transpose8x8 returns the columns of the rows a; t is scratch. First the numbers of two rows are paired, then
// the pairs of four.
func transpose8x8(a, t []VecVirtual) []VecVirtual {
	columns := avx512.vecs(8)
	for i := 0; i < 8; i += 2 {
		VUNPCKLPD(a[i+1], a[i], t[i])   // of the even columns
		VUNPCKHPD(a[i+1], a[i], t[i+1]) // of the odd ones
	}
	const even, odd = 0x88, 0xdd // places of the pairs that are taken
	for h := range 2 {
		VSHUFF64X2(U8(even), t[2+h], t[h], a[0])
		VSHUFF64X2(U8(odd), t[2+h], t[h], a[1])
		VSHUFF64X2(U8(even), t[6+h], t[4+h], a[2])
		VSHUFF64X2(U8(odd), t[6+h], t[4+h], a[3])
		VSHUFF64X2(U8(even), a[2], a[0], columns[h])
		VSHUFF64X2(U8(even), a[3], a[1], columns[2+h])
		VSHUFF64X2(U8(odd), a[2], a[0], columns[4+h])
		VSHUFF64X2(U8(odd), a[3], a[1], columns[6+h])
	}
	return columns
}

// transpose4x4 transposes the rows a; t is scratch.
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
