package audio

import (
	"context"
	"math"

	"github.com/audiosep/audiosep"
)

// ResampleParams are the parameters of resample.
type ResampleParams struct {
	Rate int `json:"rate" min:"1" max:"10000000" unit:"Hz" doc:"The sample rate to have."`
}

var resampleStage = audiosep.Define("resample",
	`Changes the sample rate, by a windowed-sinc filter whose aliases lie below -120 dB. What is below 0.92 of half the lower rate is kept.
Sample 0 stays where it is. Where the rate is that already, nothing is changed.`,
	ResampleParams{Rate: 44100}, NewResample, audiosep.Lazy)

// Resample is the stage resample.
type Resample struct{ p ResampleParams }

// NewResample returns a stage that changes the rate to p's.
func NewResample(p ResampleParams) (*Resample, error) {
	if err := audiosep.CheckStruct(p); err != nil {
		return nil, err
	}
	return &Resample{p}, nil
}

// The filter is Kaiser's: attenuation A = 8.7 + β/0.1102 dB, transition band as in Kaiser,
// Nonrecursive digital filter design using the I0-sinh window function (1974).
const (
	kaiserBeta    = 12.6
	zeroCrossings = 96 // on either side
	// mostWeights bounds the table of weights; a filter of more phases computes them anew.
	mostWeights = 1 << 22
)

// Run returns the recording at the new rate.
func (s *Resample) Run(ctx context.Context, _ audiosep.Env, in In) (Out, error) {
	h, err := in.Audio.Head(ctx)
	if err != nil || h.Rate == s.p.Rate {
		return Out(in), err
	}
	return Out{newResampled(in.Audio, h, s.p.Rate)}, nil
}

// resampled is a recording at another rate: sample n lies at n·down/up samples of the source.
type resampled struct {
	src      audiosep.Source
	head     audiosep.Head
	up, down int       // without a common divisor
	half     int       // the filter reaches so many samples of the source to either side
	cutoff   float64   // of the filter, as part of half the source's rate
	weights  []float64 // [phase*(2·half)+tap]; nil if there would be too many
}

func newResampled(src audiosep.Source, h audiosep.Head, rate int) *resampled {
	g := gcd(h.Rate, rate)
	r := &resampled{src: src, head: h, up: rate / g, down: h.Rate / g}
	r.head.Rate = rate
	r.head.Samples = ceilDiv(h.Samples*r.up, r.down)
	// The transition band, as part of half the rate, ends where aliases begin.
	transition := 2 * (8.7 + kaiserBeta/0.1102 - 7.95) / (14.36 * 2 * zeroCrossings)
	lower := min(1, float64(r.up)/float64(r.down))
	r.cutoff = lower * (1 - transition/2)
	r.half = int(math.Ceil(zeroCrossings / r.cutoff))
	if r.up <= mostWeights/(2*r.half) {
		r.weights = make([]float64, 0, r.up*2*r.half)
		for phase := range r.up {
			r.weights = r.appendWeights(r.weights, phase)
		}
	}
	return r
}

// appendWeights appends those of the 2·half samples around a place phase/up after the
// half-th of them. They are divided by their sum, so that a constant stays what it is.
func (r *resampled) appendWeights(w []float64, phase int) []float64 {
	at, from, sum := float64(phase)/float64(r.up), len(w), 0.0
	for tap := range 2 * r.half {
		t := float64(tap-r.half+1) - at // from the place to the sample
		v := sinc(r.cutoff*t) * kaiser(t/float64(r.half))
		w, sum = append(w, v), sum+v
	}
	for i := from; i < len(w); i++ {
		w[i] /= sum
	}
	return w
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}

// kaiser returns the window at x, -1 to 1; zero beyond.
func kaiser(x float64) float64 {
	if x <= -1 || x >= 1 {
		return 0
	}
	return besselI0(kaiserBeta*math.Sqrt(1-x*x)) / besselI0(kaiserBeta)
}

// besselI0 is the modified Bessel function of order 0, by its power series.
func besselI0(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > 1e-17*sum; k++ {
		term *= x * x / (4 * k * k)
		sum += term
	}
	return sum
}

func (r *resampled) Head(context.Context) (audiosep.Head, error) { return r.head, nil }

func (r *resampled) ReadAt(ctx context.Context, dst [][]float64, at int) error {
	const run = 1 << 14 // so that little of the source is in memory at a time
	for from := 0; from < len(dst[0]); from += run {
		part := make([][]float64, len(dst))
		for l := range dst {
			part[l] = dst[l][from:min(from+run, len(dst[l]))]
		}
		if err := r.read(ctx, part, at+from); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (r *resampled) read(ctx context.Context, dst [][]float64, at int) error {
	from, to := max(at, 0), min(at+len(dst[0]), r.head.Samples)
	for _, d := range dst {
		clear(d)
	}
	if from >= to {
		return nil
	}
	first := from*r.down/r.up - r.half + 1
	last := (to-1)*r.down/r.up + r.half
	x := make([][]float64, len(dst))
	for l := range x {
		x[l] = make([]float64, last-first+1)
	}
	if err := r.src.ReadAt(ctx, x, first); err != nil {
		return err
	}
	var own []float64
	for n := from; n < to; n++ {
		whole, phase := n*r.down/r.up, n*r.down%r.up
		w := own
		if r.weights != nil {
			w = r.weights[phase*2*r.half : (phase+1)*2*r.half]
		} else {
			own = r.appendWeights(own[:0], phase)
			w = own
		}
		for l, d := range dst {
			d[n-at] = dot(w, x[l][whole-r.half+1-first:])
		}
	}
	return nil
}

// dot returns Σ w_i x_i, in an order that does not depend on where they stand in memory.
func dot(w, x []float64) float64 {
	x = x[:len(w)]
	var a, b, c, d float64
	i := 0
	for ; i+4 <= len(w); i += 4 {
		a += w[i] * x[i]
		b += w[i+1] * x[i+1]
		c += w[i+2] * x[i+2]
		d += w[i+3] * x[i+3]
	}
	for ; i < len(w); i++ {
		a += w[i] * x[i]
	}
	return (a + b) + (c + d)
}

func gcd(a, b int) int {
	for b > 0 {
		a, b = b, a%b
	}
	return a
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }
