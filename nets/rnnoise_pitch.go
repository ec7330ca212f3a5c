package nets

import "math"

// Periods, in samples at rnnoiseRate.
const (
	shortestPeriod = 60
	longestPeriod  = 768
	pitchWindow    = 960
	periodSamples  = longestPeriod + pitchWindow
)

// pitchFinder finds the period of a voice from frame to frame, by the correlation of what was
// heard with itself. It chooses between candidates that may be close, so it computes in float32 as
// the authors' program does, and adds up in the same order; a product is converted before it is
// added, which keeps compilers from fusing the two.
type pitchFinder struct {
	period   int                          // of the frame before
	gain     float32                      // how periodic that was, 0 to 1
	half     [periodSamples / 2]float32   // what was heard at half the rate, whitened
	quarter  [periodSamples / 4]float32   // at a quarter
	scores   [searchedLags / 2]float32    // correlations
	energies [longestPeriod/2 + 1]float32 // of windows that begin so many samples before the newest
}

// searchedLags is how many periods are tried, from the longest down: others are found as parts of
// these.
const searchedLags = longestPeriod - 3*shortestPeriod

// next returns the period of the newest pitchWindow of x, periodSamples samples.
func (p *pitchFinder) next(x []float32) int {
	p.halve(x)
	p.whiten()
	p.period, p.gain = p.divide(longestPeriod - p.search())
	return p.period
}

// halve filters and takes every second sample.
func (p *pitchFinder) halve(x []float32) {
	p.half[0] = 0.5 * (float32(0.5*x[1]) + x[0])
	for i := 1; i < len(p.half); i++ {
		p.half[i] = 0.5 * (float32(0.5*(x[2*i-1]+x[2*i+1])) + x[2*i])
	}
}

// whiten filters with a linear prediction of order 4, whose poles are drawn in, and a zero.
func (p *pitchFinder) whiten() {
	const zero = 0.8
	a := predictor(p.correlations())
	for i, damp := 0, float32(1); i < len(a); i++ {
		damp *= 0.9
		a[i] *= damp
	}
	taps := [5]float32{a[0] + zero}
	for i := 1; i < 5; i++ {
		taps[i] = float32(zero * a[i-1])
		if i < 4 {
			taps[i] += a[i]
		}
	}
	var past [5]float32
	for i, x := range p.half {
		sum := x
		for k, tap := range taps {
			sum += float32(tap * past[k])
		}
		past = [5]float32{x, past[0], past[1], past[2], past[3]}
		p.half[i] = sum
	}
}

// correlations returns those of half with itself at 0 to 4 samples, with a noise floor of -40 dB,
// windowed.
func (p *pitchFinder) correlations() (c [5]float32) {
	x, whole := p.half[:], len(p.half)-4
	correlate(c[:], x[:whole], x)
	for lag := range c {
		c[lag] += product(x[whole+lag:], x[whole:])
	}
	c[0] *= 1.0001
	for lag := 1; lag < len(c); lag++ {
		w := 0.008 * float32(lag)
		c[lag] -= float32(float32(c[lag]*w) * w)
	}
	return c
}

// predictor returns the coefficients that make the least of what is left of a signal with the
// correlations c (Levinson and Durbin); it stops where a thousandth is left.
func predictor(c [5]float32) (a [4]float32) {
	left := c[0]
	if left == 0 {
		return a
	}
	for i := range a {
		var sum float32
		for j := range i {
			sum += float32(a[j] * c[i-j])
		}
		r := -(sum + c[i+1]) / left
		a[i] = r
		for j := range (i + 1) / 2 {
			x, y := a[j], a[i-1-j]
			a[j], a[i-1-j] = x+float32(r*y), y+float32(r*x)
		}
		left -= float32(float32(r*r) * left)
		if left < float32(0.001*c[0]) {
			break
		}
	}
	return a
}

// search returns by how much the likeliest period is shorter than the longest: first at a quarter
// of the rate, then around the two best at half of it, then between these samples.
func (p *pitchFinder) search() int {
	for i := range p.quarter {
		p.quarter[i] = p.half[2*i]
	}
	coarse := p.scores[:searchedLags/4]
	correlate(coarse, p.quarter[longestPeriod/4:], p.quarter[:])
	around := twoBest(coarse, p.quarter[:], pitchWindow/4)
	fine := p.scores[:]
	clear(fine)
	now := p.half[longestPeriod/2:]
	for _, at := range around {
		for i := max(0, 2*at-2); i <= min(2*at+2, len(fine)-1); i++ {
			fine[i] = max(-1, product(now, p.half[i:]))
		}
	}
	best := twoBest(fine, p.half[:], pitchWindow/2)[0]
	if best == 0 || best == len(fine)-1 {
		return 2 * best
	}
	return 2*best - lean(fine[best-1], fine[best], fine[best+1])
}

// twoBest returns the two lags whose correlations are greatest beside the energies of the windows
// of n samples of y that begin there, the best first.
func twoBest(scores, y []float32, n int) [2]int {
	best, square, energy := [2]int{0, 1}, [2]float32{-1, -1}, [2]float32{}
	e := float32(1)
	for _, v := range y[:n] {
		e += float32(v * v)
	}
	for i, s := range scores {
		if s > 0 {
			s *= 1e-12 // whose square is finite
			sq := float32(s * s)
			better := func(k int) bool { return float32(sq*energy[k]) > float32(square[k]*e) }
			if better(0) {
				best, square, energy = [2]int{i, best[0]}, [2]float32{sq, square[0]}, [2]float32{e, energy[0]}
			} else if better(1) {
				best[1], square[1], energy[1] = i, sq, e
			}
		}
		e = max(1, e+(float32(y[i+n]*y[i+n])-float32(y[i]*y[i])))
	}
	return best
}

// lean returns to which side the greatest of three neighbours leans: -1, 0 or 1.
func lean(before, at, after float32) int {
	if after-before > float32(0.7*(at-before)) {
		return 1
	}
	if before-after > float32(0.7*(at-after)) {
		return -1
	}
	return 0
}

// otherMultiple is which multiple of a k-th of a period must correlate as well as the k-th itself.
var otherMultiple = [16]int{2: 3, 2, 3, 2, 5, 2, 3, 2, 3, 2, 5, 2, 3, 2}

// divide returns the period, or the k-th of it that is as likely, and how periodic x is with it:
// between a k-th and the whole, what was found in the frame before is favoured.
func (p *pitchFinder) divide(period int) (int, float32) {
	const longest, shortest = longestPeriod / 2, shortestPeriod / 2
	whole, before := min(period/2, longest-1), p.period/2
	now, back := p.window(0), func(lag int) float32 { return product(p.window(0), p.window(lag)) }
	own := product(now, now)
	p.sumEnergies(own)
	xy, yy, t := back(whole), p.energies[whole], whole
	gain := periodicity(xy, own, yy)
	all := gain
	for k := 2; k <= 15; k++ {
		part := (2*whole + k) / (2 * k)
		if part < shortest {
			break
		}
		other := (2*otherMultiple[k]*whole + k) / (2 * k)
		if k == 2 {
			if other = whole + part; other > longest {
				other = whole
			}
		}
		c, e := 0.5*(back(part)+back(other)), 0.5*(p.energies[part]+p.energies[other])
		g := periodicity(c, own, e)
		if g > p.threshold(part, k, before, whole, all) {
			xy, yy, t, gain = c, e, part, g
		}
	}
	periodic := float32(1)
	if xy = max(0, xy); yy > xy {
		periodic = xy / (yy + 1)
	}
	found := 2*t + lean(back(t-1), back(t), back(t+1))
	return max(found, shortestPeriod), min(periodic, gain)
}

// window returns the samples that lie so many before the newest, at half the rate.
func (p *pitchFinder) window(lag int) []float32 {
	return p.half[longestPeriod/2-lag:][:pitchWindow/2]
}

// sumEnergies fills energies; the newest window has that one.
func (p *pitchFinder) sumEnergies(newest float32) {
	e, at := newest, longestPeriod/2
	p.energies[0] = e
	for i := 1; i < len(p.energies); i++ {
		first, last := p.half[at-i], p.half[at-i+pitchWindow/2]
		e = e + float32(first*first) - float32(last*last)
		p.energies[i] = max(0, e)
	}
}

// threshold is what the periodicity of a k-th of the whole period must exceed, where the whole has
// that of all.
func (p *pitchFinder) threshold(part, k, before, whole int, all float32) float32 {
	var favour float32
	switch d := max(part-before, before-part); {
	case d <= 1:
		favour = p.gain
	case d == 2 && 5*k*k < whole:
		favour = 0.5 * p.gain
	}
	if part < 3*shortestPeriod/2 { // short periods are found by mistake
		return max(0.4, float32(0.85*all)-favour)
	}
	return max(0.3, float32(0.7*all)-favour)
}

// periodicity is a correlation beside the energies of what is correlated.
func periodicity(xy, xx, yy float32) float32 {
	return float32(float64(xy) / math.Sqrt(float64(1+float32(xx*yy))))
}

// product is the inner product of x with as many of y.
func product(x, y []float32) (sum float32) {
	y = y[:len(x)]
	for i, v := range x {
		sum += float32(v * y[i])
	}
	return sum
}

// correlate sets dst[lag] to the inner product of x with y from lag on.
func correlate(dst, x, y []float32) {
	lag, n := 0, len(x)
	for ; lag+4 <= len(dst); lag += 4 { // sums that do not wait for each other
		y0, y1, y2, y3 := y[lag:][:n], y[lag+1:][:n], y[lag+2:][:n], y[lag+3:][:n]
		var a, b, c, d float32
		for i, v := range x {
			a += float32(v * y0[i])
			b += float32(v * y1[i])
			c += float32(v * y2[i])
			d += float32(v * y3[i])
		}
		dst[lag], dst[lag+1], dst[lag+2], dst[lag+3] = a, b, c, d
	}
	for ; lag < len(dst); lag++ {
		dst[lag] = product(x, y[lag:])
	}
}
