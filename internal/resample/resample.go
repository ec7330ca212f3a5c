// Package resample changes the sample rate of signals that are read from anywhere.
package resample

import (
	"context"
	"fmt"
	"math"
	"sync"

	"github.com/audiosep/audiosep/internal/kernel"
)

// The filter is Kaiser's: attenuation A = 8.7 + β/0.1102 dB, transition band as in Kaiser,
// Nonrecursive digital filter design using the I0-sinh window function (1974).
const (
	// KaiserBeta is the shape of the window, for -123 dB.
	KaiserBeta    = 12.6
	zeroCrossings = 96 // on either side
	// mostWeights bounds the table of weights; a filter of more phases computes them anew.
	mostWeights = 1 << 22
)

// A Reader fills dst[layer] with the samples from at on, zeros outside the signal.
type Reader func(ctx context.Context, dst [][]float64, at int) error

// Filter reads signals at another rate: sample n lies at n·down/up samples of theirs. It may be
// used from several goroutines at once.
type Filter struct {
	up, down int       // without a common divisor
	half     int       // the filter reaches so many samples of the source to either side
	cutoff   float64   // of the filter, as part of half the source's rate
	row      int       // 2·half, rounded up to what kernel.Dots likes
	weights  []float64 // [phase*row+tap], 0 behind the 2·half taps; nil if there would be too many
}

// mostRatio is how many times as many samples, or as few, a signal can get. Beyond that a rate is hardly meant: the filter
// reaches over so many samples of the source as the ratio has, 100 times, for each phase.
const mostRatio = 256

// Check says why a recording is not brought from one rate to another, in Hz.
func Check(from, to int) error {
	if from < 1 || to < 1 {
		return fmt.Errorf("the sample rates are %d and %d Hz; want them positive", from, to)
	}
	most, least := max(from, to), min(from, to)
	if (most+least-1)/least <= mostRatio {
		return nil
	}
	return fmt.Errorf("the sample rate is %d Hz, and %d Hz differs by a factor of more than %d; want a recording whose rate is right, or a rate nearer to it", from, to, mostRatio)
}

// New returns a windowed-sinc filter whose aliases lie below -120 dB and which keeps what is
// below 0.92 of half the lower rate. Both rates are in Hz, and such that Check has nothing against them.
func New(from, to int) *Filter {
	f := design(from, to)
	if f.tabled() {
		f.weights = make([]float64, 0, f.up*f.row)
		for phase := range f.up {
			f.weights = f.appendWeights(f.weights, phase)
		}
	}
	return f
}

// design returns a filter without its weights.
func design(from, to int) *Filter {
	g := gcd(from, to)
	f := &Filter{up: to / g, down: from / g}
	// The transition band, as part of half the rate, ends where aliases begin.
	transition := 2 * (8.7 + KaiserBeta/0.1102 - 7.95) / (14.36 * 2 * zeroCrossings)
	lower := min(1, float64(f.up)/float64(f.down))
	f.cutoff = lower * (1 - transition/2)
	f.half = int(math.Ceil(zeroCrossings / f.cutoff))
	f.row = (2*f.half + kernel.DotUnit - 1) / kernel.DotUnit * kernel.DotUnit
	return f
}

// tabled tells whether the weights of all phases are computed once.
func (f *Filter) tabled() bool { return f.up <= mostWeights/f.row }

// What it takes to multiply a sample by its weight and add it, and to compute a weight, in operations as
// audiosep.Needs counts them: both are measured.
const (
	tapWork    = 20
	weightWork = 5000
)

// Work returns how many operations, as audiosep.Needs counts them, it takes to bring samples of so many layers from one
// rate to another, the making of the filter included.
func Work(from, to, samples, layers int) float64 {
	if from == to || Check(from, to) != nil {
		return 0
	}
	f := design(from, to)
	made, row := float64(samples)*float64(to)/float64(from), float64(f.row)
	weights := made * row // computed anew for each sample, once for all layers
	if f.tabled() {
		weights = float64(f.up) * row
	}
	return made*row*float64(layers)*tapWork + weights*weightWork
}

// Samples returns how many samples a signal of n has at the new rate.
func (f *Filter) Samples(n int) int { return (n*f.up + f.down - 1) / f.down }

// Reach returns which samples of the source, first to last, sample n is made of.
func (f *Filter) Reach(n int) (first, last int) {
	at := n * f.down / f.up
	return at - f.half + 1, at + f.half
}

// appendWeights appends those of the 2·half samples around a place phase/up after the
// half-th of them. They are divided by their sum, so that a constant stays what it is.
func (f *Filter) appendWeights(w []float64, phase int) []float64 {
	at, from, sum := float64(phase)/float64(f.up), len(w), 0.0
	for tap := range 2 * f.half {
		t := float64(tap-f.half+1) - at // from the place to the sample
		v := Sinc(f.cutoff*t) * Kaiser(t/float64(f.half))
		w, sum = append(w, v), sum+v
	}
	for i := from; i < len(w); i++ {
		w[i] /= sum
	}
	for len(w) < from+f.row {
		w = append(w, 0)
	}
	return w
}

// Sinc returns sin(πx)/(πx).
func Sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}

// Kaiser returns the window with KaiserBeta at x, -1 to 1; zero beyond.
func Kaiser(x float64) float64 {
	if x <= -1 || x >= 1 {
		return 0
	}
	return BesselI0(KaiserBeta*math.Sqrt(1-x*x)) / kaiserMost
}

// kaiserMost is what the window is divided by, so that it is 1 at 0.
var kaiserMost = BesselI0(KaiserBeta)

// BesselI0 returns the modified Bessel function I₀ of 0 ≤ x ≤ 700 by its power series, whose terms
// are all positive (Abramowitz and Stegun 9.6.12).
func BesselI0(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > 1e-17*sum; k++ {
		term *= x * x / (4 * k * k)
		sum += term
	}
	return sum
}

// Read fills dst[layer] with the samples from at on of a signal that has so many at the new rate;
// zeros outside. A sample's bits do not depend on which others are read.
func (f *Filter) Read(ctx context.Context, dst [][]float64, at, samples int, src Reader) error {
	const run = 1 << 14 // so that little of the source is in memory at a time
	for from := 0; from < len(dst[0]); from += run {
		part := make([][]float64, len(dst))
		for l := range dst {
			part[l] = dst[l][from:min(from+run, len(dst[l]))]
		}
		if err := f.read(ctx, part, at+from, samples, src); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (f *Filter) read(ctx context.Context, dst [][]float64, at, samples int, src Reader) error {
	from, to := max(at, 0), min(at+len(dst[0]), samples)
	for _, d := range dst {
		clear(d)
	}
	if from >= to {
		return nil
	}
	first, _ := f.Reach(from)
	_, last := f.Reach(to - 1)
	x := make([][]float64, len(dst))
	for l := range x { // with room for the zeros of the last row of weights
		x[l] = make([]float64, last-first+1, last-first+1+f.row-2*f.half)
	}
	if err := src(ctx, x, first); err != nil {
		return err
	}
	if f.weights == nil || len(dst) == 1 { // weights that are computed anew are so once for all layers
		f.sum(dst, x, from, to, at, first)
		return nil
	}
	var wg sync.WaitGroup
	for l := range dst { // each layer by itself: they differ in nothing else
		wg.Go(func() { f.sum(dst[l:l+1], x[l:l+1], from, to, at, first) })
	}
	wg.Wait()
	return nil
}

// sum computes samples from to to-1 of some layers, dst being those from at on and x the source's from
// first on.
func (f *Filter) sum(dst, x [][]float64, from, to, at, first int) {
	var own []float64
	var dots kernel.Dots
	for n := from; n < to; n++ {
		whole, phase := n*f.down/f.up, n*f.down%f.up
		w := own
		if f.weights != nil {
			w = f.weights[phase*f.row : (phase+1)*f.row]
		} else {
			own = f.appendWeights(own[:0], phase)
			w = own
		}
		for l, d := range dst {
			d[n-at] = dots.Dot(w, x[l][whole-f.half+1-first:][:f.row])
		}
	}
}

func gcd(a, b int) int {
	for b > 0 {
		a, b = b, a%b
	}
	return a
}
