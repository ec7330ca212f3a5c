package main

import (
	"fmt"
	"math"

	"github.com/audiosep/audiosep/internal/kernel/gen/layout"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// fft writes the passes of transforms of several frames at once: every number is a vector with
// a lane for each frame, and no instruction mixes lanes.
func fft() {
	for _, s := range []isa{avx2, avx512} {
		radices := []int{2, 3, 4}
		if s.regs == 32 {
			radices = []int{2, 3, 4, 5, 8}
		}
		for _, r := range radices {
			s.stage(r, true)
			s.stage(r, false)
		}
		s.oddStage()
		for _, terms := range []int{1, 2, 4} {
			s.mix(terms)
		}
	}
}

type complexVec struct{ re, im VecVirtual }

func (s isa) add(a, b VecVirtual) VecVirtual { c := s.vec(); VADDPD(b, a, c); return c }
func (s isa) sub(a, b VecVirtual) VecVirtual { c := s.vec(); VSUBPD(b, a, c); return c }

func (s isa) cadd(a, b complexVec) complexVec {
	return complexVec{s.add(a.re, b.re), s.add(a.im, b.im)}
}

func (s isa) csub(a, b complexVec) complexVec {
	return complexVec{s.sub(a.re, b.re), s.sub(a.im, b.im)}
}

func (s isa) addMinusI(a, b complexVec) complexVec { // a - i·b
	return complexVec{s.add(a.re, b.im), s.sub(a.im, b.re)}
}

func (s isa) addI(a, b complexVec) complexVec { // a + i·b
	return complexVec{s.sub(a.re, b.im), s.add(a.im, b.re)}
}

// dft returns the DFT of x, whose registers it may overwrite.
func (s isa) dft(x []complexVec) []complexVec {
	switch len(x) {
	case 2:
		return []complexVec{s.cadd(x[0], x[1]), s.csub(x[0], x[1])}
	case 4:
		a, b := s.cadd(x[0], x[2]), s.csub(x[0], x[2])
		c, d := s.cadd(x[1], x[3]), s.csub(x[1], x[3])
		return []complexVec{s.cadd(a, c), s.addMinusI(b, d), s.csub(a, c), s.addI(b, d)}
	case 8:
		var sum, dif [4]complexVec
		for i := range sum {
			sum[i], dif[i] = s.cadd(x[i], x[i+4]), s.csub(x[i], x[i+4])
		}
		root := s.constant(math.Sqrt2 / 2)
		// dif[k] times exp(-iπk/4); for k = 2, times -i, the sums below do it.
		turn := func(a, b VecVirtual) complexVec {
			VMULPD(root, a, a)
			VMULPD(root, b, b)
			return complexVec{a, b}
		}
		d1 := turn(s.add(dif[1].re, dif[1].im), s.sub(dif[1].im, dif[1].re))
		d3 := turn(s.sub(dif[3].im, dif[3].re), s.add(dif[3].re, dif[3].im)) // with the opposite sign of im
		even := s.dft(sum[:])
		a, b := s.addMinusI(dif[0], dif[2]), s.addI(dif[0], dif[2])
		c := complexVec{s.add(d1.re, d3.re), s.sub(d1.im, d3.im)}
		d := complexVec{s.sub(d1.re, d3.re), s.add(d1.im, d3.im)}
		return []complexVec{even[0], s.cadd(a, c), even[1], s.addMinusI(b, d), even[2], s.csub(a, c), even[3], s.addI(b, d)}
	default:
		return s.dftOdd(x)
	}
}

// dftOdd uses the symmetry of cosine and sine.
func (s isa) dftOdd(x []complexVec) []complexVec {
	r := len(x)
	h := (r - 1) / 2
	sum, dif := make([]complexVec, h+1), make([]complexVec, h+1)
	first := complexVec{s.vec(), s.vec()}
	VMOVUPD(x[0].re, first.re)
	VMOVUPD(x[0].im, first.im)
	for i := 1; i <= h; i++ {
		sum[i], dif[i] = s.cadd(x[i], x[r-i]), s.csub(x[i], x[r-i])
		VADDPD(sum[i].re, first.re, first.re)
		VADDPD(sum[i].im, first.im, first.im)
	}
	out := make([]complexVec, r)
	out[0] = first
	for j := 1; j <= h; j++ {
		a, b := complexVec{s.vec(), s.vec()}, complexVec{s.vec(), s.vec()}
		VMOVUPD(x[0].re, a.re)
		VMOVUPD(x[0].im, a.im)
		for i := 1; i <= h; i++ {
			sin, cos := math.Sincos(2 * math.Pi * float64(i*j%r) / float64(r))
			VFMADD231PD(s.constant(cos), sum[i].re, a.re)
			VFMADD231PD(s.constant(cos), sum[i].im, a.im)
			if i == 1 {
				VMULPD(s.constant(sin), dif[i].re, b.re)
				VMULPD(s.constant(sin), dif[i].im, b.im)
			} else {
				VFMADD231PD(s.constant(sin), dif[i].re, b.re)
				VFMADD231PD(s.constant(sin), dif[i].im, b.im)
			}
		}
		out[j], out[r-j] = s.addMinusI(a, b), s.addI(a, b)
	}
	return out
}

// twiddle multiplies a by the number at w.
func (s isa) twiddle(a complexVec, w Mem) {
	re, im := w, w.Offset(8)
	t, u := s.vec(), s.vec()
	if s.lanes == 8 {
		VMULPD_BCST(im, a.im, t)
		VMULPD_BCST(im, a.re, u)
		VFMSUB132PD_BCST(re, t, a.re)
		VFMADD132PD_BCST(re, u, a.im)
		return
	}
	b := s.vec()
	VBROADCASTSD(im, b)
	VMULPD(b, a.im, t)
	VMULPD(b, a.re, u)
	VBROADCASTSD(re, b)
	VFMSUB132PD(b, t, a.re)
	VFMADD132PD(b, u, a.im)
}

// rows returns the addresses p + i·stride as a function of i < n ≤ 8.
func rows(p, stride Register, n int) func(i int) Mem {
	var three, four GPVirtual
	if n > 3 {
		three = GP64()
		LEAQ(Mem{Base: stride, Index: stride, Scale: 2}, three)
	}
	if n > 4 {
		four = GP64()
		LEAQ(Mem{Base: p, Index: stride, Scale: 4}, four)
	}
	return func(i int) Mem {
		base := p
		if i >= 4 {
			base = four
		}
		return []Mem{{Base: base}, {Base: base, Index: stride, Scale: 1}, {Base: base, Index: stride, Scale: 2}, {Base: base, Index: three, Scale: 1}}[i%4]
	}
}

// stage writes one pass of Stockham's algorithm: y[q+s(rp+j)] is the j-th number of
// the DFT of x[q+s(p+mi)], i < r, times the twiddle factor of p and j.
func (s isa) stage(r int, twiddles bool) {
	name := fmt.Sprintf("radix%d%s", r, s.name)
	if !twiddles {
		name += "_last"
	}
	TEXT(name, NOSPLIT, "func(p *uint64)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s is a pass of radix %d: see pass.", name, r))
	arg := Load(Param("p"), GP64())
	load := func(i int) GPVirtual { v := GP64(); MOVQ(Mem{Base: arg, Disp: 8 * i}, v); return v }
	x, y, m, count := load(layout.PassX), load(layout.PassY), load(layout.PassM), load(layout.PassS)
	in, out := GP64(), GP64()
	bytes := 2 * s.bytes()
	MOVQ(count, out)
	SHLQ(U8(log2(bytes)), out) // from a number of the result to the next
	MOVQ(out, in)
	IMULQ(m, in)
	var w GPVirtual
	if twiddles {
		w = load(layout.PassTwiddle)
	}
	Label("p")
	q := GP64()
	MOVQ(count, q)
	Label("q")
	src := rows(x, in, r)
	v := make([]complexVec, r)
	for i := range v {
		v[i] = complexVec{s.vec(), s.vec()}
		VMOVUPD(src(i), v[i].re)
		VMOVUPD(s.at(src(i), 1), v[i].im)
	}
	res := s.dft(v)
	dst := rows(y, out, r)
	for j, z := range res {
		if twiddles && j > 0 {
			s.twiddle(z, Mem{Base: w, Disp: 16 * (j - 1)})
		}
		VMOVUPD(z.re, dst(j))
		VMOVUPD(z.im, s.at(dst(j), 1))
	}
	ADDQ(Imm(uint64(bytes)), x)
	ADDQ(Imm(uint64(bytes)), y)
	DECQ(q)
	JNE(LabelRef("q"))
	for range r - 1 {
		ADDQ(out, y)
	}
	if twiddles {
		ADDQ(Imm(uint64(16*(r-1))), w)
	}
	DECQ(m)
	JNE(LabelRef("p"))
	VZEROUPPER()
	RET()
}

// An oddPass is a pass of any odd radix r while it is written. Results j and r-j are made
// together from the sums and differences of inputs i and r-i, which go through memory.
type oddPass struct {
	isa
	arg       Register // *passArg
	x, y      GPVirtual
	out       GPVirtual  // bytes from one result to the next
	w, m, q   Mem        // twiddle factors; what is left of p and q: on the stack, as registers are few
	x0, first complexVec // input 0, result 0
	t, n      GPVirtual  // place in scratch; pairs
	trig      GPVirtual
	up, down  GPVirtual // results j and r-j
	wl, wh    GPVirtual // their twiddle factors
}

func (o *oddPass) field(i int) Mem              { return Mem{Base: o.arg, Disp: 8 * i} }
func (o *oddPass) vecAt(p GPVirtual, i int) Mem { return o.at(Mem{Base: p}, i) }

// number returns the bytes of a complex number of every frame.
func (s isa) number() int { return 2 * s.bytes() }

// oddStage writes a pass of any odd radix.
func (s isa) oddStage() {
	name := "radixOdd" + s.name
	TEXT(name, NOSPLIT, "func(p *uint64)")
	Pragma("noescape")
	Doc(name + " is a pass of any odd radix: see pass.")
	o := &oddPass{isa: s, arg: Load(Param("p"), GP64())}
	o.x, o.y = GP64(), GP64()
	MOVQ(o.field(layout.PassX), o.x)
	MOVQ(o.field(layout.PassY), o.y)
	o.out = GP64()
	MOVQ(o.field(layout.PassS), o.out)
	SHLQ(U8(log2(s.number())), o.out)
	local := AllocLocal(24)
	o.w, o.m, o.q = local, local.Offset(8), local.Offset(16)
	tmp := GP64()
	MOVQ(o.field(layout.PassTwiddle), tmp)
	MOVQ(tmp, o.w)
	MOVQ(o.field(layout.PassM), tmp)
	MOVQ(tmp, o.m)

	Label("p")
	MOVQ(o.field(layout.PassS), tmp)
	MOVQ(tmp, o.q)
	Label("q")
	o.pairs()
	o.results()

	ADDQ(Imm(uint64(s.number())), o.x)
	ADDQ(Imm(uint64(s.number())), o.y)
	DECQ(o.q)
	JNE(LabelRef("q"))
	// The next p: r-1 results further, and as many twiddle factors.
	MOVQ(o.field(layout.PassRadix), o.n)
	DECQ(o.n)
	j := GP64()
	MOVQ(o.n, j)
	IMULQ(o.out, j)
	ADDQ(j, o.y)
	SHLQ(U8(4), o.n)
	ADDQ(o.n, o.w)
	DECQ(o.m)
	JNE(LabelRef("p"))
	VZEROUPPER()
	RET()
}

// pairs writes the sums and differences: scratch[i] = (sum, difference) of pair i. Result 0
// is the sum of all inputs.
func (o *oddPass) pairs() {
	var lo, hi, in GPVirtual
	lo, hi, in, o.t, o.n = GP64(), GP64(), GP64(), GP64(), GP64()
	MOVQ(o.field(layout.PassRadix), o.n)
	DECQ(o.n)
	MOVQ(o.out, in) // bytes from one input to the next
	IMULQ(o.field(layout.PassM), in)
	MOVQ(in, hi)
	IMULQ(o.n, hi)
	ADDQ(o.x, hi)
	SHRQ(U8(1), o.n)
	MOVQ(o.x, lo)
	ADDQ(in, lo)
	MOVQ(o.field(layout.PassScratch), o.t)
	o.x0, o.first = complexVec{o.vec(), o.vec()}, complexVec{o.vec(), o.vec()}
	VMOVUPD(o.vecAt(o.x, 0), o.x0.re)
	VMOVUPD(o.vecAt(o.x, 1), o.x0.im)
	VMOVUPD(o.x0.re, o.first.re)
	VMOVUPD(o.x0.im, o.first.im)
	Label("pair")
	a, b := complexVec{o.vec(), o.vec()}, complexVec{o.vec(), o.vec()}
	VMOVUPD(o.vecAt(lo, 0), a.re)
	VMOVUPD(o.vecAt(lo, 1), a.im)
	VMOVUPD(o.vecAt(hi, 0), b.re)
	VMOVUPD(o.vecAt(hi, 1), b.im)
	sum, dif := o.cadd(a, b), o.csub(a, b)
	for i, v := range []VecVirtual{sum.re, sum.im, dif.re, dif.im} {
		VMOVUPD(v, o.vecAt(o.t, i))
	}
	VADDPD(sum.re, o.first.re, o.first.re)
	VADDPD(sum.im, o.first.im, o.first.im)
	ADDQ(in, lo)
	SUBQ(in, hi)
	ADDQ(U32(2*o.number()), o.t)
	DECQ(o.n)
	JNE(LabelRef("pair"))
	VMOVUPD(o.first.re, o.vecAt(o.y, 0))
	VMOVUPD(o.first.im, o.vecAt(o.y, 1))
}

// results writes results 1 to r-1, j and r-j at a time, for two j in one loop over the pairs, so
// that no sum has to wait for the one before; for one alone where there is an odd number of them.
func (o *oddPass) results() {
	o.trig, o.up, o.down, o.wl, o.wh = GP64(), GP64(), GP64(), GP64(), GP64()
	MOVQ(o.field(layout.PassTrig), o.trig)
	MOVQ(o.field(layout.PassRadix), o.n)
	DECQ(o.n)
	MOVQ(o.out, o.down)
	IMULQ(o.n, o.down)
	ADDQ(o.y, o.down)
	MOVQ(o.y, o.up)
	ADDQ(o.out, o.up)
	MOVQ(o.w, o.wl)
	MOVQ(o.n, o.wh)
	SHLQ(U8(4), o.wh)
	LEAQ(Mem{Base: o.wl, Index: o.wh, Scale: 1, Disp: -16}, o.wh)
	SHRQ(U8(1), o.n)
	j := GP64()
	MOVQ(o.n, j)
	BTQ(U8(0), j)
	JCC(LabelRef("even"))
	o.terms("term", 1)
	DECQ(j)
	JE(LabelRef("done"))
	Label("even")
	Label("result")
	o.terms("terms", 2)
	SUBQ(Imm(2), j)
	JNE(LabelRef("result"))
	Label("done")
}

// terms writes results j and r-j for so many j, one or two, whose cosines and sines trig points
// to: c = x₀ + Σ cos·sum and d = Σ sin·difference, a loop over the pairs.
func (o *oddPass) terms(label string, count int) {
	MOVQ(o.field(layout.PassScratch), o.t)
	i := GP64()
	MOVQ(o.n, i)
	trig := []GPVirtual{o.trig}
	if count == 2 { // the next j's follow those of this one
		next := GP64()
		MOVQ(o.n, next)
		SHLQ(U8(4), next)
		ADDQ(o.trig, next)
		trig = append(trig, next)
	}
	c, d := make([]complexVec, count), make([]complexVec, count)
	for k := range c {
		c[k], d[k] = complexVec{o.vec(), o.vec()}, complexVec{o.vec(), o.vec()}
		VMOVUPD(o.x0.re, c[k].re)
		VMOVUPD(o.x0.im, c[k].im)
		o.zero(d[k].re)
		o.zero(d[k].im)
	}
	Label(label)
	for k, at := range trig {
		cos, sin := o.vec(), o.vec()
		VBROADCASTSD(Mem{Base: at}, cos)
		VBROADCASTSD(Mem{Base: at, Disp: 8}, sin)
		VFMADD231PD(o.vecAt(o.t, 0), cos, c[k].re)
		VFMADD231PD(o.vecAt(o.t, 1), cos, c[k].im)
		VFMADD231PD(o.vecAt(o.t, 2), sin, d[k].re)
		VFMADD231PD(o.vecAt(o.t, 3), sin, d[k].im)
		ADDQ(Imm(16), at)
	}
	ADDQ(U32(2*o.number()), o.t)
	DECQ(i)
	JNE(LabelRef(label))
	if count == 2 {
		MOVQ(trig[1], o.trig)
	}
	for k := range c {
		low, high := o.addMinusI(c[k], d[k]), o.addI(c[k], d[k])
		o.twiddle(low, Mem{Base: o.wl})
		o.twiddle(high, Mem{Base: o.wh})
		VMOVUPD(low.re, o.vecAt(o.up, 0))
		VMOVUPD(low.im, o.vecAt(o.up, 1))
		VMOVUPD(high.re, o.vecAt(o.down, 0))
		VMOVUPD(high.im, o.vecAt(o.down, 1))
		ADDQ(o.out, o.up)
		SUBQ(o.out, o.down)
		ADDQ(Imm(16), o.wl)
		SUBQ(Imm(16), o.wh)
	}
}

// mix writes dst row = Σ c·(src row) over a few terms a row, each a byte offset and a
// coefficient.
func (s isa) mix(terms int) {
	name := fmt.Sprintf("mix%d%s", terms, s.name)
	TEXT(name, NOSPLIT, "func(dst, src, table *float64, rows int)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s sets each row of dst to a sum of %d multiples of rows of src.", name, terms))
	dst, src := Load(Param("dst"), GP64()), Load(Param("src"), GP64())
	table, n := Load(Param("table"), GP64()), Load(Param("rows"), GP64())
	Label("row")
	sum := s.vec()
	for i := range terms {
		at, c := GP64(), s.vec()
		MOVQ(Mem{Base: table, Disp: 16 * i}, at)
		VBROADCASTSD(Mem{Base: table, Disp: 16*i + 8}, c)
		m := Mem{Base: src, Index: at, Scale: 1}
		if i == 0 {
			VMULPD(m, c, sum)
		} else {
			VFMADD231PD(m, c, sum)
		}
	}
	VMOVUPD(sum, Mem{Base: dst})
	ADDQ(Imm(uint64(s.bytes())), dst)
	ADDQ(Imm(uint64(16*terms)), table)
	DECQ(n)
	JNE(LabelRef("row"))
	VZEROUPPER()
	RET()
}

func log2(n int) uint8 {
	var l uint8
	for ; n > 1; n /= 2 {
		l++
	}
	return l
}
