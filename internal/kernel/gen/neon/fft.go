package main

import (
	"fmt"
	"math"

	"github.com/audiosep/audiosep/internal/kernel/gen/layout"
)

// fft writes the passes of transforms of several frames at once: every number is a vector with
// a lane for each frame, and no instruction mixes lanes. A pass does the two registers of a
// vector one after the other, so that there are enough registers for a DFT of 8.
func (f *file) fft() {
	for _, r := range []int{2, 3, 4, 5, 8} {
		f.stage(r, true)
		f.stage(r, false)
	}
	f.oddStage()
	for _, terms := range []int{1, 2, 4} {
		f.mix(terms)
	}
}

// number is the bytes of a complex number of every frame.
const number = 2 * 8 * lanes

// A complexVec is two lanes of a number. In memory the imaginary parts come after the real
// parts of all lanes.
type complexVec struct{ re, im *reg }

func (f *function) loadComplex(m mem) complexVec {
	return complexVec{f.load(m), f.load(m.at(pair))}
}

func (f *function) storeComplex(z complexVec, m mem) {
	f.store(z.re, m)
	f.store(z.im, m.at(pair))
}

func (f *function) cadd(a, b complexVec) complexVec {
	return complexVec{f.op("fadd", a.re, b.re), f.op("fadd", a.im, b.im)}
}

func (f *function) csub(a, b complexVec) complexVec {
	return complexVec{f.op("fsub", a.re, b.re), f.op("fsub", a.im, b.im)}
}

func (f *function) addMinusI(a, b complexVec) complexVec { // a - i·b
	return complexVec{f.op("fadd", a.re, b.im), f.op("fsub", a.im, b.re)}
}

func (f *function) addI(a, b complexVec) complexVec { // a + i·b
	return complexVec{f.op("fsub", a.re, b.im), f.op("fadd", a.im, b.re)}
}

// twiddle returns a times the number in the two elements of w.
func (f *function) twiddle(a complexVec, w *reg) complexVec {
	re, im := f.scaled(a.re, w, 0), f.scaled(a.re, w, 1)
	f.code("fmls element", re, a.im, w, 1)
	f.code("fmla element", im, a.im, w, 0)
	return complexVec{re, im}
}

// dft returns the DFT of x.
func (f *function) dft(x []complexVec) []complexVec {
	switch len(x) {
	case 2:
		return []complexVec{f.cadd(x[0], x[1]), f.csub(x[0], x[1])}
	case 4:
		a, b := f.cadd(x[0], x[2]), f.csub(x[0], x[2])
		c, d := f.cadd(x[1], x[3]), f.csub(x[1], x[3])
		return []complexVec{f.cadd(a, c), f.addMinusI(b, d), f.csub(a, c), f.addI(b, d)}
	case 8:
		var sum, dif [4]complexVec
		for i := range sum {
			sum[i], dif[i] = f.cadd(x[i], x[i+4]), f.csub(x[i], x[i+4])
		}
		root := f.constant(math.Sqrt2 / 2)
		// dif[k] times exp(-iπk/4); for k = 2, times -i, the sums below do it.
		turn := func(z complexVec) (sum, dif *reg) {
			sum, dif = f.op("fadd", z.re, z.im), f.op("fsub", z.im, z.re)
			return f.op("fmul", sum, root), f.op("fmul", dif, root)
		}
		re1, im1 := turn(dif[1])
		minusIm3, re3 := turn(dif[3])
		even := f.dft(sum[:])
		a, b := f.addMinusI(dif[0], dif[2]), f.addI(dif[0], dif[2])
		c := complexVec{f.op("fadd", re1, re3), f.op("fsub", im1, minusIm3)}
		d := complexVec{f.op("fsub", re1, re3), f.op("fadd", im1, minusIm3)}
		return []complexVec{even[0], f.cadd(a, c), even[1], f.addMinusI(b, d), even[2], f.csub(a, c), even[3], f.addI(b, d)}
	default:
		return f.dftOdd(x)
	}
}

// dftOdd uses the symmetry of cosine and sine.
func (f *function) dftOdd(x []complexVec) []complexVec {
	r := len(x)
	h := (r - 1) / 2
	sum, dif, out := make([]complexVec, h+1), make([]complexVec, h+1), make([]complexVec, r)
	out[0] = x[0]
	for i := 1; i <= h; i++ {
		sum[i], dif[i] = f.cadd(x[i], x[r-i]), f.csub(x[i], x[r-i])
		out[0] = f.cadd(out[0], sum[i])
	}
	for j := 1; j <= h; j++ {
		a := complexVec{f.copy(x[0].re), f.copy(x[0].im)}
		var b complexVec
		for i := 1; i <= h; i++ {
			sin, cos := math.Sincos(2 * math.Pi * float64(i*j%r) / float64(r))
			c, s := f.constant(cos), f.constant(sin)
			f.fma(a.re, sum[i].re, c)
			f.fma(a.im, sum[i].im, c)
			if i == 1 {
				b = complexVec{f.op("fmul", dif[i].re, s), f.op("fmul", dif[i].im, s)}
			} else {
				f.fma(b.re, dif[i].re, s)
				f.fma(b.im, dif[i].im, s)
			}
		}
		out[j], out[r-j] = f.addMinusI(a, b), f.addI(a, b)
	}
	return out
}

// stage writes one pass of Stockham's algorithm: y[q+s(rp+j)] is the j-th number of
// the DFT of x[q+s(p+mi)], i < r, times the twiddle factor of p and j.
func (f *file) stage(r int, twiddles bool) {
	name := fmt.Sprintf("radix%dNEON", r)
	if !twiddles {
		name += "_last"
	}
	fn := f.function(name, fmt.Sprintf("is a pass of radix %d: see pass.", r), "(p *uint64)", "p")
	arg := fn.param(0)
	field := func(i int) *reg { return fn.loadInt(mem{base: arg, disp: 8 * i}) }
	x, y, m, count := field(layout.PassX), field(layout.PassY), field(layout.PassM), field(layout.PassS)
	out := fn.copyInt(count) // from a number of the result to the next
	fn.shiftLeft(out, log2(number))
	in := fn.copyInt(out)
	fn.multiply(in, m)
	var w *reg
	if twiddles {
		w = field(layout.PassTwiddle)
	}
	fn.label("p")
	q := fn.copyInt(count)
	fn.label("q")
	src, dst := fn.steps(x, in, r), fn.steps(y, out, r)
	for half := range pair {
		v := make([]complexVec, r)
		for i := range v {
			v[i] = fn.loadComplex(mem{base: src[i]}.at(half))
		}
		for j, z := range fn.dft(v) {
			if twiddles && j > 0 {
				z = fn.twiddle(z, fn.load(mem{base: w}.at(j-1)))
			}
			fn.storeComplex(z, mem{base: dst[j]}.at(half))
		}
	}
	fn.addNumber(x, number)
	fn.addNumber(y, number)
	fn.countDown(q, "q")
	for range r - 1 {
		fn.add(y, out)
	}
	if twiddles {
		fn.addNumber(w, 16*(r-1))
	}
	fn.countDown(m, "p")
	fn.ret()
}

// steps returns the addresses p + i·stride for i < n.
func (f *function) steps(p, stride *reg, n int) []*reg {
	r := []*reg{p}
	for len(r) < n {
		r = append(r, f.plus(r[len(r)-1], stride))
	}
	return r
}

// An oddPass is a pass of any odd radix r while it is written. Results j and r-j are made
// together from the sums and differences of inputs i and r-i, which go through memory.
type oddPass struct {
	*function
	arg             *reg // *passArg
	x, y, w         *reg // inputs, results, twiddle factors
	in, out         *reg // bytes from one input to the next, and from one result to the next
	last            *reg // r-1
	lastIn, lastOut *reg // from the first to the last
	pairs           *reg // (r-1)/2
}

func (o *oddPass) field(i int) *reg { return o.loadInt(mem{base: o.arg, disp: 8 * i}) }

// oddStage writes a pass of any odd radix.
func (f *file) oddStage() {
	fn := f.function("radixOddNEON", "is a pass of any odd radix: see pass.", "(p *uint64)", "p")
	o := &oddPass{function: fn, arg: fn.param(0)}
	var m *reg
	o.x, o.y, m, o.w = o.field(layout.PassX), o.field(layout.PassY), o.field(layout.PassM), o.field(layout.PassTwiddle)
	o.out = o.field(layout.PassS)
	fn.shiftLeft(o.out, log2(number))
	o.in = fn.copyInt(o.out)
	fn.multiply(o.in, m)
	o.last = o.field(layout.PassRadix)
	fn.addNumber(o.last, -1)
	o.lastIn, o.lastOut = fn.copyInt(o.last), fn.copyInt(o.last)
	fn.multiply(o.lastIn, o.in)
	fn.multiply(o.lastOut, o.out)
	o.pairs = fn.copyInt(o.last)
	fn.halve(o.pairs)

	fn.label("p")
	q := o.field(layout.PassS)
	fn.label("q")
	for half := range pair {
		o.results(half, o.sums(half))
	}
	fn.addNumber(o.x, number)
	fn.addNumber(o.y, number)
	fn.countDown(q, "q")
	// The next p: r-1 results further, and as many twiddle factors.
	fn.add(o.y, o.lastOut)
	fn.move(o.w, fn.plus16(o.w, o.last))
	fn.countDown(m, "p")
	fn.ret()
}

// sums writes, for half of the lanes, the sums and differences: scratch[i] = (sum,
// difference) of pair i. Result 0 is the sum of all inputs. It returns input 0.
func (o *oddPass) sums(half int) (x0 complexVec) {
	at := func(p *reg) mem { return mem{base: p}.at(half) }
	label := fmt.Sprint("pair", half)
	lo, hi := o.plus(o.x, o.in), o.plus(o.x, o.lastIn)
	t, n := o.field(layout.PassScratch), o.copyInt(o.pairs)
	x0 = o.loadComplex(at(o.x))
	first := complexVec{o.copy(x0.re), o.copy(x0.im)}
	o.label(label)
	a, b := o.loadComplex(at(lo)), o.loadComplex(at(hi))
	sum, dif := o.cadd(a, b), o.csub(a, b)
	o.storeComplex(sum, at(t))
	o.storeComplex(dif, at(t).at(2*pair))
	o.code("fadd", first.re, first.re, sum.re, 0)
	o.code("fadd", first.im, first.im, sum.im, 0)
	o.add(lo, o.in)
	o.sub(hi, o.in)
	o.addNumber(t, 2*number)
	o.countDown(n, label)
	o.storeComplex(first, at(o.y))
	return x0
}

// results writes, for half of the lanes, results 1 to r-1, j and r-j at a time: with
// c = x₀ + Σ cos·sum and d = Σ sin·difference, c - i·d and c + i·d times their twiddle factors.
func (o *oddPass) results(half int, x0 complexVec) {
	local := func(name string) string { return fmt.Sprint(name, half) }
	at := func(p *reg) mem { return mem{base: p}.at(half) }
	trig, j := o.field(layout.PassTrig), o.copyInt(o.pairs)
	up, down := o.plus(o.y, o.out), o.plus(o.y, o.lastOut)
	wl, wh := o.copyInt(o.w), o.plus16(o.w, o.last)
	o.addNumber(wh, -16)
	o.label(local("result"))
	t, n := o.field(layout.PassScratch), o.copyInt(o.pairs)
	c, d := complexVec{o.copy(x0.re), o.copy(x0.im)}, complexVec{o.vec(), o.vec()}
	o.clear(d.re)
	o.clear(d.im)
	o.label(local("term"))
	angle := o.load(mem{base: trig}) // cosine and sine
	sum, dif := o.loadComplex(at(t)), o.loadComplex(at(t).at(2*pair))
	o.code("fmla element", c.re, sum.re, angle, 0)
	o.code("fmla element", c.im, sum.im, angle, 0)
	o.code("fmla element", d.re, dif.re, angle, 1)
	o.code("fmla element", d.im, dif.im, angle, 1)
	o.addNumber(trig, 16)
	o.addNumber(t, 2*number)
	o.countDown(n, local("term"))
	o.storeComplex(o.twiddle(o.addMinusI(c, d), o.load(mem{base: wl})), at(up))
	o.storeComplex(o.twiddle(o.addI(c, d), o.load(mem{base: wh})), at(down))
	o.add(up, o.out)
	o.sub(down, o.out)
	o.addNumber(wl, 16)
	o.addNumber(wh, -16)
	o.countDown(j, local("result"))
}

// mix writes dst row = Σ c·(src row) over a few terms a row, each a byte offset and a
// coefficient.
func (f *file) mix(terms int) {
	fn := f.function(fmt.Sprintf("mix%dNEON", terms), fmt.Sprintf("sets each row of dst to a sum of %d multiples of rows of src.", terms),
		"(dst, src, table *float64, rows int)", "dst", "src", "table", "rows")
	dst, src, table, n := fn.param(0), fn.param(1), fn.param(2), fn.param(3)
	fn.label("row")
	var sum [2]*reg
	for i := range terms {
		at := fn.loadInt(mem{base: table, disp: 16 * i})
		fn.add(at, src)
		c, x := fn.loadOne(mem{base: table, disp: 16*i + 8}), fn.loadPair(mem{base: at})
		for l := range sum {
			if i == 0 {
				sum[l] = fn.scaled(x[l], c, 0)
			} else {
				fn.code("fmla element", sum[l], x[l], c, 0)
			}
		}
	}
	fn.storePair(sum, mem{base: dst})
	fn.addNumber(dst, 8*lanes)
	fn.addNumber(table, 16*terms)
	fn.countDown(n, "row")
	fn.ret()
}

func log2(n int) int {
	l := 0
	for ; n > 1; n /= 2 {
		l++
	}
	return l
}
