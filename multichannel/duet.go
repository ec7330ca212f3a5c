package multichannel

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/blocks"
	"github.com/audiosep/audiosep/internal/counted"
)

// DUETParams are the parameters of duet.
type DUETParams struct {
	Sources   int       `json:"sources" min:"1" max:"32" doc:"How many sources."`
	Positions []float64 `json:"positions" min:"-45" max:"45" unit:"°" doc:"Where each source was panned: -45 is the left loudspeaker, 0 the middle. Left open, they are found."`
	Exponent  float64   `json:"exponent" min:"0.1" max:"100" doc:"How sharply coefficients between two positions are shared out: a great one gives each to the nearest source."`
}

// DefaultDUET returns the defaults of duet.
func DefaultDUET() DUETParams { return DUETParams{Sources: 2, Positions: []float64{}, Exponent: 2} }

var duetStage = audiosep.Define("duet",
	`Separates sources of a stereo recording that were panned: mixed with a gain for each channel, and no delay. A coefficient belongs to the sources whose position its two channels fit.
The positions are the peaks of a histogram of those of all coefficients, each as heavy as it is loud; sources are numbered from left to right. What overlaps is shared out by 1/(squared distance from the position)^exponent: follow it by mwf_em, which takes more of it apart. Two sources in one place, as the middle often has, stay together; reverberation and recordings of microphones apart are for the other stages (Yilmaz and Rickard, Blind separation of speech mixtures via time-frequency masking, 2004, with the gains alone).`,
	DefaultDUET(), NewDUET, audiosep.Sums)

// Validate checks what the ranges do not say.
func (p DUETParams) Validate() error {
	if n := len(p.Positions); n > 0 && n != p.Sources {
		return &audiosep.ParamError{Name: "positions", What: fmt.Sprintf("has %s; want %d, one for each source, or none", counted.Of(n, "entry"), p.Sources)}
	}
	return nil
}

// DUET is the stage duet.
type DUET struct{ p DUETParams }

// NewDUET returns a stage that separates as p says. It is an error if p is out of the ranges in
// its tags, as in a spec.
func NewDUET(p DUETParams) (*DUET, error) {
	if err := audiosep.CheckStruct(p); err != nil {
		return nil, err
	}
	return &DUET{p}, nil
}

// Forecast says how the sources will be called.
func (s *DUET) Forecast(map[string]audiosep.Forecast) (map[string]audiosep.Forecast, error) {
	return map[string]audiosep.Forecast{"sources": {Sources: s.names()}}, nil
}

func (s *DUET) names() []string { return numbered(s.p.Sources) }

// Run finds the positions; the sources are separated as they are taken.
func (s *DUET) Run(ctx context.Context, env audiosep.Env, in In) (Out, error) {
	if c := in.Coefs.Framing().Channels; c != 2 {
		return Out{}, fmt.Errorf("the recording has %s; want two, left and right", counted.Of(c, "channel"))
	}
	positions := slices.Clone(s.p.Positions)
	if len(positions) == 0 {
		var found int
		var err error
		if positions, found, err = s.find(ctx, in.Coefs); err != nil {
			return Out{}, err
		}
		if found < s.p.Sources {
			env.Logger().Warn("fewer positions stand out than there are sources; the others are guesses, and sources in one place stay together", "found", found, "wanted", s.p.Sources)
		}
	}
	for j, p := range positions {
		env.Logger().Info("a source was located", slog.Int("source", j+1), slog.Float64("position", p))
	}
	p := &panned{exponent: s.p.Exponent}
	for _, a := range positions {
		sin, cos := math.Sincos((a + 45) * math.Pi / 180)
		p.left, p.right = append(p.left, cos), append(p.right, sin)
	}
	return Out{audiosep.Separated(in.Coefs, s.names(), 0, p.separate)}, nil
}

// The cells of the histogram, of 1° each; how far it is smoothed; and the least distance of two
// positions, °.
const panCells, panSpread, panApart = 90, 2, 6

// find returns the positions from left to right, and how many of them stand out.
func (s *DUET) find(ctx context.Context, x audiosep.Spectra) (positions []float64, found int, err error) {
	weights := make([]float64, panCells)
	err = blocks.Run(ctx, x.Framing().Frames(), atOnce, 4, func() *panHistogram { return &panHistogram{weights: make([]float64, panCells)} },
		func(ctx context.Context, h *panHistogram, first, n int) error {
			if err := x.Read(ctx, &h.x, first, n); err != nil {
				return err
			}
			h.count()
			return nil
		},
		func(_ context.Context, h *panHistogram, _, _ int) error {
			floats.Add(weights, h.weights)
			return nil
		})
	if err != nil {
		return nil, 0, err
	}
	for _, cell := range peaks(weights, panSpread, panApart, s.p.Sources) {
		positions = append(positions, float64(cell)+0.5-45)
	}
	found = len(positions)
	for at := 0; len(positions) < s.p.Sources; at++ { // even ones, where there is room
		guess := -45 + 90*(float64(at%s.p.Sources)+0.5)/float64(s.p.Sources)
		near := slices.ContainsFunc(positions, func(p float64) bool { return math.Abs(p-guess) < panApart })
		if !near || at >= s.p.Sources {
			positions = append(positions, guess)
		}
	}
	slices.Sort(positions)
	return positions, found, nil
}

// panHistogram has the weights of some frames.
type panHistogram struct {
	x       audiosep.Spectrogram
	weights []float64
}

// count adds up the magnitudes of the coefficients in each cell.
func (h *panHistogram) count() {
	clear(h.weights)
	for l := 0; l+1 < len(h.x.Layers); l += 2 {
		for i := range h.x.Layers[l].Re {
			left, right := magnitude(h.x.Layers[l], i), magnitude(h.x.Layers[l+1], i)
			if sum := left + right; sum-sum != 0 {
				continue // what comes of it is not finite either, and will be told
			}
			cell := int(math.Atan2(right, left) * 180 / math.Pi * panCells / 90)
			h.weights[min(cell, panCells-1)] += math.Hypot(left, right)
		}
	}
}

func magnitude(x audiosep.Coefs, i int) float64 {
	if x.Im == nil {
		return math.Abs(x.Re[i])
	}
	m := math.Sqrt(x.Re[i]*x.Re[i] + x.Im[i]*x.Im[i])
	if !(m > 1e-150 && m < 1e150) { // the squares are out of range
		m = math.Hypot(x.Re[i], x.Im[i])
	}
	return m
}

// panned shares coefficients out by position: a source has gains left and right, of norm 1.
type panned struct {
	left, right []float64
	exponent    float64
}

// separate writes all sources in some frames.
func (p *panned) separate(ctx context.Context, dst [][]audiosep.Coefs, x *audiosep.Spectrogram, _, n int) error {
	masks := make([]float64, len(p.left))
	for l := 0; l+1 < len(x.Layers); l += 2 {
		if err := ctx.Err(); err != nil {
			return err
		}
		a, b := x.Layers[l], x.Layers[l+1]
		for i := range a.Re {
			p.masks(masks, a, b, i)
			for j, m := range masks {
				for c, from := range [2]audiosep.Coefs{a, b} {
					to := dst[j][l+c]
					if to.Re[i] = m * from.Re[i]; to.Im != nil {
						to.Im[i] = m * from.Im[i]
					}
				}
			}
		}
	}
	return nil
}

// toSquare returns a power of two that takes a magnitude to where its square is in range: 1 for most.
func toSquare(m float64) float64 {
	if m == 0 || m > 1e-140 && m < 1e140 {
		return 1
	}
	return toUnit(m)
}

// nearest is the least squared distance from a position that counts, as part of the power.
const nearest = 1e-4

// masks sets masks to what part each source has of coefficient i.
func (p *panned) masks(masks []float64, a, b audiosep.Coefs, i int) {
	var sum float64
	left, right := magnitude(a, i), magnitude(b, i)
	scale := toSquare(max(left, right))
	power := math.Pow(scale*left, 2) + math.Pow(scale*right, 2)
	for j := range masks {
		re := p.right[j]*(scale*a.Re[i]) - p.left[j]*(scale*b.Re[i])
		distance := re * re
		if a.Im != nil {
			im := p.right[j]*(scale*a.Im[i]) - p.left[j]*(scale*b.Im[i])
			distance += im * im
		}
		masks[j] = 1
		if power > 0 {
			masks[j] = math.Pow(distance/power+nearest, -p.exponent)
		}
		sum += masks[j]
	}
	floats.Scale(1/sum, masks)
}
