package separators

import (
	"context"
	"log/slog"
	"runtime"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/blocks"
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

// beatFrames is how many frames are compared with those behind them at once.
const beatFrames = 256

// beatSpectrum returns b(l) = Σ_nf P(n, f) P(n+l, f) / ((N-l) F) for the lags l below lags, P
// being the power averaged over layers (Foote and Uchihashi, The beat spectrum, 2001). lags is
// at most N. No more than beatFrames+lags frames are in memory at a time.
func beatSpectrum(ctx context.Context, x audiosep.Spectra, lags int) ([]float64, error) {
	frames, bins := x.Framing().Frames(), x.Transform().Bins()
	beat := make([]float64, lags)
	var power []float64 // of the frames from `from` on
	from, to := 0, 0
	s := new(audiosep.Spectrogram)
	products := make([]float64, beatFrames*(beatFrames+lags))
	for at := 0; at < frames; at += beatFrames {
		power, from = power[:copy(power, power[(at-from)*bins:])], at
		for last := min(at+beatFrames+lags, frames); to < last; {
			n := min(beatFrames, last-to)
			if err := x.Read(ctx, s, to, n); err != nil {
				return nil, err
			}
			power = appendPower(power, s)
			to += n
		}
		n := min(beatFrames, frames-at)
		a := blas64.General{Rows: n, Cols: bins, Stride: bins, Data: power}
		b := blas64.General{Rows: to - from, Cols: bins, Stride: bins, Data: power}
		c := blas64.General{Rows: n, Cols: to - from, Stride: to - from, Data: products}
		kernel.Gemm(blas.NoTrans, blas.Trans, 1, a, b, 0, c)
		for i := range n {
			for l, v := range c.Data[i*c.Stride+i : i*c.Stride+min(i+lags, c.Cols)] {
				beat[l] += v
			}
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	for l := range beat {
		beat[l] /= float64(frames-l) * float64(bins)
	}
	return beat, nil
}

// appendPower appends the mean power of the layers of s.
func appendPower(power []float64, s *audiosep.Spectrogram) []float64 {
	from := len(power)
	power = append(power, s.Layers[0].Re...)
	clear(power[from:])
	for _, mix := range s.Layers {
		kernel.AddPower(power[from:], mix.Re, mix.Im)
	}
	for i := range power[from:] {
		power[from+i] /= float64(len(s.Layers))
	}
	return power
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
					r.magnitude = magnitudes(r.magnitude, mix)
					r.values[l] = append(r.values[l], r.magnitude...)
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
	s         audiosep.Spectrogram
	magnitude []float64
	values    [][]float64 // of each layer: those of a run of frames, a period later, …; the last may be shorter
	line      []float64
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
