package main

import (
	"fmt"

	"github.com/audiosep/audiosep/internal/kernel/gen/layout"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// dots writes the micro-kernels of A·Bᵀ as dot products of rows, contiguous in memory, for
// every number of rows of A and of B that the registers hold.
func dots() {
	for _, s := range everywhere() {
		for _, rows := range []int{s.rows() / 2, 1} {
			for cols := layout.DotColumns; cols >= 1; cols-- {
				s.dots(rows, cols)
			}
		}
	}
}

// A dotKernel is a kernel of dots while it is written: the argument's fields and the
// registers that hold the sums, a vector for each pair of rows, with one lane for every
// eighth or fourth number, to be folded at the end.
type dotKernel struct {
	isa
	p                  Register // *dotTile
	abase, ars, brs, c GPVirtual
	ars3, brs3         GPVirtual // three times ars and brs
	acc                [][]VecVirtual
	as                 []VecVirtual
	b                  VecVirtual
	mask               Register // the first numbers, as many as there are rows of B; AVX-512 only
}

func (s isa) newDotKernel(rows, cols int) *dotKernel {
	d := &dotKernel{isa: s, p: Load(Param("p"), GP64())}
	d.abase, d.ars, d.brs, d.c = d.load(layout.DotA), d.load(layout.DotARS), d.load(layout.DotBRS), d.load(layout.DotC)
	triple := func(x GPVirtual) GPVirtual {
		r := GP64()
		LEAQ(Mem{Base: x, Index: x, Scale: 2}, r)
		return r
	}
	d.ars3, d.brs3 = triple(d.ars), triple(d.brs)
	d.acc = make([][]VecVirtual, rows)
	for i := range d.acc {
		d.acc[i] = s.vecs(cols)
	}
	d.as, d.b = s.vecs(rows), s.vec()
	if s.wide() {
		bits := GP32()
		MOVL(U32(1<<cols-1), bits)
		d.mask = K()
		KMOVW(bits, d.mask)
	}
	return d
}

func (d *dotKernel) field(i int) Mem { return Mem{Base: d.p, Disp: 8 * i} }

func (d *dotKernel) load(i int) GPVirtual {
	r := GP64()
	MOVQ(d.field(i), r)
	return r
}

// dots writes the kernel for so many rows of A and of B.
func (s isa) dots(rows, cols int) {
	name := fmt.Sprintf("dots%s_%dx%d", s.name, rows, cols)
	TEXT(name, NOSPLIT, "func(p *uint64)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s multiplies panels of %d rows by %d rows: see dotTile.", name, rows, cols))
	restore := s.flush()
	d := s.newDotKernel(rows, cols)

	Label("panel")
	a, b, b4, steps := GP64(), d.load(layout.DotB), GP64(), d.load(layout.DotStrips)
	MOVQ(d.abase, a)
	if cols > 4 {
		LEAQ(Mem{Base: b, Index: d.brs, Scale: 4}, b4)
	}
	for i := range d.acc {
		for _, sum := range d.acc[i] {
			s.zero(sum)
		}
	}
	Label("sum")
	for v := range 3 {
		d.multiply(a, b, b4, v)
	}
	ADDQ(d.field(layout.DotAS), a)
	ADDQ(d.field(layout.DotBS), b)
	if cols > 4 {
		ADDQ(d.field(layout.DotBS), b4)
	}
	DECQ(steps)
	JNE(LabelRef("sum"))
	for _, sums := range d.acc {
		s.addTo(Mem{Base: d.c}, s.fold(sums), cols, d.mask)
		ADDQ(d.field(layout.DotCRS), d.c)
	}
	ADDQ(d.field(layout.DotAPS), d.abase)
	DECQ(d.field(layout.DotPanels))
	JNE(LabelRef("panel"))
	restore()
	VZEROUPPER()
	RET()
}

// multiply adds the products of the v-th vectors of a strip to the sums: those of the rows of
// A from address a on and of B from b on, the fifth row of B being at b4.
func (d *dotKernel) multiply(a, b, b4 GPVirtual, v int) {
	row := func(base, stride, stride3 Register, i int) Mem {
		return []Mem{{Base: base}, {Base: base, Index: stride, Scale: 1}, {Base: base, Index: stride, Scale: 2}, {Base: base, Index: stride3, Scale: 1}}[i%4]
	}
	for i := range d.as {
		VMOVUPD(d.at(row(a, d.ars, d.ars3, i), v), d.as[i])
	}
	for j := range d.acc[0] {
		base := b
		if j >= 4 {
			base = b4
		}
		VMOVUPD(d.at(row(base, d.brs, d.brs3, j), v), d.b)
		for i := range d.as {
			d.VFMADD231(d.b, d.as[i], d.acc[i][j])
		}
	}
}

// fold returns the sums of the lanes of each of up to eight vectors, one after the other, in
// float64. The vectors are overwritten.
func (s isa) fold(x []VecVirtual) []VecVirtual {
	x = append([]VecVirtual{}, x...)
	halves := func(low, high func(b, a, to VecVirtual)) {
		for i := 0; i < len(x); i += 2 {
			a, b := x[i], x[min(i+1, len(x)-1)]
			t, u := s.vec(), s.vec()
			low(b, a, t)
			high(b, a, u)
			s.VADD(u, t, t)
			x[i/2] = t
		}
		x = x[:(len(x)+1)/2]
	}
	if s.size == 4 {
		halves(func(b, a, to VecVirtual) { VUNPCKLPS(b, a, to) }, func(b, a, to VecVirtual) { VUNPCKHPS(b, a, to) })
	}
	halves(func(b, a, to VecVirtual) { VUNPCKLPD(b, a, to) }, func(b, a, to VecVirtual) { VUNPCKHPD(b, a, to) })
	if !s.wide() {
		halves(func(b, a, to VecVirtual) { VPERM2F128(U8(0x20), b, a, to) }, func(b, a, to VecVirtual) { VPERM2F128(U8(0x31), b, a, to) })
		return s.widened(x)
	}
	for range 2 {
		halves(func(b, a, to VecVirtual) { VSHUFF64X2(U8(0x88), b, a, to) }, func(b, a, to VecVirtual) { VSHUFF64X2(U8(0xdd), b, a, to) })
	}
	return s.widened(x)
}

// widened returns the first eight numbers of x in float64.
func (s isa) widened(x []VecVirtual) []VecVirtual {
	if s.size == 8 {
		return x
	}
	if s.wide() {
		VCVTPS2PD(x[0].AsY(), x[0])
		return x
	}
	low, high, half := s.vec(), s.vec(), XMM()
	VEXTRACTF128(U8(1), x[0], half)
	VCVTPS2PD(x[0].AsX(), low)
	VCVTPS2PD(half, high)
	return []VecVirtual{low, high}
}

// addTo adds the first n numbers of x to those at m; for AVX-512 mask has their bits set.
func (s isa) addTo(m Mem, x []VecVirtual, n int, mask Register) {
	if s.wide() {
		VADDPD_Z(m, x[0], mask, x[0])
		VMOVUPD(x[0], mask, m)
		return
	}
	for j, sum := range x[:(n+3)/4] {
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
