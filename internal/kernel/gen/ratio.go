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

// betas returns the β that have kernels of multiplicative updates.
func (s isa) betas() []int {
	if s.size == 4 {
		return []int{0, 1}
	}
	return []int{0, 1, layout.AnyBeta}
}

// ratios writes the kernels of multiplicative updates: X = AB + eps stays in registers and is
// replaced there by the quotients P and Q.
func ratios() {
	for _, s := range everywhere() {
		for _, beta := range s.betas() {
			for _, objective := range []bool{false, true} {
				rows := s.rows()
				if beta == layout.AnyBeta { // the powers need registers as well
					rows /= 2
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
	q, y := g.b[0], g.a // the operands of the sums are no longer needed
	qp, vp, ldv := GP64(), GP64(), GP64()
	MOVQ(g.field(layout.RatioQ), qp)
	ADDQ(g.c, qp)
	readsV(g, vp, ldv)
	o := s.objectiveState(g, objective, beta)
	for i := range g.acc {
		for j, x := range g.acc[i] {
			eps := s.at(g.field(layout.RatioEps), j)
			s.VADD(eps, x, x)
			VMOVUPD(s.at(Mem{Base: vp}, j), y)
			s.VADD(s.at(g.field(layout.RatioAdd), j), y, y)
			if beta == layout.AnyBeta {
				s.powers(g, objective, j, x, y, Mem{Base: g.c}, Mem{Base: qp})
				continue
			}
			if beta == 0 {
				s.reciprocal(x, q)
				s.VMUL(q, y, y) // r = y/x
				VMOVUPD(q, s.at(Mem{Base: qp}, j))
				s.VMUL(q, y, q) // p = y/x²
				VMOVUPD(q, s.at(Mem{Base: g.c}, j))
			} else {
				s.quotient(y, x, q)
				VMOVUPD(q, s.at(Mem{Base: g.c}, j))
			}
			o.at(j)
			switch {
			case objective && beta == 0:
				o.addRatio(y)
			case objective:
				s.VSUB(y, x, x)
				o.update(layout.RatioSum, s.VADD, x)
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

// reciprocal sets q to 1/x, x being positive and neither it nor 1/x below the least normal number. On
// AVX-512 it is a guess of 14 bits and Newton's steps, which take less time than a division. The
// last of them begins within one unit of the last place and so rounds as division does (Markstein, IBM
// Journal of Research and Development 34(1), 1990): processors of different guesses have the same bits.
// An x of ones alone, just below a power of two, is the exception: q is the number below that of division.
func (s isa) reciprocal(x, q VecVirtual) {
	if !s.wide() {
		VMOVUPD(s.constant(1), q)
		s.VDIV(x, q, q)
		return
	}
	s.VRCP14(x, q)
	for range s.newton {
		e := s.vec()
		VMOVUPD(s.constant(1), e)
		s.VFNMADD231(q, x, e)
		s.VFMADD213(q, e, q)
	}
}

// quotient sets q to y/x, x being as for reciprocal: the product with that, corrected by what is left of y.
func (s isa) quotient(y, x, q VecVirtual) {
	if !s.wide() {
		s.VDIV(x, y, q)
		return
	}
	r, rest := s.vec(), s.vec()
	s.reciprocal(x, r)
	s.VMUL(r, y, q)
	VMOVUPD(y, rest)
	s.VFNMADD231(q, x, rest)
	s.VFMADD231(rest, r, q)
}

// logs writes the kernels that complete the objective for β = 1: with the quotients y/x in P
// they add Σ y·log(y/x) to the sums of x - y. They are a pass of their own, over numbers still
// in the first cache, so that the registers hold all constants of the logarithm.
func logs() {
	for _, s := range everywhere() {
		s.logs(3)
	}
}

func (s isa) logs(vecs int) {
	name := "logs" + s.name
	TEXT(name, NOSPLIT, "func(p *uint64)")
	Pragma("noescape")
	Doc(name + " adds y·log P to the objective, for `panels` rows: see ratioTile.")
	restore := s.flush()
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
	if s.wide() {
		rough = s.roughLog()
	}
	Label("row")
	for j, sum := range sums {
		q, y := s.vec(), s.vec()
		VMOVUPD(s.at(Mem{Base: c}, j), q)
		s.VMAX(s.leastNormal(), q, q) // y = 0 gives 0
		VMOVUPD(s.at(Mem{Base: v}, j), y)
		s.VADD(s.at(field(layout.RatioAdd), j), y, y)
		if rough != nil {
			s.VFMADD231(rough.of(q), y, sum)
			continue
		}
		s.log(q, func(hi, lo VecVirtual) {
			s.VADD(hi, lo, lo)
			s.VFMADD231(lo, y, sum)
		})
	}
	ADDQ(ldc, c)
	ADDQ(ldv, v)
	DECQ(rows)
	JNE(LabelRef("row"))
	for j, sum := range sums {
		VMOVUPD(sum, s.at(field(layout.RatioSum), j))
	}
	restore()
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
	return Mem{Base: o.g.p, Disp: 8*place + o.current*o.s.bytes()}
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
	o.s.VADD(e, exp, exp)
	VMOVUPD(m, o.mem(layout.RatioMant))
	VMOVUPD(exp, o.mem(layout.RatioExp))
}

// addRatio adds r - 1 to the sum and multiplies r's mantissa into the product whose
// logarithm is taken once, at the end.
func (o *objectiveState) addRatio(r VecVirtual) {
	s := o.s
	t, u := s.vec(), s.vec()
	s.mantissa(r, t, u)
	if !s.wide() { // VGETEXPPD gives -Inf for 0, the integer code does not
		zero := s.vec()
		s.VCMP(U8(0x11), s.leastNormal(), r, zero)
		s.VBLENDV(zero, s.constant(math.Inf(-1)), u, u)
	}
	o.update(layout.RatioMant, s.VMUL, t)
	o.update(layout.RatioExp, s.VADD, u)
	s.VSUB(s.constant(1), r, r)
	o.update(layout.RatioSum, s.VADD, r)
}

// mantissa splits x, positive and normal, into m in [1, 2) and e with x = m·2^e.
func (s isa) mantissa(x, m, e VecVirtual) {
	if s.wide() {
		s.VGETMANT(U8(0), x, m)
		s.VGETEXP(x, e)
		return
	}
	bits, bias := s.fraction, s.bias
	s.VPSRL(U8(bits), x, e)
	VPOR(s.constantBits(uint64(bias+bits)<<bits), e, e) // 2^bits + exponent
	s.VSUB(s.constant(float64(uint64(1)<<bits+uint64(bias))), e, e)
	VMOVUPD(x, m)
	VPAND(s.constantBits(1<<bits-1), m, m)
	VPOR(s.constantBits(uint64(bias)<<bits), m, m)
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
	if s.wide() {
		k := K()
		s.VCMP(U8(0x1d), s.constant(math.Sqrt2), m, k)
		s.VMUL(s.constant(0.5), m, k, m)
		s.VADD(s.constant(1), e, k, e)
	} else {
		s.VCMP(U8(0x1d), s.constant(math.Sqrt2), m, x)
		t := s.vec()
		VPAND(s.constantBits(1<<s.fraction), x, t) // one less in the exponent
		s.VPSUB(t, m, m)
		VPAND(s.constant(1), x, x)
		s.VADD(x, e, e)
	}
	s.VSUB(s.constant(1), m, m) // f
	d := x
	s.VADD(s.constant(2), m, d)
	s.VDIV(d, m, d) // s
	z, r := s.vec(), s.vec()
	s.VMUL(d, d, z)
	VMOVUPD(s.constant(s.logarithm[0]), r)
	for _, c := range s.logarithm[1:] {
		s.VFMADD213(s.constant(c), z, r)
	}
	s.VMUL(z, r, r) // R
	// log m = f - (hfsq - s·(hfsq + R)), hfsq = f²/2
	s.VMUL(m, m, z)
	s.VMUL(s.constant(0.5), z, z)
	s.VADD(z, r, r)
	s.VMUL(d, r, r)
	s.VFMADD231(s.constant(s.ln2Lo), e, r)
	s.VSUB(z, r, r)
	s.VADD(m, r, r) // lo
	s.VMUL(s.constant(s.ln2Hi), e, e)
	use(e, r)
}

// A roughLog is the constants, in registers, of a logarithm whose absolute error is below 2e-16, in
// float32 about 6e-8. Near 1 its relative error is not small, which does not matter where it is
// added to numbers around 1. It needs no division.
type roughLog struct {
	s                       isa
	reciprocals, logarithms [2]VecVirtual
	one, ln2                VecVirtual
	p                       [9]VecVirtual
}

func (s isa) roughLog() *roughLog {
	r := &roughLog{s: s}
	n := 2 * s.lanes
	c, l := make([]float64, n), make([]float64, n)
	for i := range c {
		c[i] = 1 / (1 + (float64(i)+0.5)/float64(n))
		l[i] = -math.Log(c[i])
	}
	table := func(name string, t []float64) (v [2]VecVirtual) {
		m := GLOBL(name, RODATA|NOPTR)
		for i, x := range t {
			s.data(i, x)
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
	for i, c := range logSeries(1/float64(2*n), s.series) {
		if i > 0 {
			r.p[i] = constant(c)
		}
	}
	return r
}

// of returns the logarithm of x, positive and normal, which is overwritten. With x = m·2^e and
// c near 1/m from a table it is e·log 2 - log c + log(1+t), t = mc - 1, |t| ≤ 1/32 or 1/64. The
// polynomial for the last is made in parts that do not depend on each other.
func (r *roughLog) of(x VecVirtual) VecVirtual {
	s := r.s
	m, e := s.vec(), s.vec()
	s.mantissa(x, m, e)
	cs, ls := s.vec(), s.vec()
	s.VPSRL(U8(s.fraction-s.index), x, cs) // the instructions below use the lowest four or five bits
	VMOVUPD(cs, ls)
	s.VPERMI2(r.reciprocals[1], r.reciprocals[0], cs)
	s.VPERMI2(r.logarithms[1], r.logarithms[0], ls)
	s.VFMSUB213(r.one, cs, m) // t = mc - 1
	s.VFMADD231(r.ln2, e, ls)
	t2 := cs
	s.VMUL(m, m, t2)
	four := func(i int) VecVirtual { // pi + pi+1 t + (pi+2 + pi+3 t) t²
		low, high := s.vec(), s.vec()
		VMOVUPD(r.p[i+1], low)
		s.VFMADD213(r.p[i], m, low)
		VMOVUPD(r.p[i+3], high)
		s.VFMADD213(r.p[i+2], m, high)
		s.VFMADD231(high, t2, low)
		return low
	}
	low := four(1)
	if s.series > 4 {
		high := four(5)
		s.VMUL(t2, t2, t2)
		s.VFMADD231(high, t2, low)
	}
	s.VFMADD213(ls, m, low)
	return low
}

// logSeries returns the coefficients of a polynomial of degree keep for log(1+t), |t| ≤ most: of
// degree eight it is within 2e-17 for most ≤ 1/32. It is Taylor's of two degrees more, whose two
// highest powers are removed by subtracting multiples of Chebyshev's polynomials, which are smallest
// in that interval.
func logSeries(most float64, keep int) []float64 {
	degree := keep + 2
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

// constant returns a read-only vector of nothing but c.
func (s isa) constant(c float64) Mem { return s.constantBits(s.bits(c)) }

// leastNormal returns the least normal number.
func (s isa) leastNormal() Mem { return s.constantBits(1 << s.fraction) }

// constantBits is constant of the number that has these bits.
func (s isa) constantBits(c uint64) Mem {
	name := fmt.Sprintf("c%0*x", 2*s.size, c)
	m, ok := constants[name]
	if !ok {
		m = GLOBL(name, RODATA|NOPTR)
		for i := range 64 / s.size {
			s.dataBits(i, c)
		}
		constants[name] = m
	}
	return m
}

// data writes x as the i-th number of a table.
func (s isa) data(i int, x float64) { s.dataBits(i, s.bits(x)) }

func (s isa) dataBits(i int, c uint64) {
	if s.size == 4 {
		DATA(4*i, U32(uint32(c)))
	} else {
		DATA(8*i, U64(c))
	}
}

// bits returns those of x in the precision of s.
func (s isa) bits(x float64) uint64 {
	if s.size == 4 {
		return uint64(math.Float32bits(float32(x)))
	}
	return math.Float64bits(x)
}
