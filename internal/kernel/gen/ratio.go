package main

import (
	"fmt"
	"math"

	"github.com/audiosep/audiosep/internal/kernel/gen/layout"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// panelsAhead is how many panels ahead of the sums V is prefetched.
const panelsAhead = 2

// ratios writes the kernels of multiplicative updates: X = AB + eps stays in registers and is
// replaced there by the quotients P and Q.
func ratios() {
	for _, s := range []isa{avx2, avx512} {
		for _, beta := range []int{0, 1, layout.AnyBeta} {
			for _, objective := range []bool{false, true} {
				rows := s.lanes
				if beta == layout.AnyBeta { // the powers need registers as well
					rows = s.lanes / 2
				}
				for _, rows := range []int{rows, 1} {
					s.ratio(beta, objective, rows, 3)
				}
			}
		}
	}
}

func (s isa) ratio(beta int, objective bool, rows, vecs int) {
	name := fmt.Sprintf("ratio%s_%s", s.name, []string{"beta0", "beta1", "beta"}[beta])
	if objective {
		name += "_objective"
	}
	name = fmt.Sprintf("%s_%dx%d", name, rows, vecs*s.lanes)
	TEXT(name, NOSPLIT, "func(p *uint64)")
	Pragma("noescape")
	Doc(name + " replaces a product by the quotients of a multiplicative update: see ratioTile.")
	soon := func(g *product, p, stride GPVirtual) { // the panel after this one's
		MOVQ(g.field(layout.RatioLdv), stride)
		IMUL3Q(Imm(uint64(panelsAhead*rows)), stride, p)
		ADDQ(g.field(layout.RatioV), p)
		ADDQ(g.field(layout.RatioAt), p)
	}
	s.panels(rows, vecs, soon, func(g *product) { s.ratioOfSums(g, beta, objective) })
}

// ratioOfSums writes the finish of ratio: P, Q and the objective from a panel's sums AB and V.
func (s isa) ratioOfSums(g *product, beta int, objective bool) {
	one := s.constant(1)
	q, y := g.b[0], g.a // the operands of the sums are no longer needed
	qp, vp, ldv := GP64(), GP64(), GP64()
	MOVQ(g.field(layout.RatioQ), qp)
	ADDQ(g.c, qp)
	readsV(g, vp, ldv)
	o := s.objectiveState(g, objective, beta)
	for i := range g.acc {
		for j, x := range g.acc[i] {
			eps := s.at(g.field(layout.RatioEps), j)
			VADDPD(eps, x, x)
			VMOVUPD(s.at(Mem{Base: vp}, j), y)
			VADDPD(s.at(g.field(layout.RatioAdd), j), y, y)
			if beta == layout.AnyBeta {
				s.powers(g, objective, j, x, y, Mem{Base: g.c}, Mem{Base: qp})
				continue
			}
			if beta == 0 {
				VMOVUPD(one, q)
				VDIVPD(x, q, q)
				VMULPD(q, y, y) // r = y/x
				VMOVUPD(q, s.at(Mem{Base: qp}, j))
				VMULPD(q, y, q) // p = y/x²
				VMOVUPD(q, s.at(Mem{Base: g.c}, j))
			} else {
				VDIVPD(x, y, q)
				VMOVUPD(q, s.at(Mem{Base: g.c}, j))
			}
			o.at(j)
			switch {
			case objective && beta == 0:
				o.addRatio(y)
			case objective:
				VSUBPD(y, x, x)
				o.update(layout.RatioSum, VADDPD, x)
			}
		}
		ADDQ(g.ldc, g.c)
		ADDQ(g.ldc, qp)
		ADDQ(ldv, vp)
	}
	SUBQ(g.field(layout.RatioV), vp)
	MOVQ(vp, g.field(layout.RatioAt))
	if objective {
		o.end(beta)
	}
}

// logs writes the kernels that complete the objective for β = 1: with the quotients y/x in P
// they add Σ y·log(y/x) to the sums of x - y. They are a pass of their own, over numbers still
// in the first cache, so that the registers hold all constants of the logarithm.
func logs() {
	for _, s := range []isa{avx2, avx512} {
		s.logs(3)
	}
}

func (s isa) logs(vecs int) {
	name := "logs" + s.name
	TEXT(name, NOSPLIT, "func(p *uint64)")
	Pragma("noescape")
	Doc(name + " adds y·log P to the objective, for `panels` rows: see ratioTile.")
	p := Load(Param("p"), GP64())
	field := func(i int) Mem { return Mem{Base: p, Disp: 8 * i} }
	load := func(i int) GPVirtual { r := GP64(); MOVQ(field(i), r); return r }
	rows, c, ldc, v, ldv := load(layout.TilePanels), load(layout.TileC), load(layout.TileLdc), load(layout.RatioV), load(layout.RatioLdv)
	ADDQ(field(layout.RatioAt), v)
	sums := s.vecs(vecs)
	for j, sum := range sums {
		VMOVUPD(s.at(field(layout.RatioSum), j), sum)
	}
	var rough *roughLog
	if s.lanes == 8 {
		rough = s.roughLog()
	}
	Label("row")
	for j, sum := range sums {
		q, y := s.vec(), s.vec()
		VMOVUPD(s.at(Mem{Base: c}, j), q)
		VMAXPD(s.constant(math.Float64frombits(1<<52)), q, q) // y = 0 gives 0
		VMOVUPD(s.at(Mem{Base: v}, j), y)
		VADDPD(s.at(field(layout.RatioAdd), j), y, y)
		if rough != nil {
			VFMADD231PD(rough.of(q), y, sum)
			continue
		}
		s.log(q, func(hi, lo VecVirtual) {
			VADDPD(hi, lo, lo)
			VFMADD231PD(lo, y, sum)
		})
	}
	ADDQ(ldc, c)
	ADDQ(ldv, v)
	DECQ(rows)
	JNE(LabelRef("row"))
	for j, sum := range sums {
		VMOVUPD(sum, s.at(field(layout.RatioSum), j))
	}
	VZEROUPPER()
	RET()
}

// readsV sets p and stride to the panel's rows of V.
func readsV(g *product, p, stride GPVirtual) {
	MOVQ(g.field(layout.RatioV), p)
	ADDQ(g.field(layout.RatioAt), p)
	MOVQ(g.field(layout.RatioLdv), stride)
}

// An objectiveState is the running sums of the objective: in registers where there are enough,
// else in memory, a sum for each vector of a strip, so that additions need not wait for each
// other.
type objectiveState struct {
	s       isa
	g       *product
	sums    map[int]VecVirtual // by place; empty: in memory
	current int
}

func (s isa) objectiveState(g *product, objective bool, beta int) *objectiveState {
	o := &objectiveState{s: s, g: g, sums: map[int]VecVirtual{}}
	if objective && s.regs == 32 && beta != layout.AnyBeta {
		for _, place := range [][]int{{layout.RatioSum, layout.RatioMant, layout.RatioExp}, {layout.RatioSum}}[beta] {
			o.sums[place] = s.vec()
			VMOVUPD(o.mem(place), o.sums[place])
		}
	}
	return o
}

func (o *objectiveState) at(vec int) {
	if len(o.sums) == 0 {
		o.current = vec
	}
}

func (o *objectiveState) mem(place int) Mem {
	return Mem{Base: o.g.p, Disp: 8 * (place + o.current*o.s.lanes)}
}

// update combines x with the sum at place and overwrites x.
func (o *objectiveState) update(place int, op func(...Op), x VecVirtual) {
	if sum, ok := o.sums[place]; ok {
		op(sum, x, sum)
		return
	}
	op(o.mem(place), x, x)
	VMOVUPD(x, o.mem(place))
}

// end stores the sums. It moves the exponents of the products of mantissas to the sums of
// exponents, so that the products cannot overflow.
func (o *objectiveState) end(beta int) {
	for place, sum := range o.sums {
		if place == layout.RatioSum {
			VMOVUPD(sum, o.mem(place))
		}
	}
	if beta != 0 {
		return
	}
	mant, ok := o.sums[layout.RatioMant]
	if ok {
		o.renormalise(mant, o.sums[layout.RatioExp])
		return
	}
	for j := range o.g.b {
		o.at(j)
		m, e := o.s.vec(), o.s.vec()
		VMOVUPD(o.mem(layout.RatioMant), m)
		VMOVUPD(o.mem(layout.RatioExp), e)
		o.renormalise(m, e)
	}
}

func (o *objectiveState) renormalise(mant, exp VecVirtual) {
	m, e := o.s.vec(), o.s.vec()
	o.s.mantissa(mant, m, e)
	VADDPD(e, exp, exp)
	VMOVUPD(m, o.mem(layout.RatioMant))
	VMOVUPD(exp, o.mem(layout.RatioExp))
}

// addRatio adds r - 1 to the sum and multiplies r's mantissa into the product whose
// logarithm is taken once, at the end.
func (o *objectiveState) addRatio(r VecVirtual) {
	s := o.s
	t, u := s.vec(), s.vec()
	s.mantissa(r, t, u)
	if s.lanes == 4 { // VGETEXPPD gives -Inf for 0, the integer code does not
		zero := s.vec()
		VCMPPD(U8(0x11), s.constant(math.Float64frombits(1<<52)), r, zero)
		VBLENDVPD(zero, s.constant(math.Inf(-1)), u, u)
	}
	o.update(layout.RatioMant, VMULPD, t)
	o.update(layout.RatioExp, VADDPD, u)
	VSUBPD(s.constant(1), r, r)
	o.update(layout.RatioSum, VADDPD, r)
}

// mantissa splits x, positive and normal, into m in [1, 2) and e with x = m·2^e.
func (s isa) mantissa(x, m, e VecVirtual) {
	if s.lanes == 8 {
		VGETMANTPD(U8(0), x, m)
		VGETEXPPD(x, e)
		return
	}
	VPSRLQ(U8(52), x, e)
	VPOR(s.constantBits(0x4330000000000000), e, e)
	VSUBPD(s.constant(1<<52+1023), e, e)
	VMOVUPD(x, m)
	VPAND(s.constantBits(1<<52-1), m, m)
	VPOR(s.constantBits(0x3FF0000000000000), m, m)
}

// powers leaves y·x^(β-2) and x^(β-1) at p and q, and adds to the objective, with
// r = y/x = 1+e, x^β(r^β + β-1 - βr)/(β(β-1)), and near r = 1, where that would cancel,
// the first terms of its series in e.
func (s isa) powers(g *product, objective bool, j int, x, y VecVirtual, p, q Mem) {
	field := func(place int) VecVirtual { v := s.vec(); VBROADCASTSD(g.field(place), v); return v }
	t := s.vec()
	VMOVUPD(x, t)
	power := s.power(t, field(layout.RatioBeta2))
	VMULPD(power, y, t)
	VMOVUPD(t, s.at(p, j))
	VMULPD(power, x, power)
	VMOVUPD(power, s.at(q, j))
	if !objective {
		return
	}
	// power is kept in memory: there are few registers.
	sum := Mem{Base: g.p, Disp: 8 * (layout.RatioSum + j*s.lanes)}
	scratch := Mem{Base: g.p, Disp: 8 * layout.RatioMant}
	VMULPD(power, x, power) // x^β
	VMOVUPD(power, scratch)
	e, r := x, y // r is y/x, not 1+e, which would round an r near 0 away
	VMOVUPD(s.constant(1), t)
	VDIVPD(x, t, t)
	VSUBPD(x, y, e)
	VMULPD(t, e, e)
	VMULPD(t, y, r)
	VMOVUPD(s.constant(math.Float64frombits(1<<52)), t)
	VMAXPD(r, t, t)
	d := s.power(t, field(layout.RatioBeta))
	zero := s.vec()
	s.zero(zero)
	s.blend(0, zero, r, field(layout.RatioZero), d)
	VADDPD(field(layout.RatioBeta1), d, d)
	VFNMADD231PD(field(layout.RatioBeta), r, d)
	VMULPD(field(layout.RatioInverse), d, d)
	near := field(layout.RatioSeries + 2)
	for i := 1; i >= 0; i-- {
		VFMADD213PD(field(layout.RatioSeries+i), e, near)
	}
	VFMADD213PD(s.constant(0.5), e, near)
	VMULPD(e, near, near)
	VMULPD(e, near, near)
	VANDPD(s.constantBits(1<<63-1), e, e)
	VMOVUPD(s.constant(0x1p-8), r)
	s.blend(1, r, e, near, d)
	VMULPD(scratch, d, d)
	VADDPD(sum, d, d)
	VMOVUPD(d, sum)
}

// blend sets dst to y where a = b (compare is 0) or a < b (compare is 1). With AVX2 b is
// overwritten.
func (s isa) blend(compare uint8, b, a, y, dst VecVirtual) {
	if s.lanes == 8 {
		k := K()
		VCMPPD(U8(compare), b, a, k)
		VMOVAPD(y, k, dst)
		return
	}
	VCMPPD(U8(compare), b, a, b)
	VBLENDVPD(b, y, dst, dst)
}

// power returns x^a for positive, normal x, which is overwritten.
func (s isa) power(x, a VecVirtual) VecVirtual {
	y := s.vec()
	s.log(x, func(hi, lo VecVirtual) {
		VADDPD(hi, lo, y)
	})
	VMULPD(a, y, y)
	return s.exp(y)
}

// exp returns the exponential of x, which is overwritten: that of x - n·log 2, at most
// (log 2)/2, by Taylor's series to a remainder below the last place, times 2^n.
func (s isa) exp(x VecVirtual) VecVirtual {
	n, r := s.vec(), s.vec()
	VMOVUPD(s.constant(-746), n)
	VMAXPD(x, n, x) // a NaN stays, as it is the instruction's second operand
	VMOVUPD(s.constant(710), n)
	VMINPD(x, n, x)
	VMULPD(s.constant(math.Log2E), x, n)
	if s.lanes == 8 {
		VRNDSCALEPD(U8(0), n, n)
	} else {
		VROUNDPD(U8(0), n, n)
	}
	VFNMADD231PD(s.constant(layout.Ln2Hi), n, x)
	VFNMADD231PD(s.constant(layout.Ln2Lo), n, x)
	factorial := 6227020800.0 // of 13
	VMOVUPD(s.constant(1/factorial), r)
	for i := 13.0; i >= 1; i-- {
		factorial /= i
		VFMADD213PD(s.constant(1/factorial), x, r)
	}
	if s.lanes == 8 {
		VSCALEFPD(n, r, r)
		return r
	}
	// 2^n in two factors, so that each is normal.
	half, whole := XMM(), XMM()
	VCVTPD2DQY(n, whole)
	VPSRAD(U8(1), whole, half)
	VPSUBD(half, whole, whole)
	for _, part := range []VecVirtual{half, whole} {
		VPMOVSXDQ(part, n)
		VPADDQ(s.constantBits(1023), n, n)
		VPSLLQ(U8(52), n, n)
		VMULPD(n, r, r)
	}
	return r
}

// log calls use with the logarithm of x, positive and normal, as a sum of two numbers: fdlibm's
// polynomial in s = (m-1)/(m+1) for m in [√½, √2). x is overwritten.
func (s isa) log(x VecVirtual, use func(hi, lo VecVirtual)) {
	m, e := s.vec(), s.vec()
	s.mantissa(x, m, e)
	// m ≥ √2: m/2, e+1.
	if s.lanes == 8 {
		k := K()
		VCMPPD(U8(0x1d), s.constant(math.Sqrt2), m, k)
		VMULPD(s.constant(0.5), m, k, m)
		VADDPD(s.constant(1), e, k, e)
	} else {
		VCMPPD(U8(0x1d), s.constant(math.Sqrt2), m, x)
		t := s.vec()
		VPAND(s.constantBits(1<<52), x, t) // one less in the exponent
		VPSUBQ(t, m, m)
		VPAND(s.constant(1), x, x)
		VADDPD(x, e, e)
	}
	VSUBPD(s.constant(1), m, m) // f
	d := x
	VADDPD(s.constant(2), m, d)
	VDIVPD(d, m, d) // s
	z, r := s.vec(), s.vec()
	VMULPD(d, d, z)
	VMOVUPD(s.constant(layout.LogCoefficients[0]), r)
	for _, c := range layout.LogCoefficients[1:] {
		VFMADD213PD(s.constant(c), z, r)
	}
	VMULPD(z, r, r) // R
	// log m = f - (hfsq - s·(hfsq + R)), hfsq = f²/2
	VMULPD(m, m, z)
	VMULPD(s.constant(0.5), z, z)
	VADDPD(z, r, r)
	VMULPD(d, r, r)
	VFMADD231PD(s.constant(layout.Ln2Lo), e, r)
	VSUBPD(z, r, r)
	VADDPD(m, r, r) // lo
	VMULPD(s.constant(layout.Ln2Hi), e, e)
	use(e, r)
}

// A roughLog is the constants, in registers, of a logarithm whose absolute error is below 2e-16.
// Near 1 its relative error is not small, which does not matter where it is added to numbers
// around 1. It needs no division.
type roughLog struct {
	s                       isa
	reciprocals, logarithms [2]VecVirtual
	one, ln2                VecVirtual
	p                       [9]VecVirtual
}

func (s isa) roughLog() *roughLog {
	r := &roughLog{s: s}
	var c, l [16]float64
	for i := range c {
		c[i] = 1 / (1 + (float64(i)+0.5)/16)
		l[i] = -math.Log(c[i])
	}
	table := func(name string, t [16]float64) (v [2]VecVirtual) {
		m := GLOBL(name, RODATA|NOPTR)
		for i, x := range t {
			DATA(8*i, F64(x))
		}
		for i := range v {
			v[i] = s.vec()
			VMOVUPD(s.at(m, i), v[i])
		}
		return v
	}
	r.reciprocals, r.logarithms = table(fmt.Sprint("reciprocals", len(constants)), c), table(fmt.Sprint("logarithms", len(constants)), l)
	constant := func(c float64) VecVirtual { v := s.vec(); VMOVUPD(s.constant(c), v); return v }
	r.one, r.ln2 = constant(1), constant(math.Ln2)
	for i, c := range logSeries(1.0 / 32) {
		if i > 0 {
			r.p[i] = constant(c)
		}
	}
	return r
}

// of returns the logarithm of x, positive and normal, which is overwritten. With x = m·2^e and
// c near 1/m from a table it is e·log 2 - log c + log(1+t), t = mc - 1, |t| ≤ 1/32. The
// polynomial for the last is made in parts that do not depend on each other.
func (r *roughLog) of(x VecVirtual) VecVirtual {
	s := r.s
	m, e := s.vec(), s.vec()
	s.mantissa(x, m, e)
	cs, ls := s.vec(), s.vec()
	VPSRLQ(U8(48), x, cs) // the instructions below use the lowest four bits
	VMOVUPD(cs, ls)
	VPERMI2PD(r.reciprocals[1], r.reciprocals[0], cs)
	VPERMI2PD(r.logarithms[1], r.logarithms[0], ls)
	VFMSUB213PD(r.one, cs, m) // t = mc - 1
	VFMADD231PD(r.ln2, e, ls)
	t2 := cs
	VMULPD(m, m, t2)
	four := func(i int) VecVirtual { // pi + pi+1 t + (pi+2 + pi+3 t) t²
		low, high := s.vec(), s.vec()
		VMOVUPD(r.p[i+1], low)
		VFMADD213PD(r.p[i], m, low)
		VMOVUPD(r.p[i+3], high)
		VFMADD213PD(r.p[i+2], m, high)
		VFMADD231PD(high, t2, low)
		return low
	}
	low, high := four(1), four(5)
	VMULPD(t2, t2, t2)
	VFMADD231PD(high, t2, low)
	VFMADD213PD(ls, m, low)
	return low
}

// logSeries returns the coefficients of a polynomial of degree eight within 2e-17 of log(1+t)
// for |t| ≤ most ≤ 1/32: Taylor's of degree ten, whose two highest powers are removed by
// subtracting multiples of Chebyshev's polynomials, which are smallest in that interval.
func logSeries(most float64) []float64 {
	const keep, degree = 8, 10
	p := make([]float64, degree+1)
	for i := 1; i <= degree; i++ {
		p[i] = math.Copysign(1/float64(i), float64(i%2)-0.5)
	}
	for n := degree; n > keep; n-- {
		before, now := []float64{1}, []float64{0, 1}
		for range n - 1 { // T(n+1) = 2x T(n) - T(n-1)
			next := make([]float64, len(now)+1)
			for i, c := range now {
				next[i+1] += 2 * c
			}
			for i, c := range before {
				next[i] -= c
			}
			before, now = now, next
		}
		scale := p[n] / now[n]
		for i, c := range now {
			p[i] -= scale * c * math.Pow(most, float64(n-i))
		}
	}
	return p[:keep+1]
}

var constants = map[string]Mem{}

// constant returns a read-only vector of eight times c.
func (s isa) constant(c float64) Mem { return s.constantBits(math.Float64bits(c)) }

func (s isa) constantBits(c uint64) Mem {
	name := fmt.Sprintf("c%016x", c)
	m, ok := constants[name]
	if !ok {
		m = GLOBL(name, RODATA|NOPTR)
		for i := range 8 {
			DATA(8*i, U64(c))
		}
		constants[name] = m
	}
	return m
}
