package main

import (
	"github.com/audiosep/audiosep/internal/kernel/gen/layout"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// medians writes the kernels that find the middle of each of some columns.
func medians() {
	for _, s := range singles() {
		m := median{isa: s}
		m.write()
	}
}

// medianTogether is how many rows are counted at once, each in a sum of its own: a sum waits for the
// one before.
const medianTogether = 4

// A median is such a kernel while it is written. Bits of the middle number are found from the highest
// on: acc is those so far, count how many numbers are below it, at most k.
type median struct {
	isa
	keys, size, i           GPVirtual // the numbers, how many bytes they are, and a place there
	k, acc, count, and, bit VecVirtual
	differ                  VecVirtual // the bits in which numbers of a column differ
	sums                    []VecVirtual
	one                     VecVirtual
}

func (m *median) write() {
	name := "medians" + m.name
	TEXT(name, NOSPLIT, "func(p *uint64)")
	Pragma("noescape")
	Doc(name + " finds the number in the middle of each column, and the one before it: see medianTile.")
	arg := Load(Param("p"), GP64())
	m.begin(arg)
	m.take(arg)
	Label("bit")
	m.skip("pass")
	JMP(LabelRef("next"))
	Label("pass")
	m.pass("end")
	Label("next")
	VPSRLD(Imm(1), m.bit, m.bit)
	m.jumpIfAny(m.bit, m.bit, "bit")
	Label("end")
	m.end(arg)
	VZEROUPPER()
	RET()
}

// begin sets the registers, k from the tile.
func (m *median) begin(arg Register) {
	m.keys, m.size, m.i = GP64(), GP64(), GP64()
	m.k, m.acc, m.count, m.and, m.bit, m.differ, m.one = m.vec(), m.vec(), m.vec(), m.vec(), m.vec(), m.vec(), m.vec()
	m.sums = m.vecs(medianTogether)
	MOVQ(Mem{Base: arg, Disp: 8 * layout.MedianKeys}, m.keys)
	VPBROADCASTD(Mem{Base: arg, Disp: 8 * layout.MedianK}, m.k)
	m.zero(m.acc)
	m.zero(m.count)
	m.ones(m.and)
	VPSRLD(Imm(31), m.and, m.one)
	VPSLLD(Imm(30), m.one, m.bit)
}

// ones sets all bits of v.
func (m *median) ones(v VecVirtual) {
	if m.wide() {
		VPTERNLOGD(U8(255), v, v, v)
	} else {
		VPCMPEQD(v, v, v)
	}
}

func (m *median) logic(narrow func(...Op), wide func(...Op), x ...Op) {
	if m.wide() {
		wide(x...)
	} else {
		narrow(x...)
	}
}

// take copies the rows to keys, whole runs of medianTogether, the last filled up with numbers that are
// above every other, and finds the bits in which they differ.
func (m *median) take(arg Register) {
	load := func(i int) GPVirtual { r := GP64(); MOVQ(Mem{Base: arg, Disp: 8 * i}, r); return r }
	rows, at, x, stride := load(layout.MedianRows), load(layout.MedianAt), load(layout.MedianX), load(layout.MedianXS)
	or, v, row := m.vec(), m.vec(), GP64()
	m.zero(or)
	MOVQ(m.keys, m.i)
	Label("row")
	MOVLQSX(Mem{Base: at}, row)
	IMULQ(stride, row)
	VMOVUPS(Mem{Base: x, Index: row, Scale: 1}, v)
	PREFETCHT0(Mem{Base: x, Index: row, Scale: 1, Disp: 2 * m.bytes()})
	VMOVUPS(v, Mem{Base: m.i})
	m.logic(three(VPOR), VPORD, v, or, or)
	m.logic(three(VPAND), VPANDD, v, m.and, m.and)
	ADDQ(Imm(4), at)
	ADDQ(Imm(uint64(m.bytes())), m.i)
	DECQ(rows)
	JNE(LabelRef("row"))
	m.logic(three(VPXOR), VPXORD, or, m.and, m.differ)
	m.ones(v)
	VPSRLD(Imm(1), v, v)
	for i := range medianTogether - 1 {
		VMOVUPS(v, Mem{Base: m.i, Disp: i * m.bytes()})
	}
	MOVQ(m.i, m.size)
	SUBQ(m.keys, m.size)
}

// three is an instruction of three operands as one of any number.
func three(op func(a, b, c Op)) func(...Op) { return func(x ...Op) { op(x[0], x[1], x[2]) } }

// skip adds the bit to acc where it is that of all numbers, unless they differ in any column.
func (m *median) skip(pass string) {
	m.jumpIfAny(m.bit, m.differ, pass)
	v := m.vec()
	m.logic(three(VPAND), VPANDD, m.bit, m.and, v)
	m.logic(three(VPOR), VPORD, v, m.acc, m.acc)
}

// jumpIfAny jumps to the label if any bit is set in both.
func (m *median) jumpIfAny(x, y VecVirtual, label string) {
	if m.wide() {
		k := K()
		VPTESTMD(x, y, k)
		KORTESTW(k, k)
	} else {
		VPTEST(x, y)
	}
	JNE(LabelRef(label))
}

// pass counts the numbers below acc and the bit, adds the bit where they are at most k, and jumps to
// the label when they are k in every column: the middle is the least of the others then.
func (m *median) pass(end string) {
	limit := m.vec()
	m.logic(three(VPOR), VPORD, m.bit, m.acc, limit)
	for _, v := range m.sums {
		m.zero(v)
	}
	XORQ(m.i, m.i)
	Label("count")
	for j, sum := range m.sums {
		x := Mem{Base: m.keys, Index: m.i, Scale: 1, Disp: j * m.bytes()}
		if m.wide() {
			k := K()
			VPCMPUD(U8(above), x, limit, k)
			VPADDD(m.one, sum, k, sum)
		} else {
			v := m.vec()
			VPCMPGTD(x, limit, v)
			VPSUBD(v, sum, sum)
		}
	}
	ADDQ(U32(medianTogether*m.bytes()), m.i)
	CMPQ(m.i, m.size)
	JLT(LabelRef("count"))
	VPADDD(m.sums[1], m.sums[0], m.sums[0])
	VPADDD(m.sums[3], m.sums[2], m.sums[2])
	VPADDD(m.sums[2], m.sums[0], m.sums[0])
	m.accept(m.sums[0], limit, end)
}

const above = 6 // of VPCMPUD, the third operand above the second

func (m *median) accept(sum, limit VecVirtual, end string) {
	if m.wide() {
		no, yes, done := K(), K(), K()
		VPCMPUD(U8(above), m.k, sum, no)
		KNOTW(no, yes)
		VMOVDQA32(limit, yes, m.acc)
		VMOVDQA32(sum, yes, m.count)
		VPCMPEQD(m.k, m.count, done)
		KORTESTW(done, done)
		JCS(LabelRef(end))
		return
	}
	no, mask := m.vec(), GP32()
	VPCMPGTD(m.k, sum, no)
	VPBLENDVB(no, m.acc, limit, m.acc)
	VPBLENDVB(no, m.count, sum, m.count)
	VPCMPEQD(m.k, m.count, no)
	VPMOVMSKB(no, mask)
	CMPL(mask, I32(-1))
	JEQ(LabelRef(end))
}

// end writes the least number that is not below acc, and the greatest that is; where fewer than k are
// below it, there is another of the first.
func (m *median) end(arg Register) {
	high, low, x, below := m.vec(), m.vec(), m.vec(), m.vec()
	m.ones(high)
	m.zero(low)
	XORQ(m.i, m.i)
	Label("last")
	VMOVUPS(Mem{Base: m.keys, Index: m.i, Scale: 1}, x)
	if m.wide() {
		no, yes := K(), K()
		VPCMPUD(U8(above), x, m.acc, yes)
		KNOTW(yes, no)
		VPMAXUD(x, low, yes, low)
		VPMINUD(x, high, no, high)
	} else {
		VPCMPGTD(x, m.acc, below)
		VPOR(below, x, x)
		VPMINUD(x, high, high)
		VPAND(Mem{Base: m.keys, Index: m.i, Scale: 1}, below, x)
		VPMAXUD(x, low, low)
	}
	ADDQ(Imm(uint64(m.bytes())), m.i)
	CMPQ(m.i, m.size)
	JLT(LabelRef("last"))
	VMOVUPS(high, Mem{Base: arg, Disp: 8 * layout.MedianHigh})
	if m.wide() {
		k := K()
		VPCMPUD(U8(above), m.count, m.k, k)
		VMOVDQA32(high, k, low)
	} else {
		VPCMPGTD(m.count, m.k, below)
		VPBLENDVB(below, high, low, low)
	}
	VMOVUPS(low, Mem{Base: arg, Disp: 8 * layout.MedianLow})
}
