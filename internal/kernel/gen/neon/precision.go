package main

// widen writes the kernel that makes float64 of float32. Numbers below the least normal one are taken
// as they are, which costs nothing here.
func (f *file) widen() {
	fn := f.function("widenNEON", "sets rows of dst to those of x times scale, strides being in bytes.",
		"(dst *float64, dstStride uintptr, x *float32, xStride uintptr, scale float64, vectors, rows int)",
		"dst", "dstStride", "x", "xStride", "scale", "vectors", "rows")
	dst, dstStride, x, xStride := fn.param(0), fn.param(1), fn.param(2), fn.param(3)
	bits, vectors, rows := fn.param(4), fn.param(5), fn.param(6)
	scale := fn.vec()
	fn.emit(set(scale), set(bits), "VDUP %v, %v.D2", bits, scale)
	fn.label("row")
	from, to, n := fn.copyInt(x), fn.copyInt(dst), fn.copyInt(vectors)
	fn.label("vector")
	v := fn.load(mem{base: from})
	low, high := fn.op("fcvtl", v, nil), fn.op("fcvtl2", v, nil)
	fn.storePair([2]*reg{fn.op("fmul", low, scale), fn.op("fmul", high, scale)}, mem{base: to})
	fn.addNumber(from, 4*lanes)
	fn.addNumber(to, 8*lanes)
	fn.countDown(n, "vector")
	fn.add(x, xStride)
	fn.add(dst, dstStride)
	fn.countDown(rows, "row")
	fn.ret()
}
