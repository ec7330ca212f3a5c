package separators

import (
	"context"
	"log/slog"
	"runtime"
	"slices"

	"gonum.org/v1/gonum/floats"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/blocks"
	"github.com/audiosep/audiosep/internal/fft"
	"github.com/audiosep/audiosep/internal/kernel"
)

// REPETParams are the parameters of repet.
type REPETParams struct {
	Period    *float64 `json:"period" min:"0.001" max:"1e6" unit:"s" doc:"How long the background takes to repeat; found by the beat spectrum if left open."`
	MinPeriod float64  `json:"min_period" min:"0.001" max:"1e6" unit:"s" doc:"The least period looked for."`
	MaxPeriod float64  `json:"max_period" min:"0.001" max:"1e6" unit:"s" doc:"The greatest period looked for, a third of the recording at most."`
	BackgroundParams
}

// DefaultREPET returns the parameters of the paper: periods of 0.8 to 8 s, masks W/V.
func DefaultREPET() REPETParams {
	return REPETParams{MinPeriod: 0.8, MaxPeriod: 8, BackgroundParams: defaultBackground()}
}

var repetStage = audiosep.Define("repet",
	`Tells an accompaniment that repeats with one period from what varies over it, such as a voice: the median over all repetitions is the background (Rafii and Pardo, REpeating Pattern Extraction Technique (REPET): a simple method for music/voice separation, 2013).
The period is where the beat spectrum, the autocorrelation of the power along time averaged over frequencies, is greatest. Each channel has its own background.`,
	DefaultREPET(), NewREPET, audiosep.Sums)

// REPET is the stage repet.
type REPET struct {
	BackgroundParams
	p REPETParams
}

// Validate checks what the ranges do not say.
func (p REPETParams) Validate() error {
	if p.Period == nil && p.MinPeriod > p.MaxPeriod {
		return &audiosep.ParamError{Name: "min_period", What: "is greater than max_period; want it the other way round"}
	}
	return nil
}

// NewREPET returns a stage that separates as p says.
func NewREPET(p REPETParams) (*REPET, error) {
	if err := audiosep.CheckStruct(p); err != nil {
		return nil, err
	}
	return &REPET{p.BackgroundParams, p}, nil
}

// Run finds the period and the background; the stems are separated as they are taken.
func (s *REPET) Run(ctx context.Context, env audiosep.Env, in BackgroundIn) (BackgroundOut, error) {
	x := in.Coefs
	period, err := s.period(ctx, x)
	if err != nil {
		return BackgroundOut{}, err
	}
	frames := x.Framing().Frames()
	env.Logger().Info("repeats", slog.Float64("period_s", float64(period*x.Framing().Hop)/float64(x.Framing().Rate)))
	if period >= frames {
		env.Logger().Warn("the recording is too short to repeat; all of it is background")
	}
	model, err := repetitions(ctx, x, period)
	if err != nil {
		return BackgroundOut{}, err
	}
	bins := x.Transform().Bins()
	return BackgroundOut{s.separated(x, func(w, _ []float64, layer, first, n int) {
		for i := range n {
			at := (first + i) % period * bins
			copy(w[i*bins:(i+1)*bins], model[layer][at:at+bins])
		}
	})}, nil
}

// period returns how many frames the background takes to repeat: all where there is no room
// for three periods.
func (s *REPET) period(ctx context.Context, x audiosep.Spectra) (int, error) {
	frames := x.Framing().Frames()
	if s.p.Period != nil {
		return min(inFrames(x, *s.p.Period), max(1, frames)), nil
	}
	least, most := inFrames(x, s.p.MinPeriod), min(inFrames(x, s.p.MaxPeriod), frames/3)
	if least > most {
		return max(1, frames), nil
	}
	beat, err := beatSpectrum(ctx, x, most+1)
	if err != nil {
		return 0, err
	}
	best := least
	for lag := least; lag <= most; lag++ {
		if beat[lag] > beat[best] {
			best = lag
		}
	}
	return best, nil
}

// beatFrames is how many frames are read at once, leastSegment of how many segments are at least.
const beatFrames, leastSegment = 256, 512

// beatSpectrum returns b(l) = Σ_nf P(n, f) P(n+l, f) / ((N-l) F) for the lags l below lags, P
// being the power averaged over layers (Foote and Uchihashi, The beat spectrum, 2001). lags is
// at most N.
func beatSpectrum(ctx context.Context, x audiosep.Spectra, lags int) ([]float64, error) {
	frames, bins := x.Framing().Frames(), x.Transform().Bins()
	c := newCorrelation(lags, bins)
	s := new(audiosep.Spectrogram)
	for at := 0; at < frames; at += c.segment {
		for from := at; from < min(frames, at+c.segment); from += s.N {
			if err := x.Read(ctx, s, from, min(beatFrames, frames-from, at+c.segment-from)); err != nil {
				return nil, err
			}
			c.fill(s, from-at)
		}
		c.add(min(c.segment, frames-at))
	}
	beat := c.of(lags)
	for l := range beat {
		beat[l] /= float64(frames-l) * float64(bins)
	}
	return beat, nil
}

// correlation is that of the power with itself along time, summed over bins. It is made by the
// Fourier transforms X of segments of L frames and as many zeros. With L zeros before it a
// segment has the transform (-1)^k X(k), so that the correlation of a segment with itself and
// with the next, X', has the transform X*(k) (X(k) + (-1)^k X'(k)): each frame is transformed once
// and two segments are in memory. Two bins are transformed as one complex signal: the real part
// of what comes of it is the sum of the correlations of both.
type correlation struct {
	half         int // columns: bins f and f+half are one
	stride       int
	segment      int // L, at least the lags
	along        *fft.Columns
	last, now    [2][]float64 // real and imaginary parts, [k*stride+column]
	sumRe, sumIm []float64    // of each run of columns: [run*2L+k]
}

// correlationColumns is how many columns are transformed and summed at once.
const correlationColumns = 64

func newCorrelation(lags, bins int) *correlation {
	c := &correlation{half: (bins + 1) / 2, segment: fft.Quick(max(leastSegment, lags))}
	c.stride = strideOf(c.half)
	c.along = fft.NewColumns(2 * c.segment)
	for i := range 2 {
		c.last[i], c.now[i] = make([]float64, 2*c.segment*c.stride), make([]float64, 2*c.segment*c.stride)
	}
	sums := (c.half + correlationColumns - 1) / correlationColumns * 2 * c.segment
	c.sumRe, c.sumIm = make([]float64, sums), make([]float64, sums)
	return c
}

// fill sets frames of the segment at hand to the power of s.
func (c *correlation) fill(s *audiosep.Spectrogram, at int) {
	bins := s.Transform.Bins()
	for n := range s.N {
		first, second := c.now[0][(at+n)*c.stride:][:c.stride], c.now[1][(at+n)*c.stride:][:c.stride]
		clear(first)
		clear(second)
		for _, mix := range s.Layers {
			x := mix.Slice(n, n+1, bins)
			low, high := x.Slice(0, 1, c.half), audiosep.Coefs{Re: x.Re[c.half:]}
			if x.Im != nil {
				high.Im = x.Im[c.half:]
			}
			kernel.AddPower(first[:c.half], low.Re, low.Im)
			kernel.AddPower(second[:bins-c.half], high.Re, high.Im)
		}
		if len(s.Layers) > 1 {
			floats.Scale(1/float64(len(s.Layers)), first)
			floats.Scale(1/float64(len(s.Layers)), second)
		}
	}
}

// add transforms the segment at hand, of so many frames, and adds its correlations.
func (c *correlation) add(frames int) {
	clear(c.now[0][frames*c.stride:])
	clear(c.now[1][frames*c.stride:])
	inRuns(c.half, correlationColumns, func(q, n int) {
		c.along.Run(c.now[0][q:], c.now[1][q:], c.stride, n)
		sums := q / correlationColumns * 2 * c.segment
		sign := 1.0
		for k := range 2 * c.segment {
			at := k*c.stride + q
			re, im, lastRe, lastIm := c.now[0][at:at+n], c.now[1][at:at+n], c.last[0][at:at+n], c.last[1][at:at+n]
			var own, acrossRe, acrossIm float64
			for j, r := range re {
				own += r*r + im[j]*im[j]
				acrossRe += lastRe[j]*r + lastIm[j]*im[j]
				acrossIm += lastRe[j]*im[j] - lastIm[j]*r
			}
			c.sumRe[sums+k] += own + sign*acrossRe
			c.sumIm[sums+k] += sign * acrossIm
			sign = -sign
		}
	})
	c.last, c.now = c.now, c.last
}

// of returns the correlation at the lags below lags.
func (c *correlation) of(lags int) []float64 {
	size := 2 * c.segment
	re, im := c.sumRe[:size], c.sumIm[:size]
	for at := size; at < len(c.sumRe); at += size {
		floats.Add(re, c.sumRe[at:at+size])
		floats.Add(im, c.sumIm[at:at+size])
	}
	c.along.Run(im, re, 1, 1)
	floats.Scale(1/float64(size), re)
	return re[:lags]
}

// repetitionNumbers is how many magnitudes are compared at once in one goroutine.
const repetitionNumbers = 1 << 20

// repetitions returns the median of the magnitudes of frames t, t+period, t+2·period, … of each
// layer, [layer][t*F+f].
func repetitions(ctx context.Context, x audiosep.Spectra, period int) ([][]float64, error) {
	frames, bins, layers := x.Framing().Frames(), x.Transform().Bins(), x.Framing().Layers()
	model := make([][]float64, layers)
	for l := range model {
		model[l] = make([]float64, period*bins)
	}
	count := (frames + period - 1) / period
	size := max(1, repetitionNumbers/max(1, count*bins*layers))
	err := blocks.Run(ctx, min(period, frames), size, runtime.GOMAXPROCS(0), func() *repeated { return newRepeated(layers) },
		func(ctx context.Context, r *repeated, first, n int) error {
			for l := range r.values {
				r.values[l] = r.values[l][:0]
			}
			for at := first; at < frames; at += period {
				if err := x.Read(ctx, &r.s, at, min(n, frames-at)); err != nil {
					return err
				}
				for l, mix := range r.s.Layers {
					done := len(r.values[l])
					r.values[l] = slices.Grow(r.values[l], max(len(mix.Re), count*n*bins-done))[:done+len(mix.Re)]
					setMagnitudes(r.values[l][done:], mix)
				}
			}
			for l, values := range r.values {
				r.medians(model[l][first*bins:(first+n)*bins], values, n*bins)
			}
			return nil
		},
		func(context.Context, *repeated, int, int) error { return nil })
	return model, err
}

// repeated is what one goroutine needs to find medians over repetitions.
type repeated struct {
	s      audiosep.Spectrogram
	values [][]float64 // of each layer: those of a run of frames, a period later, …; the last may be shorter
	line   []float64
}

func newRepeated(layers int) *repeated { return &repeated{values: make([][]float64, layers)} }

// medians sets dst[i] to the median of values[i], values[i+size], values[i+2·size], ….
func (r *repeated) medians(dst, values []float64, size int) {
	for i := range dst {
		r.line = r.line[:0]
		for j := i; j < len(values); j += size {
			r.line = append(r.line, values[j])
		}
		dst[i] = medianAny(r.line)
	}
}
