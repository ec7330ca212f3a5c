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

// dots keeps a vector of sums for each pair of rows, one lane for every eighth or fourth
// number, and folds them at the end.
func (s isa) dots(rows, cols int) {
	name := fmt.Sprintf("dots%s_%dx%d", s.name, rows, cols)
	TEXT(name, NOSPLIT, "func(p *uint64)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s multiplies panels of %d rows by %d rows: see dotTile.", name, rows, cols))
	p := Load(Param("p"), GP64())
	field := func(i int) Mem { return Mem{Base: p, Disp: 8 * i} }
	load := func(i int) GPVirtual { r := GP64(); MOVQ(field(i), r); return r }
	abase, ars, brs, c := load(layout.DotA), load(layout.DotARS), load(layout.DotBRS), load(layout.DotC)
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

	var mask Register
	if s.lanes == 8 {
		bits := GP32()
		MOVL(U32(1<<cols-1), bits)
		mask = K()
		KMOVW(bits, mask)
	}

	Label("panel")
	a, bp, b4, steps := GP64(), load(layout.DotB), GP64(), load(layout.DotStrips)
	MOVQ(abase, a)
	if cols > 4 {
		LEAQ(Mem{Base: bp, Index: brs, Scale: 4}, b4)
	}
	for i := range acc {
		for _, sum := range acc[i] {
			s.zero(sum)
		}
	}
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
	for _, sums := range acc {
		s.addTo(Mem{Base: c}, s.fold(sums), cols, mask)
		ADDQ(field(layout.DotCRS), c)
	}
	ADDQ(field(layout.DotAPS), abase)
	DECQ(field(layout.DotPanels))
	JNE(LabelRef("panel"))
	VZEROUPPER()
	RET()
}

// fold returns the sums of the lanes of each of up to eight vectors, which are lost, one
// after the other.
func (s isa) fold(x []VecVirtual) []VecVirtual {
	x = append([]VecVirtual{}, x...)
	halves := func(low, high func(b, a, to VecVirtual)) {
		for i := 0; i < len(x); i += 2 {
			a, b := x[i], x[min(i+1, len(x)-1)]
			t, u := s.vec(), s.vec()
			low(b, a, t)
			high(b, a, u)
			VADDPD(u, t, t)
			x[i/2] = t
		}
		x = x[:(len(x)+1)/2]
	}
	halves(func(b, a, to VecVirtual) { VUNPCKLPD(b, a, to) }, func(b, a, to VecVirtual) { VUNPCKHPD(b, a, to) })
	if s.lanes == 4 {
		halves(func(b, a, to VecVirtual) { VPERM2F128(U8(0x20), b, a, to) }, func(b, a, to VecVirtual) { VPERM2F128(U8(0x31), b, a, to) })
		return x
	}
	for range 2 {
		halves(func(b, a, to VecVirtual) { VSHUFF64X2(U8(0x88), b, a, to) }, func(b, a, to VecVirtual) { VSHUFF64X2(U8(0xdd), b, a, to) })
	}
	return x
}

// addTo adds the first n numbers of x to those at m. mask says which they are, for AVX-512.
func (s isa) addTo(m Mem, x []VecVirtual, n int, mask Register) {
	if s.lanes == 8 {
		VADDPD_Z(m, x[0], mask, x[0])
		VMOVUPD(x[0], mask, m)
		return
	}
	for j, sum := range x {
		m, low := s.at(m, j), sum.AsX()
		switch n - 4*j {
		default:
			VADDPD(m, sum, sum)
			VMOVUPD(sum, m)
			continue
		case 1:
			VADDSD(m, low, low)
			VMOVSD(low, m)
			continue
		case 3:
			high := XMM()
			VEXTRACTF128(U8(1), sum, high)
			VADDSD(m.Offset(16), high, high)
			VMOVSD(high, m.Offset(16))
		case 2:
		}
		VADDPD(m, low, low)
		VMOVUPD(low, m)
	}
}
