package main

import (
	"fmt"
	"math"

	"github.com/audiosep/audiosep/internal/kernel/gen/layout"
)

// least is the least normal number.
var least = math.Float64frombits(1 << 52)

// panelsAhead is how many panels ahead of the sums V is prefetched.
const panelsAhead = 2

// ratios writes the kernels of multiplicative updates: X = AB + eps stays in registers and is
// replaced there by the quotients P and Q.
func (f *file) ratios() {
	for _, beta := range []int{0, 1, layout.AnyBeta} {
		for _, objective := range []bool{false, true} {
			rows := height
			if beta == layout.AnyBeta { // the powers take most of the time; this keeps the code short
				rows = height / 2
			}
			for _, rows := range []int{rows, 1} {
				f.ratio(beta, objective, rows, 3)
			}
		}
	}
}

func (f *file) ratio(beta int, objective bool, rows, vecs int) {
	name := "ratioNEON_" + []string{"beta0", "beta1", "beta"}[beta]
	if objective {
		name += "_objective"
	}
	fn := f.function(fmt.Sprintf("%s_%dx%d", name, rows, vecs*lanes),
		"replaces a product by the quotients of a multiplicative update: see ratioTile.", "(p *uint64)", "p")
	soon := func(f *function, g *product) (p, stride *reg) { // the panel after this one's
		p, stride = readsV(f, g)
		for range panelsAhead * rows {
			f.add(p, stride)
		}
		return p, stride
	}
	fn.panels(rows, vecs, soon, func(g *product) {
		q := fn.loadInt(g.field(layout.RatioQ))
		fn.add(q, g.c)
		v, ldv := readsV(fn, g)
		c := cell{function: fn, g: g}
		c.begin(beta, objective)
		for i := range g.acc {
			for j, x := range g.acc[i] {
				eps := fn.load(g.field(layout.RatioEps).at(j))
				x = fn.op("fadd", x, eps)
				y := fn.op("fadd", fn.load(mem{base: v}.at(j)), fn.load(g.field(layout.RatioAdd).at(j)))
				c.p, c.q = mem{base: g.c}.at(j), mem{base: q}.at(j)
				switch beta {
				case 0:
					c.itakuraSaito(x, y)
				case 1:
					c.kullbackLeibler(x, y)
				default:
					c.powers(x, y)
				}
			}
			fn.add(g.c, g.ldc)
			fn.add(q, g.ldc)
			fn.add(v, ldv)
		}
		fn.sub(v, fn.loadInt(g.field(layout.RatioV)))
		fn.storeInt(v, g.field(layout.RatioAt))
		c.end()
	})
}

// logs writes the kernel that completes the objective for β = 1: with the quotients y/x in P it
// adds Σ y·log(y/x) to the sums of x - y.
func (f *file) logs() {
	const vecs = 3
	fn := f.function("logsNEON", "adds y·log P to the objective, for `panels` rows: see ratioTile.", "(p *uint64)", "p")
	g := &product{p: fn.param(0)}
	load := func(i int) *reg { return fn.loadInt(g.field(i)) }
	rows, p, ldp := load(layout.TilePanels), load(layout.TileC), load(layout.TileLdc)
	v, ldv := readsV(fn, g)
	sum := fn.load(g.field(layout.RatioSum))
	fn.label("row")
	for j := range vecs * pair {
		q := fn.op("fmax", fn.load(mem{base: p}.at(j)), fn.constant(least)) // y = 0 gives 0
		y := fn.op("fadd", fn.load(mem{base: v}.at(j)), fn.load(g.field(layout.RatioAdd).at(j)))
		hi, lo := fn.log(q)
		fn.fma(sum, y, fn.op("fadd", hi, lo))
	}
	fn.add(p, ldp)
	fn.add(v, ldv)
	fn.countDown(rows, "row")
	fn.store(sum, g.field(layout.RatioSum))
	fn.ret()
}

// readsV returns the address and stride of the panel's rows of V.
func readsV(f *function, g *product) (p, stride *reg) {
	p = f.loadInt(g.field(layout.RatioV))
	f.add(p, f.loadInt(g.field(layout.RatioAt)))
	return p, f.loadInt(g.field(layout.RatioLdv))
}

// A cell is two numbers of P and Q while their code is written, and the running sums of the
// objective, which are nil if it is not wanted.
type cell struct {
	*function
	g                *product
	p, q             mem
	sum, mants, exps *reg
}

// begin loads the sums. All columns of a strip share them; two lanes stay apart.
func (c *cell) begin(beta int, objective bool) {
	if !objective {
		return
	}
	c.sum = c.load(c.g.field(layout.RatioSum))
	if beta == 0 {
		c.mants, c.exps = c.load(c.g.field(layout.RatioMant)), c.load(c.g.field(layout.RatioExp))
	}
}

// end stores the sums. It moves the exponent of the product of mantissas to the sum of
// exponents, so that the product cannot overflow.
func (c *cell) end() {
	if c.sum != nil {
		c.store(c.sum, c.g.field(layout.RatioSum))
	}
	if c.mants != nil {
		m, e := c.mantissa(c.mants)
		c.store(m, c.g.field(layout.RatioMant))
		c.store(c.op("fadd", c.exps, e), c.g.field(layout.RatioExp))
	}
}

// itakuraSaito leaves y/x² and 1/x, and adds to the objective, with r = y/x, r - 1 and
// r's mantissa to the product whose logarithm is taken once, at the end.
func (c *cell) itakuraSaito(x, y *reg) {
	q := c.op("fdiv", c.constant(1), x)
	c.store(q, c.q)
	r := c.op("fmul", y, q)
	c.store(c.op("fmul", r, q), c.p)
	if c.sum == nil {
		return
	}
	m, e := c.mantissa(r)
	small := c.op("fcmgt", c.constant(least), r) // log 0 = -Inf
	c.insert(e, c.constant(math.Inf(-1)), small)
	c.code("fmul", c.mants, c.mants, m, 0)
	c.code("fadd", c.exps, c.exps, e, 0)
	c.code("fadd", c.sum, c.sum, c.op("fsub", r, c.constant(1)), 0)
}

// kullbackLeibler leaves y/x, and adds x - y to the objective; logs adds the rest.
func (c *cell) kullbackLeibler(x, y *reg) {
	c.store(c.op("fdiv", y, x), c.p)
	if c.sum != nil {
		c.code("fadd", c.sum, c.sum, c.op("fsub", x, y), 0)
	}
}

// powers leaves y·x^(β-2) and x^(β-1), and adds to the objective, with r = y/x = 1+e,
// x^β(r^β + β-1 - βr)/(β(β-1)), and near r = 1, where that would cancel, the first terms
// of its series in e.
func (c *cell) powers(x, y *reg) {
	field := func(place int) *reg { return c.loadBoth(c.g.field(place)) }
	power := c.power(x, layout.RatioBeta2)
	c.store(c.op("fmul", power, y), c.p)
	power = c.op("fmul", power, x)
	c.store(power, c.q)
	if c.sum == nil {
		return
	}
	// x^β is kept in memory, in the unused place of the mantissas: there are few registers.
	scratch := c.g.field(layout.RatioMant)
	c.store(c.op("fmul", power, x), scratch)
	inverse := c.op("fdiv", c.constant(1), x)
	e, r := c.op("fmul", c.op("fsub", y, x), inverse), c.op("fmul", y, inverse) // not 1+e, which would round an r near 0 away
	d := c.power(c.op("fmax", r, c.constant(least)), layout.RatioBeta)
	c.insert(d, field(layout.RatioZero), c.op("fcmeq zero", r, nil))
	d = c.op("fadd", d, field(layout.RatioBeta1))
	c.fms(d, r, field(layout.RatioBeta))
	d = c.op("fmul", d, field(layout.RatioInverse))
	near := field(layout.RatioSeries + 2)
	for _, next := range []*reg{field(layout.RatioSeries + 1), field(layout.RatioSeries), c.constant(0.5)} {
		c.fma(next, near, e)
		near = next
	}
	near = c.op("fmul", c.op("fmul", near, e), e)
	c.insert(d, near, c.op("fcmgt", c.constant(0x1p-8), c.op("fabs", e, nil)))
	c.code("fadd", c.sum, c.sum, c.op("fmul", d, c.load(scratch)), 0)
}

// power returns x^a for positive, normal x; a is a field of the argument.
func (c *cell) power(x *reg, a int) *reg {
	hi, lo := c.log(x)
	return c.exp(c.scaled(c.op("fadd", hi, lo), c.loadOne(c.g.field(a)), 0))
}
