package kernel

import "math"

// Magnitude sets dst = √(re² + im²). The slices are of one length; dst may be re or im.
func Magnitude(dst, re, im []float64) {
	re, im = re[:len(dst)], im[:len(dst)]
	i := 0
	if n := vectors(len(dst)); n > 0 {
		current.magnitude(&dst[0], &re[0], &im[0], n)
		i = n * current.lanes
	}
	for ; i < len(dst); i++ {
		dst[i] = math.Sqrt(math.FMA(im[i], im[i], re[i]*re[i])) // as the kernels do
	}
}

// Magnitudes sets dst to the magnitudes of complex numbers, of which z has the real parts of so
// many, as lanes says, then their imaginary parts, then the real parts of as many more. The
// numbers make whole lanes.
func Magnitudes(dst, z []float64, lanes int) {
	z = z[:2*len(dst)]
	if lanes == current.lanes && len(dst) > 0 {
		current.magnitudes(&dst[0], &z[0], len(dst)/lanes)
		return
	}
	for i := range dst {
		at := i/lanes*2*lanes + i%lanes
		dst[i] = math.Sqrt(math.FMA(z[at+lanes], z[at+lanes], z[at]*z[at]))
	}
}

// Max sets dst to the greater of x and y, none of which is NaN. The slices are of one length; dst
// may be x, or begin before x in the same memory.
func Max(dst, x, y []float64) {
	x, y = x[:len(dst)], y[:len(dst)]
	i := 0
	if n := vectors(len(dst)); n > 0 {
		current.most(&dst[0], &x[0], &y[0], n)
		i = n * current.lanes
	}
	for ; i < len(dst); i++ {
		dst[i] = max(x[i], y[i])
	}
}

// Exchange puts the lesser of each x and y in x and the greater in y; none is NaN. The slices are
// of one length.
func Exchange(x, y []float64) {
	y = y[:len(x)]
	i := 0
	if n := vectors(len(x)); n > 0 {
		current.exchange(&x[0], &y[0], n)
		i = n * current.lanes
	}
	for ; i < len(x); i++ {
		x[i], y[i] = min(x[i], y[i]), max(x[i], y[i])
	}
}

// Share sets w to m/(m + (v - m)), where m is the lesser of w and v, which is finite and at least
// 0: to how much of v it is. It is ½ where v is not above 1e-300. The slices are of one length.
func Share(w, v []float64) {
	v = v[:len(w)]
	i := 0
	if n := vectors(len(w)); n > 0 {
		current.share(&w[0], &v[0], n)
		i = n * current.lanes
	}
	for ; i < len(w); i++ {
		m := min(w[i], v[i])
		if sum := m + (v[i] - m); sum > 1e-300 {
			w[i] = m / sum
		} else {
			w[i] = 0.5
		}
	}
}
