package main

import "github.com/audiosep/audiosep/internal/kernel/gen/layout"

// medianVectors is how many vectors of four columns are worked on beside each other.
const medianVectors = 4

// A median is the kernel that finds the middle of each of some columns while it is written. Bits of
// the middle number are found from the highest on: acc is those so far, and count how many numbers
// are below it, at most k.
type median struct {
	*function
	rows, keys      *reg
	bit, differ     *reg // of general registers: the bit, and those in which numbers of a column differ
	k, sign         *reg
	and, acc, count []*reg
}

func (f *file) medians() {
	m := median{function: f.function("mediansNEON", "finds the number in the middle of each column, and the one before it: see medianTile.", "(p *uint64)", "p")}
	arg := m.param(0)
	m.rows, m.keys = m.loadInt(mem{base: arg, disp: 8 * layout.MedianRows}), m.loadInt(mem{base: arg, disp: 8 * layout.MedianKeys})
	m.k, m.sign = m.everywhere(m.loadInt(mem{base: arg, disp: 8 * layout.MedianK})), m.everywhere(m.number(1<<31))
	m.bit = m.number(1 << 30)
	m.take(arg)
	m.acc, m.count = m.zeros(), m.zeros()
	m.label("bit")
	m.pass("next", "end")
	m.label("next")
	m.halve(m.bit)
	m.unlessZero(m.bit, "bit")
	m.label("end")
	m.end(arg)
	m.ret()
}

// number returns a general register with n, everywhere a vector with r in each place.
func (m *median) number(n int) *reg {
	r := m.gp()
	m.emit(set(r), nil, "MOVD $%d, %v", n, r)
	return r
}

func (m *median) everywhere(r *reg) *reg {
	v := m.vec()
	m.emit(set(v), set(r), "VDUP %v, %v.S4", r, v)
	return v
}

func (m *median) zeros() []*reg {
	v := m.vecs(medianVectors)
	for _, x := range v {
		m.clear(x)
	}
	return v
}

// update sets d to what the instruction makes of it and n.
func (m *median) update(op, arrangement string, d, n *reg) {
	m.emit(set(d), set(d, n), "%s %v.%s, %v.%s, %v.%s", op, n, arrangement, d, arrangement, d, arrangement)
}

// below returns all bits where x is below y; either is below 2³¹.
func (m *median) below(x, y *reg) *reg {
	return m.bits("VCMTST", "S4", m.bits("VSUB", "S4", x, y), m.sign)
}

// take copies the rows to keys and finds the bits in which they differ.
func (m *median) take(arg *reg) {
	load := func(i int) *reg { return m.loadInt(mem{base: arg, disp: 8 * i}) }
	at, x, stride := load(layout.MedianAt), load(layout.MedianX), load(layout.MedianXS)
	to, n, or := m.copyInt(m.keys), m.copyInt(m.rows), m.zeros()
	m.and = m.vecs(medianVectors)
	for _, v := range m.and {
		m.emit(set(v), nil, "VMOVI $255, %v.B16", v)
	}
	m.label("row")
	row := m.gp()
	m.emit(set(row), set(at), "MOVW %v, %v", mem{base: at}, row)
	m.addNumber(at, 4)
	m.multiply(row, stride)
	m.add(row, x)
	for j := 0; j < medianVectors; j += 2 {
		pair := m.loadPair(mem{base: row, disp: 16 * j})
		m.storePair(pair, mem{base: to, disp: 16 * j})
		for i, v := range pair {
			m.update("VORR", "B16", or[j+i], v)
			m.update("VAND", "B16", m.and[j+i], v)
		}
	}
	m.addNumber(to, 16*medianVectors)
	m.countDown(n, "row")
	for j, v := range m.and {
		m.update("VEOR", "B16", or[j], v)
		if j > 0 {
			m.update("VORR", "B16", or[0], or[j])
		}
	}
	m.differ = m.fold("ORR", or[0])
	m.emit(set(m.differ), set(m.differ), "ORR %v>>32, %v, %v", m.differ, m.differ, m.differ)
}

// fold returns what an instruction makes of the two halves of v.
func (m *median) fold(op string, v *reg) *reg {
	low, high := m.gp(), m.gp()
	m.emit(set(low), set(v), "VMOV %v.D[0], %v", v, low)
	m.emit(set(high), set(v), "VMOV %v.D[1], %v", v, high)
	m.emit(set(low), set(low, high), "%s %v, %v, %v", op, high, low, low)
	return low
}

// pass adds the bit to acc where at most k numbers are below that, and jumps to end when they are k
// in every column: the middle is the least of the others then. Where all numbers of a column have one
// value in that bit, in every column, it is the middle's, and they need not be counted.
func (m *median) pass(next, end string) {
	bit, differs := m.everywhere(m.bit), m.gp()
	m.emit(set(differs), set(m.bit, m.differ), "AND %v, %v, %v", m.bit, m.differ, differs)
	m.unlessZero(differs, "pass")
	for j, v := range m.and {
		m.update("VORR", "B16", m.acc[j], m.bits("VAND", "B16", v, bit))
	}
	m.branch("B", next)
	m.label("pass")
	var limit []*reg
	for _, v := range m.acc {
		limit = append(limit, m.bits("VORR", "B16", v, bit))
	}
	sums := m.zeros()
	m.each("sum", func(j int, x *reg) {
		less := m.bits("VSUB", "S4", x, limit[j])
		m.emit(set(sums[j]), set(sums[j], less), "VUSRA $31, %v.S4, %v.S4", less, sums[j])
	})
	var done *reg
	for j, sum := range sums {
		no := m.below(m.k, sum)
		m.emit(set(m.acc[j]), set(m.acc[j], no, limit[j]), "VBIF %v.B16, %v.B16, %v.B16", no, limit[j], m.acc[j])
		m.emit(set(m.count[j]), set(m.count[j], no, sum), "VBIF %v.B16, %v.B16, %v.B16", no, sum, m.count[j])
		same := m.bits("VCMEQ", "S4", m.k, m.count[j])
		if j == 0 {
			done = same
		} else {
			m.update("VAND", "B16", done, same)
		}
	}
	all := m.fold("AND", done)
	m.emit(set(all), set(all), "ADDS $1, %v, %v", all, all)
	m.branch("BEQ", end)
}

// each goes through the rows; body is called for each vector of one.
func (m *median) each(label string, body func(j int, x *reg)) {
	at, n := m.copyInt(m.keys), m.copyInt(m.rows)
	m.label(label)
	for j := 0; j < medianVectors; j += 2 {
		for i, x := range m.loadPair(mem{base: at, disp: 16 * j}) {
			body(j+i, x)
		}
	}
	m.addNumber(at, 16*medianVectors)
	m.countDown(n, label)
}

// end writes the least number that is not below acc, and the greatest that is; where fewer than k are
// below it, there is another of the first.
func (m *median) end(arg *reg) {
	high, low := m.vecs(medianVectors), m.zeros()
	for _, v := range high {
		m.emit(set(v), nil, "VMOVI $255, %v.B16", v)
	}
	m.each("last", func(j int, x *reg) {
		below := m.below(x, m.acc[j])
		m.update("VUMAX", "S4", low[j], m.bits("VAND", "B16", x, below))
		m.update("VUMIN", "S4", high[j], m.bits("VORR", "B16", x, below))
	})
	for j := range low {
		m.insert(low[j], high[j], m.below(m.count[j], m.k))
	}
	for j := 0; j < medianVectors; j += 2 {
		m.storePair([2]*reg{high[j], high[j+1]}, mem{base: arg, disp: 8*layout.MedianHigh + 16*j})
		m.storePair([2]*reg{low[j], low[j+1]}, mem{base: arg, disp: 8*layout.MedianLow + 16*j})
	}
}
