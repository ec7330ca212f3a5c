package factorizers

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
)

// NMF2DParams are the parameters of nmf2d.
type NMF2DParams struct {
	Rank      int     `json:"rank" min:"1" max:"1000" unit:"components" doc:"Number of components K: instruments."`
	Taps      int     `json:"taps" min:"1" max:"1000" unit:"columns" doc:"How many columns long each component is."`
	Pitches   int     `json:"pitches" min:"1" max:"1000" unit:"steps" doc:"At how many pitches, each a step above the one before, each component may sound."`
	PerOctave int     `json:"per_octave" min:"4" max:"240" unit:"steps" doc:"Steps of the logarithmic frequency axis to an octave: 12 are semitones."`
	Lowest    float64 `json:"lowest" min:"1" max:"1e6" unit:"Hz" doc:"Where that axis begins."`
	ConvolutiveParams
}

// DefaultNMF2D returns two components of two columns, over two octaves in quarter tones.
func DefaultNMF2D() NMF2DParams {
	p := NMF2DParams{Rank: 2, Taps: 2, Pitches: 48, PerOctave: 24, Lowest: 55, ConvolutiveParams: defaultConvolutive()}
	p.Restarts = 3
	return p
}

var nmf2dStage = audiosep.Define("nmf2d",
	`Convolutive NMF in time and in pitch: each component is a picture on a logarithmic frequency axis, an instrument, that sounds at any of several pitches by being shifted along it, V(f, n) ≈ Σ_kτφ w_kτ(f-φ) h_kφ(n-τ) (Schmidt and Mørup, Nonnegative matrix factor 2-D deconvolution for blind single channel source separation, ICA 2006).
V is brought to that axis, factorised there, and the pictures are brought back to the bins: the factors have a component for each column and pitch of each picture, K·T·P in all, and sources that tell whose they are. The objective is that on the logarithmic axis. It wants the power of an stft or a dct, whose bins have frequencies.`,
	DefaultNMF2D(), NewNMF2D)

// NMF2D is the stage nmf2d.
type NMF2D struct{ p NMF2DParams }

// NewNMF2D returns the stage. It is an error if p is out of the ranges in its tags.
func NewNMF2D(p NMF2DParams) (*NMF2D, error) {
	if err := audiosep.CheckStruct(p); err != nil {
		return nil, err
	}
	return &NMF2D{p}, nil
}

// NMF2DIn is what nmf2d takes.
type NMF2DIn struct {
	Power audiosep.Power `port:"power"`
}

// NMF2DOut is what nmf2d makes: W, F×(K·T·P), column (k·T+τ)·P+φ being w_kτ at pitch φ, and H.
type NMF2DOut struct {
	Factors *audiosep.Factors `port:"factors"`
}

// Forecast says what is known of the factors before they are there.
func (s *NMF2D) Forecast(map[string]audiosep.Forecast) (map[string]audiosep.Forecast, error) {
	return map[string]audiosep.Forecast{"factors": {Rank: s.p.Rank * s.p.Taps * s.p.Pitches, Sources: componentNames(s.p.Rank)}}, nil
}

// Run factorises V. It is an error if bins have no frequencies, or the axis no room for the
// pitches.
func (s *NMF2D) Run(ctx context.Context, env audiosep.Env, in NMF2DIn) (NMF2DOut, error) {
	hz := in.Power.Hz()
	if hz == nil {
		return NMF2DOut{}, fmt.Errorf("the bins have no frequencies; want the power of an stft or a dct")
	}
	axis, err := newLogAxis(hz, s.p.Lowest, s.p.PerOctave)
	if err != nil {
		return NMF2DOut{}, err
	}
	if len(axis.steps) <= s.p.Pitches {
		return NMF2DOut{}, &audiosep.ParamError{Name: "pitches", What: fmt.Sprintf("is %d, but from lowest, %g Hz, to the highest bin, %g Hz, there are %d steps; want fewer", s.p.Pitches, s.p.Lowest, hz[len(hz)-1], len(axis.steps))}
	}
	v, err := in.Power.V(ctx)
	if err != nil {
		return NMF2DOut{}, err
	}
	if err := checkPower(v, s.p.Beta, s.p.Eps); err != nil {
		return NMF2DOut{}, err
	}
	bins, cols := v.Dims()
	if err := checkRank(s.p.Rank*s.p.Taps*s.p.Pitches, bins, cols); err != nil {
		return NMF2DOut{}, fmt.Errorf("rank times taps times pitches: %w", err)
	}
	onAxis := layOut(axis.of(magnitude(v, s.p.Power)))
	f, err := s.p.least(ctx, env, onAxis, func(seed string) (w, h *mat.Dense) {
		rng := env.Rand(seed)
		w, h = randomPositive(rng, len(axis.steps), s.p.Rank*s.p.Taps), randomPositive(rng, s.p.Rank*s.p.Pitches, cols)
		normaliseColumns(w)
		h.Scale(onAxis.Sum()/math.Max(mat.Sum(h)*float64(s.p.Taps), 1e-300), h)
		return w, h
	}, s.p.Taps, s.p.Pitches)
	if err != nil {
		return NMF2DOut{}, err
	}
	f.W = axis.back(f.W)
	scaleToSums(f.W, f.H)
	framing := in.Power.Framing()
	f.Framing, f.Hz = &framing, hz
	f.Sources = widened(nil, s.p.Rank, s.p.Taps*s.p.Pitches)
	return NMF2DOut{f}, nil
}

// scaleToSums makes the columns of w sum to 1 and scales the rows of h, so that wh stays. A column
// that is 0 gets a flat spectrum, and 0 for its activation.
func scaleToSums(w, h *mat.Dense) {
	bins, _ := w.Dims()
	sums := columnSums(w)
	for f := range bins {
		for i, sum := range sums {
			if sum > 0 {
				w.Set(f, i, w.At(f, i)/sum)
			} else {
				w.Set(f, i, 1/float64(bins))
			}
		}
	}
	for i, sum := range sums {
		floats.Scale(sum, h.RawRowView(i))
	}
}

// logAxis is a logarithmic frequency axis beside bins of given frequencies.
type logAxis struct {
	steps [][]weighted // of each step, the bins that it is the mean of
	bins  [][]weighted // of each bin, the steps that it is between
}

// weighted is a bin or a step and its weight; weights sum to 1.
type weighted struct {
	at     int
	weight float64
}

// newLogAxis returns the axis from lowest up to the last of hz, which ascend. A step is the mean
// of the bins less than a step away, weighted by a triangle, or where there are fewer than two,
// it lies between two bins.
func newLogAxis(hz []float64, lowest float64, perOctave int) (*logAxis, error) {
	last := len(hz) - 1
	if last < 1 || hz[last] <= lowest {
		return nil, &audiosep.ParamError{Name: "lowest", What: fmt.Sprintf("is %g Hz, but the highest bin is at %g Hz; want it lower", lowest, hz[max(0, last)])}
	}
	position := func(f int) float64 { return float64(perOctave) * math.Log2(hz[f]/lowest) }
	a := &logAxis{bins: make([][]weighted, len(hz))}
	for g := range int(position(last)+1e-9) + 1 {
		var near []weighted
		var sum float64
		for f, h := range hz {
			if h > 0 {
				if w := 1 - math.Abs(position(f)-float64(g)); w > 1e-9 {
					near, sum = append(near, weighted{f, w}), sum+w
				}
			}
		}
		if len(near) < 2 && sum < 1-1e-6 {
			near, sum = between(hz, lowest*math.Exp2(float64(g)/float64(perOctave))), 1
		}
		for i := range near {
			near[i].weight /= sum
		}
		a.steps = append(a.steps, near)
	}
	for f, h := range hz {
		g := 0.0
		if h > lowest {
			g = min(position(f), float64(len(a.steps)-1))
		}
		low := int(g)
		a.bins[f] = []weighted{{low, 1 - (g - float64(low))}}
		if low+1 < len(a.steps) {
			a.bins[f] = append(a.bins[f], weighted{low + 1, g - float64(low)})
		}
	}
	return a, nil
}

// between returns the two of ascending frequencies around one, and how near it is to each.
func between(hz []float64, at float64) []weighted {
	f := 1
	for f < len(hz)-1 && hz[f] < at {
		f++
	}
	high := min(max((at-hz[f-1])/(hz[f]-hz[f-1]), 0), 1)
	return []weighted{{f - 1, 1 - high}, {f, high}}
}

// of returns the rows of v, a bin each, as steps.
func (a *logAxis) of(v *mat.Dense) *mat.Dense { return mixRows(v, a.steps) }

// back returns the rows of v, a step each, as bins.
func (a *logAxis) back(v *mat.Dense) *mat.Dense { return mixRows(v, a.bins) }

func mixRows(v *mat.Dense, rows [][]weighted) *mat.Dense {
	_, cols := v.Dims()
	out := mat.NewDense(len(rows), cols, nil)
	for i, from := range rows {
		for _, w := range from {
			floats.AddScaled(out.RawRowView(i), w.weight, v.RawRowView(w.at))
		}
	}
	return out
}
