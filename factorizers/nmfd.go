package factorizers

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
)

// NMFDParams are the parameters of nmfd.
type NMFDParams struct {
	Rank int `json:"rank" min:"0" max:"10000" unit:"components" doc:"Number of components K; 0: as many as the wired factors have."`
	Taps int `json:"taps" min:"1" max:"1000" unit:"columns" doc:"How many columns long each component is."`
	ConvolutiveParams
}

// ConvolutiveParams are those that nmfd and nmf2d share.
type ConvolutiveParams struct {
	Beta       float64 `json:"beta" min:"-4" max:"4" doc:"Which divergence: 0 is Itakura-Saito, 1 Kullback-Leibler, 2 Euclidean."`
	Iterations int     `json:"iterations" min:"1" max:"1000000000" doc:"Most iterations; each updates H, then W."`
	Tol        float64 `json:"tol" min:"0" doc:"Stop when an iteration lowers the objective by no more than this part of itself."`
	Eps        float64 `json:"eps" min:"0" doc:"Floor added to V and to WH, in the units of V."`
	Restarts   int     `json:"restarts" min:"1" max:"100000" doc:"Random starts that are tried; the one with the least objective is kept."`
	Power      int     `json:"power" min:"1" max:"2" doc:"2 factorises V, a power; 1 its root, a magnitude: let wiener have the exponent 2 then."`
}

func defaultConvolutive() ConvolutiveParams {
	return ConvolutiveParams{Beta: 1, Iterations: 100, Tol: 1e-5, Eps: defaultNMF().Eps, Restarts: 1, Power: 1}
}

// DefaultNMFD returns three components of ten columns.
func DefaultNMFD() NMFDParams {
	return NMFDParams{Rank: 3, Taps: 10, ConvolutiveParams: defaultConvolutive()}
}

var nmfdStage = audiosep.Define("nmfd",
	`Convolutive NMF: each component is a picture of several columns, such as a drum from its strike to its end, that comes again whole wherever it is activated, V(f, n) ≈ Σ_kτ w_kτ(f) h_k(n-τ) (Smaragdis, Non-negative matrix factor deconvolution, 2004).
The factors have a component for each column of each picture, K·T in all, whose activation is h_k delayed; which are one picture's is told by their sources, so that separators have a stem for each. Wired factors of K components are what it starts from: each spectrum that of all columns of a picture; zeros of H, such as those of score_factors, stay. From K·T wired components, as it makes, it goes on.`,
	DefaultNMFD(), NewNMFD)

// NMFD is the stage nmfd.
type NMFD struct{ p NMFDParams }

// NewNMFD returns the stage. It is an error if p is out of the ranges in its tags.
func NewNMFD(p NMFDParams) (*NMFD, error) {
	if err := audiosep.CheckStruct(p); err != nil {
		return nil, err
	}
	return &NMFD{p}, nil
}

// NMFDIn is what nmfd takes: V and, where they are wired, spectra and activations of K
// components to start from.
type NMFDIn struct {
	Power audiosep.Power    `port:"power"`
	Init  *audiosep.Factors `port:"init_factors,optional"`
}

// NMFDOut is what nmfd makes: W, F×(K·T), column k·T+τ being w_kτ, and H, (K·T)×N.
type NMFDOut struct {
	Factors *audiosep.Factors `port:"factors"`
}

// Forecast says what is known of the factors before they are there.
func (s *NMFD) Forecast(in map[string]audiosep.Forecast) (map[string]audiosep.Forecast, error) {
	init := in["init_factors"]
	if s.p.Rank > 0 && init.Rank == s.p.Rank*s.p.Taps {
		return map[string]audiosep.Forecast{"factors": init}, nil // it goes on
	}
	all, err := forecast(s.p.Rank, in)
	if err != nil {
		return nil, err
	}
	f := all["factors"]
	if f.Sources == nil {
		f.Sources = componentNames(f.Rank)
	}
	f.Rank *= s.p.Taps
	return map[string]audiosep.Forecast{"factors": f}, nil
}

// Run factorises V. It is an error if the wired factors do not fit.
func (s *NMFD) Run(ctx context.Context, env audiosep.Env, in NMFDIn) (NMFDOut, error) {
	v, err := readSpectrogram(ctx, in.Power, s.p.Power, s.p.Beta, s.p.Eps)
	if err != nil {
		return NMFDOut{}, err
	}
	rank, err := rankOf(s.p.Rank, in.Init)
	if err != nil {
		return NMFDOut{}, err
	}
	bins, cols := v.Dims()
	if err := checkRank(rank*s.p.Taps, bins, cols); err != nil {
		return NMFDOut{}, fmt.Errorf("rank times taps: %w", err)
	}
	draw, err := s.start(env, v, rank, in.Init)
	if err != nil {
		return NMFDOut{}, err
	}
	f, err := s.p.least(ctx, env, v, draw, s.p.Taps, 1)
	if err != nil {
		return NMFDOut{}, err
	}
	framing := in.Power.Framing()
	f.Framing = &framing
	f.Hz = in.Power.Hz()
	f.Sources = widened(in.Init, rank, s.p.Taps)
	return NMFDOut{f}, nil
}

// start returns what makes w and h of a start.
func (s *NMFD) start(env audiosep.Env, v *spectrogram, rank int, init *audiosep.Factors) (func(seed string) (w, h *mat.Dense), error) {
	wired := rank
	if s.goesOn(init, rank) {
		wired *= s.p.Taps
	}
	common, err := (&betaNMF{s.p.Beta, NMFParams{Rank: wired, Use: "both", Fix: "none", Start: "random", Restarts: 1}}).wired(v, init)
	if err != nil {
		return nil, err
	}
	if wired > rank {
		return func(string) (w, h *mat.Dense) { return gathered(init, s.p.Taps) }, nil
	}
	bins, _ := v.Dims()
	return func(seed string) (w, h *mat.Dense) {
		w, h = common.draw(v, rank, env.Rand(seed))
		return pictures(w, randomPositive(env.Rand(seed+" taps"), bins, rank*s.p.Taps), s.p.Taps, common.w != nil), h
	}, nil
}

// goesOn tells whether the wired factors have a component for each column of each picture.
func (s *NMFD) goesOn(init *audiosep.Factors, rank int) bool {
	return s.p.Taps > 1 && init != nil && init.W != nil && init.H != nil && wiredRank(init) == rank*s.p.Taps
}

// gathered returns the pictures and activations that factors as nmfd makes them are of. How
// strong a column of a picture is, is taken from its row of H; h is the mean of the rows of a
// picture, each as much earlier as its column is later.
func gathered(f *audiosep.Factors, taps int) (w, h *mat.Dense) {
	w = mat.DenseCopyOf(f.W)
	all, cols := f.H.Dims()
	h = mat.NewDense(all/taps, cols, nil)
	for k := range all / taps {
		strength := make([]float64, taps)
		for tap := range taps {
			strength[tap] = floats.Sum(f.H.RawRowView(k*taps + tap))
		}
		most := floats.Max(strength)
		for n := range cols {
			var sum, of float64
			for tap := 0; tap < taps && n+tap < cols; tap++ {
				sum += f.H.At(k*taps+tap, n+tap)
				of += strength[tap] / most
			}
			if of > 0 {
				h.Set(k, n, sum/of)
			}
		}
		for tap := range taps {
			for i := range w.RawMatrix().Rows {
				w.Set(i, k*taps+tap, w.At(i, k*taps+tap)*strength[tap]/max(most, math.SmallestNonzeroFloat64))
			}
		}
	}
	return w, h
}

// pictures returns random pictures of some taps or, where the spectra w are wired, each the
// spectrum times a random number.
func pictures(w, random *mat.Dense, taps int, wired bool) *mat.Dense {
	if !wired {
		return random
	}
	for f := range w.RawMatrix().Rows {
		for i := range random.RawRowView(f) {
			random.RawRowView(f)[i] *= w.At(f, i/taps)
		}
	}
	return random
}

// widened returns the sources of K components that became each components: those of init, or one
// a component.
func widened(init *audiosep.Factors, rank, each int) (groups []audiosep.Group) {
	var from []audiosep.Group
	if init != nil && init.Sources != nil && each > 1 && wiredRank(init) == rank*each {
		return init.Sources
	}
	if init != nil && init.Sources != nil && wiredRank(init) == rank {
		from = init.Sources
	} else {
		for k, name := range componentNames(rank) {
			from = append(from, audiosep.Group{Name: name, Components: []int{k}})
		}
	}
	for _, g := range from {
		wide := audiosep.Group{Name: g.Name}
		for _, k := range g.Components {
			for i := range each {
				wide.Components = append(wide.Components, k*each+i)
			}
		}
		groups = append(groups, wide)
	}
	return groups
}

// least factorises v from several starts, draw making w and h of one, and returns the factors of
// the one that ends least, a component for each tap and shift.
func (p ConvolutiveParams) least(ctx context.Context, env audiosep.Env, v *spectrogram, draw func(seed string) (w, h *mat.Dense), taps, shifts int) (*audiosep.Factors, error) {
	passes := v.passes(p.Beta, p.Eps)
	told := newProgress(env, p.Iterations, p.Restarts)
	f, kept, ends, err := leastOfStarts(p.Restarts, func(i, _ int) (*audiosep.Factors, error) {
		w, h := draw(fmt.Sprintf("restart-%d", i))
		c := newConvolutive(w, h, taps, shifts, p.Beta, p.Eps, passes.Fork())
		objective, stop, err := c.minimise(ctx, p.Iterations, p.Tol, func(_ int, objective float64) { told.step(1, objective) })
		if err != nil {
			return nil, err
		}
		told.skip(objective)
		w, h = c.factors()
		return &audiosep.Factors{W: w, H: h, Objective: objective, Stop: stop}, nil
	}, last)
	if err != nil {
		return nil, err
	}
	told.compared(f, kept, ends)
	return f, nil
}

// factors returns W, its columns summing to 1, and H. A column that is 0 gets a flat spectrum, and
// 0 for its activation.
func (c *convolutive) factors() (w, h *mat.Dense) {
	w, h = mat.DenseCopyOf(dense(c.wAll)), mat.DenseCopyOf(dense(c.hAll))
	scaleToSums(w, h)
	return w, h
}
