package main

import (
	"fmt"
	"math"

	"github.com/audiosep/audiosep/internal/kernel/gen/layout"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// ratios writes the kernels of multiplicative updates: X = AB + eps is left in
// registers and replaced by the quotients there.
func ratios() {
	for _, s := range []isa{avx2, avx512} {
		for _, beta := range []int{0, 1, layout.AnyBeta} {
			for _, objective := range []bool{false, true} {
				rows := s.lanes
				switch { // logarithms and powers need registers too
				case beta == layout.AnyBeta:
					rows = s.lanes / 2
				case s.regs == 16 && beta == 1 && objective:
					rows = 2
				}
				for _, rows := range []int{rows, 1} {
					for _, vecs := range []int{3, 1} {
						s.ratio(beta, objective, rows, vecs)
					}
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
	s.panels(rows, vecs, readsV, func(g *product) {
		one := s.constant(1)
		q, y := g.b[0], g.a // the operands of the sum are free now
		qp, vp, ldv := GP64(), GP64(), GP64()
		MOVQ(g.field(layout.RatioQ), qp)
		ADDQ(g.c, qp)
		readsV(g, vp, ldv)
		state := func(place int) Mem { return Mem{Base: g.p, Disp: 8 * place} }
		o := s.objectiveState(g, objective, beta)
		for i := range g.acc {
			for j, x := range g.acc[i] {
				eps := s.at(state(layout.RatioEps), j)
				VADDPD(eps, x, x)
				VMOVUPD(s.at(Mem{Base: vp}, j), y)
				VADDPD(eps, y, y)
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
					o.addKL(x, y, q)
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
	})
}

func readsV(g *product, p, stride GPVirtual) {
	MOVQ(g.field(layout.RatioV), p)
	ADDQ(g.field(layout.RatioAt), p)
	MOVQ(g.field(layout.RatioLdv), stride)
}

// An objectiveState is the running sums of the objective: in registers where there
// are enough, else in memory, apart for each vector so that they do not wait for
// each other.
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

// update combines x with the sum at place; x is lost.
func (o *objectiveState) update(place int, op func(...Op), x VecVirtual) {
	if sum, ok := o.sums[place]; ok {
		op(sum, x, sum)
		return
	}
	op(o.mem(place), x, x)
	VMOVUPD(x, o.mem(place))
}

// end takes the registers back to memory, and the exponents of the products of
// mantissas to their sums, so that the products cannot overflow.
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
	if s.lanes == 4 { // VGETEXPPD knows log 0
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

// addKL adds y·log(y/x) - y + x to the sum; y = 0 gives x.
func (o *objectiveState) addKL(x, y, q VecVirtual) {
	s := o.s
	VMAXPD(s.constant(math.Float64frombits(1<<52)), q, q)
	VSUBPD(y, x, x)
	if s.lanes == 8 {
		VFMADD231PD(s.roughLog(q), y, x)
	} else {
		s.log(q, func(hi, lo VecVirtual) {
			VADDPD(hi, lo, lo)
			VFMADD231PD(lo, y, x)
		})
	}
	o.update(layout.RatioSum, VADDPD, x)
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
	// power is kept in memory: registers are few.
	sum := Mem{Base: g.p, Disp: 8 * (layout.RatioSum + j*s.lanes)}
	scratch := Mem{Base: g.p, Disp: 8 * layout.RatioMant}
	VMULPD(power, x, power) // x^β
	VMOVUPD(power, scratch)
	e, r := y, x
	VSUBPD(x, y, e)
	VDIVPD(x, e, e)
	VADDPD(s.constant(1), e, r)
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

// blend puts y in the place of dst where the comparison of a with b, 0 for a = b and 1
// for a < b, holds. AVX2 loses b.
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

// power returns x^a for positive, normal x, which is lost.
func (s isa) power(x, a VecVirtual) VecVirtual {
	y := s.vec()
	s.log(x, func(hi, lo VecVirtual) {
		VADDPD(hi, lo, y)
	})
	VMULPD(a, y, y)
	return s.exp(y)
}

// exp returns the exponential of x, which is lost: that of x - n·log 2 by Taylor's
// series, whose rest is below the last place for arguments to (log 2)/2, times 2^n.
func (s isa) exp(x VecVirtual) VecVirtual {
	n, r := s.vec(), s.vec()
	VMOVUPD(s.constant(-746), n)
	VMAXPD(x, n, x) // NaN stays: it is the second operand of the instruction
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

// log gives use the logarithm of x, positive and normal, as a sum of two: fdlibm's
// polynomial in s = (m-1)/(m+1) for m in [√½, √2). x is lost.
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

// roughLog returns the logarithm of x, positive and normal, within 2e-16 but not within
// a part of itself near 1: enough where it is added to numbers around 1, and without
// the division of log. With m·2^e and c near 1/m from a table it is e·log 2 - log c +
// log(mc), the last by its series for arguments to 1/32.
func (s isa) roughLog(x VecVirtual) VecVirtual {
	const bits, terms = 4, 10
	var c, l [1 << bits]float64
	for i := range c {
		c[i] = 1 / (1 + (float64(i)+0.5)/(1<<bits))
		l[i] = -math.Log(c[i])
	}
	m, e := s.vec(), s.vec()
	s.mantissa(x, m, e)
	cs, ls := s.vec(), s.vec()
	VPSRLQ(U8(52-bits), x, cs) // the instructions below look at the lowest four bits
	VMOVUPD(cs, ls)
	lookUp := func(name string, t []float64, index VecVirtual) {
		table, ok := constants[name]
		if !ok {
			table = GLOBL(name, RODATA|NOPTR)
			for i, v := range t {
				DATA(8*i, F64(v))
			}
			constants[name] = table
		}
		low := s.vec()
		VMOVUPD(table, low)
		VPERMI2PD(s.at(table, 1), low, index)
	}
	lookUp("reciprocals", c[:], cs)
	lookUp("logarithms", l[:], ls)
	VFMSUB213PD(s.constant(1), cs, m) // mc - 1
	VFMADD231PD(s.constant(math.Ln2), e, ls)
	t := e
	VMOVUPD(s.constant(-1.0/terms), t)
	for i := terms - 1; i >= 1; i-- {
		sign := float64(1 - 2*((i+1)%2))
		VFMADD213PD(s.constant(sign/float64(i)), m, t)
	}
	VFMADD213PD(ls, m, t)
	return t
}

var constants = map[string]Mem{}

// constant is a read-only vector of eight c.
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
