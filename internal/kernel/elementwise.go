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

// MulSquare sets dst = x∘y². The slices are of one length; dst may be x or y.
func MulSquare(dst, x, y []float64) {
	x, y = x[:len(dst)], y[:len(dst)]
	i := 0
	if n := vectors(len(dst)); n > 0 {
		current.mulSquare(&dst[0], &x[0], &y[0], n)
		i = n * current.lanes
	}
	for ; i < len(dst); i++ {
		dst[i] = x[i] * y[i] * y[i]
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

// Power sets dst = re² + im².
func Power(dst, re, im []float64) {
	re, im = re[:len(dst)], im[:len(dst)]
	i := 0
	if n := vectors(len(dst)); n > 0 {
		current.power(&dst[0], &re[0], &im[0], n)
		i = n * current.lanes
	}
	for ; i < len(dst); i++ {
		dst[i] = math.FMA(im[i], im[i], re[i]*re[i]) // as the kernels do
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
			dst[i] = math.FMA(re[i], re[i], dst[i]) // as the kernels do
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

// Scale sets dst = x∘(num/den)^gamma, a multiplicative update, and dst = x where den
// is 0. All are at least 0, and gamma is above 0. dst may be x.
func Scale(dst, x, num, den []float64, gamma float64) {
	num, den = num[:len(dst)], den[:len(dst)]
	if gamma != 1 && gamma != 0.5 {
		scaleByPower(dst, x[:len(dst)], num, den, gamma)
		return
	}
	copy(dst, x[:len(dst)])
	i := 0
	if n := vectors(len(dst)); n > 0 {
		f := current.scale
		if gamma == 0.5 {
			f = current.scaleRoot
		}
		f(&dst[0], &num[0], &den[0], n)
		i = n * current.lanes
	}
	for ; i < len(dst); i++ {
		q := num[i] / den[i]
		switch {
		case den[i] == 0:
			q = 1
		case gamma == 0.5:
			q = math.Sqrt(q)
		}
		dst[i] *= q
	}
}

func scaleByPower(dst, x, num, den []float64, gamma float64) {
	w := workspaces.Get().(*workspace)
	defer workspaces.Put(w)
	w.q = grow(w.q, len(dst))
	for i := range w.q {
		w.q[i] = num[i] / den[i]
		if den[i] == 0 {
			w.q[i] = 1
		}
	}
	Log(w.q, w.q)
	for i := range w.q {
		w.q[i] *= gamma
	}
	Exp(w.q, w.q)
	Mul(dst, x, w.q)
}

// Log sets dst to the natural logarithms of x, within 2 units of the last place of
// the result; dst may be x. Zero, negative numbers, Inf and NaN give what math.Log gives.
func Log(dst, x []float64) {
	x = x[:len(dst)]
	if current.lanes == 0 {
		each(dst, x, math.Log)
		return
	}
	inBlocks(dst, x, current.log, func(dst, x []float64) {
		for i, x := range x { // the kernels are right for positive, normal numbers only
			if !(x >= 0x1p-1022 && x <= math.MaxFloat64) {
				dst[i] = math.Log(x)
			}
		}
	})
}

// Exp sets dst to the exponentials of x, within 2 units of the last place; dst may be x. A
// result below the least number is 0, one above the greatest Inf.
func Exp(dst, x []float64) {
	x = x[:len(dst)]
	if current.lanes == 0 {
		each(dst, x, math.Exp)
		return
	}
	inBlocks(dst, x, current.exp, func(_, _ []float64) {})
}

func each(dst, x []float64, f func(float64) float64) {
	for i, x := range x {
		dst[i] = f(x)
	}
}

// inBlocks calls f and then repair on copies of some numbers at a time. The last ones are
// padded to whole vectors, so that the bits of a result do not depend on a number's place.
func inBlocks(dst, x []float64, f func(dst, x *float64, vectors int), repair func(dst, x []float64)) {
	const together = 512
	w := workspaces.Get().(*workspace)
	defer workspaces.Put(w)
	w.p, w.v = grow(w.p, together), grow(w.v, together)
	for len(dst) > 0 {
		n := min(together, len(dst))
		padded := roundUp(n, current.lanes)
		copy(w.v, x[:n])
		for i := n; i < padded; i++ {
			w.v[i] = 1
		}
		f(&w.p[0], &w.v[0], padded/current.lanes)
		repair(w.p[:n], w.v[:n])
		copy(dst[:n], w.p)
		dst, x = dst[n:], x[n:]
	}
}

// SumLog returns Σ log(a+b) over a in as. It multiplies the mantissas and adds the exponents,
// so that one logarithm serves many numbers; a+b must be a normal number.
func SumLog(as []float64, b float64) float64 {
	const (
		mantissa = 1<<52 - 1
		one      = 1023 << 52
		run      = 2048 // the products of a quarter of so many mantissas below 2 are finite
	)
	var exponents int64
	var logs float64
	n := len(as)
	for len(as) > 0 {
		part := as[:min(run, len(as))]
		as = as[len(part):]
		p, q, r, s := 1.0, 1.0, 1.0, 1.0 // four at a time, as a product waits for the one before
		for len(part) >= 4 {
			c, d := math.Float64bits(part[0]+b), math.Float64bits(part[1]+b)
			e, f := math.Float64bits(part[2]+b), math.Float64bits(part[3]+b)
			exponents += int64(c>>52) + int64(d>>52) + int64(e>>52) + int64(f>>52)
			p *= math.Float64frombits(c&mantissa | one)
			q *= math.Float64frombits(d&mantissa | one)
			r *= math.Float64frombits(e&mantissa | one)
			s *= math.Float64frombits(f&mantissa | one)
			part = part[4:]
		}
		for _, a := range part {
			c := math.Float64bits(a + b)
			exponents += int64(c >> 52)
			p *= math.Float64frombits(c&mantissa | one)
		}
		logs += math.Log(p) + math.Log(q) + math.Log(r) + math.Log(s)
	}
	return logs + float64(exponents-1023*int64(n))*math.Ln2
}
