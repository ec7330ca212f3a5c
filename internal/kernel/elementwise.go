package kernel

import "math"

// Mul sets dst = x∘y. The slices are of one length; dst may be x or y.
func Mul(dst, x, y []float64) {
	x, y = x[:len(dst)], y[:len(dst)]
	i := 0
	if n := vectors(len(dst)); n > 0 {
		current.mul(&dst[0], &x[0], &y[0], n)
		i = n * current.lanes
	}
	for ; i < len(dst); i++ {
		dst[i] = x[i] * y[i]
	}
}

// Div sets dst = x/y, element by element, exactly rounded.
func Div(dst, x, y []float64) {
	x, y = x[:len(dst)], y[:len(dst)]
	i := 0
	if n := vectors(len(dst)); n > 0 {
		current.div(&dst[0], &x[0], &y[0], n)
		i = n * current.lanes
	}
	for ; i < len(dst); i++ {
		dst[i] = x[i] / y[i]
	}
}

// AddPower adds re² + im² to dst; a nil im is zero.
func AddPower(dst, re, im []float64) {
	re = re[:len(dst)]
	i, n := 0, vectors(len(dst))
	if im == nil {
		if n > 0 {
			current.addSquare(&dst[0], &re[0], n)
			i = n * current.lanes
		}
		for ; i < len(dst); i++ {
			dst[i] = math.FMA(re[i], re[i], dst[i]) // as the vectors do
		}
		return
	}
	im = im[:len(dst)]
	if n > 0 {
		current.addPower(&dst[0], &re[0], &im[0], n)
		i = n * current.lanes
	}
	for ; i < len(dst); i++ {
		dst[i] += math.FMA(im[i], im[i], re[i]*re[i])
	}
}

// vectors returns how many whole vectors n numbers make on this path.
func vectors(n int) int {
	if current.lanes == 0 {
		return 0
	}
	return n / current.lanes
}

// Log sets dst to the natural logarithms of x, within 2 units of the last place of
// the result; dst may be x. Zero, negative numbers, Inf and NaN give what math.Log gives.
func Log(dst, x []float64) {
	x = x[:len(dst)]
	if current.lanes == 0 {
		logPlain(dst, x)
		return
	}
	const together = 512
	for len(dst) > 0 {
		n := min(together, len(dst))
		logBlock(dst[:n], x[:n])
		dst, x = dst[n:], x[n:]
	}
}

func logPlain(dst, x []float64) {
	for i, x := range x {
		dst[i] = math.Log(x)
	}
}

// logBlock is Log for few numbers. The vectors know positive, normal ones only, so
// others are replaced afterwards; a tail is padded, so that no bit depends on place.
func logBlock(dst, x []float64) {
	w := workspaces.Get().(*workspace)
	defer workspaces.Put(w)
	w.v = grow(w.v, roundUp(len(x), current.lanes))
	copy(w.v, x)
	for i := len(x); i < len(w.v); i++ {
		w.v[i] = 1
	}
	w.p = grow(w.p, len(w.v))
	current.log(&w.p[0], &w.v[0], len(w.v)/current.lanes)
	for i, x := range w.v[:len(dst)] {
		dst[i] = w.p[i]
		if !(x >= 0x1p-1022 && x <= math.MaxFloat64) {
			dst[i] = math.Log(x)
		}
	}
}
