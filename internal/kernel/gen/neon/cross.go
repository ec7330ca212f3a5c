package main

import "github.com/audiosep/audiosep/internal/kernel/gen/layout"

// fetch writes the function that asks for numbers before they are read.
func (f *file) fetch() {
	fn := f.function("fetch", "has runs of 8 numbers brought to the second cache while other work goes on.", "(x *float64, lines int)", "x", "lines")
	x, n := fn.param(0), fn.param(1)
	fn.label("line")
	fn.emit(nil, set(x), "PRFM %v, PLDL2KEEP", mem{base: x})
	fn.addNumber(x, 64)
	fn.countDown(n, "line")
	fn.ret()
}

// cross writes the kernel that multiplies complex rows with the conjugates of themselves and of
// each row after them.
func (f *file) cross() {
	fn := f.function("crossNEON", "makes the products of some complex rows with the conjugates of each other: see crossTile.", "(p *uint64)", "p")
	arg := fn.param(0)
	load := func(i int) *reg { return fn.loadInt(mem{base: arg, disp: 8 * i}) }
	rows, a, xs, imag := load(layout.CrossRows), load(layout.CrossX), load(layout.CrossXS), load(layout.CrossImag)
	power, to, ts := load(layout.CrossPowers), load(layout.CrossTo), load(layout.CrossTS)
	// loop goes through the vectors of some rows.
	loop := func(label string, read, write []*reg, body func(x []*reg) []*reg) {
		n := load(layout.CrossBytes)
		var from, into []*reg
		for _, p := range read {
			from = append(from, fn.copyInt(p))
		}
		for _, p := range write {
			into = append(into, fn.copyInt(p))
		}
		fn.label(label)
		var x [pair][]*reg
		for _, p := range from {
			v := fn.loadPair(mem{base: p})
			fn.addNumber(p, 8*lanes)
			x[0], x[1] = append(x[0], v[0]), append(x[1], v[1])
		}
		low, high := body(x[0]), body(x[1])
		for i, p := range into {
			fn.storePair([2]*reg{low[i], high[i]}, mem{base: p})
			fn.addNumber(p, 8*lanes)
		}
		fn.emit(set(n), set(n), "SUBS $%d, %v, %v", 8*lanes, n, n)
		fn.branch("BNE", label)
	}
	fn.label("row")
	b := fn.plus(a, imag)
	loop("power", []*reg{a, b}, []*reg{power}, func(x []*reg) []*reg {
		sum := fn.op("fmul", x[0], x[0])
		fn.fma(sum, x[1], x[1])
		return []*reg{sum}
	})
	fn.add(power, ts)
	p, left := fn.copyInt(a), fn.copyInt(rows)
	fn.emit(set(left), set(left), "SUBS $1, %v, %v", left, left)
	fn.branch("BEQ", "next")
	fn.label("other")
	fn.add(p, xs)
	loop("product", []*reg{a, b, p, fn.plus(p, imag)}, []*reg{to, fn.plus(to, ts)}, func(x []*reg) []*reg {
		re, im := fn.op("fmul", x[0], x[2]), fn.op("fmul", x[1], x[2])
		fn.fma(re, x[1], x[3])
		fn.fms(im, x[0], x[3])
		return []*reg{re, im}
	})
	fn.add(to, ts)
	fn.add(to, ts)
	fn.countDown(left, "other")
	fn.label("next")
	fn.add(a, xs)
	fn.countDown(rows, "row")
	fn.ret()
}
