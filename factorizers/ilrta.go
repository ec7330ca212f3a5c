package factorizers

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"strconv"

	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/counted"
)

// ILRTAParams are the parameters of ilrta.
type ILRTAParams struct {
	Rank       int     `json:"rank" min:"0" max:"100000" unit:"components" doc:"Number of components K; 0: as many as the wired factors have."`
	Learn      string  `json:"learn" oneof:"none|p|r|both" doc:"Which matrices are learnt: p mixes the coefficients of a frame, r the frames of a coefficient."`
	Iterations int     `json:"iterations" min:"1" max:"1000000000" doc:"Most iterations; each updates H and W, then P, then R."`
	Tol        float64 `json:"tol" min:"0" doc:"Stop when an iteration lowers the objective C by less than this part of 2|C|."`
	Eps        float64 `json:"eps" min:"1e-15" max:"1" unit:"power" doc:"Floor of the model and power of a white noise that the coefficients are taken to have besides, as part of their mean power: the ridge that keeps P and R from fitting silence."`
	Blend      float64 `json:"blend" min:"0" max:"1e9" doc:"Weight that holds P and R near orthogonal matrices; 0: they are free, and fit few frames too closely."`
	Reach      int     `json:"reach" min:"0" unit:"rows" doc:"P mixes only rows that stand at most so many apart in one step; 0: all."`
	Restarts   int     `json:"restarts" min:"1" max:"100000" doc:"Starts that are tried; the one with the least objective is kept."`
}

// DefaultILRTA returns the defaults of ilrta.
func DefaultILRTA() ILRTAParams {
	return ILRTAParams{Rank: 8, Learn: "p", Iterations: 100, Tol: 1e-7, Eps: 1e-5, Blend: 1, Restarts: 1}
}

var ilrtaStage = audiosep.Define("ilrta",
	`Separates by independent low-rank tensor analysis of the coefficients: matrices P and R that need not be orthogonal, with W and H such that |P X Rᵀ|² ≈ WH.
It is the model of which others are cases: with learn none it is IS-NMF of coefs; where coefs are frames and P is orthogonal, tl_nmf. P begins as I: from tl_nmf, wire its coefs and its factors. Each component is a source, or whose init_factors says it is; the sources sum to the mixture. It needs far more frames than coefficients: docs/ilrta.md says when it helps. All of the recording is kept in memory.
Objective: Σ (v + eps‖p‖²‖r‖²)/λ + log λ − N log det PPᴴ − M log det RRᴴ + blend·(N(‖P‖² − log det PPᴴ − M) + M(‖R‖² − log det RRᴴ − N)), λ = WH + eps, v the mean of |P X Rᵀ|² over layers, half of it for real coefficients (model: Yoshii, Kitamura, Bando, Nakamura and Kawahara, Independent low-rank tensor analysis for audio source separation, 2018).`,
	DefaultILRTA(), NewILRTA, audiosep.Sums)

// ILRTA is the stage ilrta.
type ILRTA struct{ p ILRTAParams }

// NewILRTA returns the stage. It is an error if p is out of the ranges in its tags.
func NewILRTA(p ILRTAParams) (*ILRTA, error) {
	if err := audiosep.CheckStruct(p); err != nil {
		return nil, err
	}
	return &ILRTA{p}, nil
}

// ILRTAIn is what ilrta takes: coefficients, and factors to begin with.
type ILRTAIn struct {
	Coefs audiosep.Spectra  `port:"coefs"`
	Init  *audiosep.Factors `port:"init_factors,optional"`
}

// ILRTAOut is what ilrta makes: the sources, and W and H of the powers of P X Rᵀ.
type ILRTAOut struct {
	Sources audiosep.Stems    `port:"sources"`
	Factors *audiosep.Factors `port:"factors"`
}

// Forecast says what is known of the sources and factors before they are there.
func (s *ILRTA) Forecast(in map[string]audiosep.Forecast) (map[string]audiosep.Forecast, error) {
	f, err := forecast(s.p.Rank, in)
	if err != nil {
		return nil, err
	}
	names := in["init_factors"].Sources
	if _, wired := in["init_factors"]; !wired && s.p.Rank > 0 {
		names = componentNames(s.p.Rank)
	}
	f["sources"] = audiosep.Forecast{Sources: names}
	return f, nil
}

// mostMixed is how many columns R may mix: it has as many numbers as their square.
const mostMixed = 4096

// Run learns P, R, W and H; the sources are separated as they are taken.
func (s *ILRTA) Run(ctx context.Context, env audiosep.Env, in ILRTAIn) (ILRTAOut, error) {
	x, err := readTensor(ctx, in.Coefs)
	if err != nil {
		return ILRTAOut{}, err
	}
	own := *s
	if own.p.Rank, err = rankOf(s.p.Rank, in.Init); err != nil {
		return ILRTAOut{}, err
	}
	s = &own
	if err := s.check(x, in.Init); err != nil {
		return ILRTAOut{}, err
	}
	s.warn(env, x)
	parts := iterationParts(x, s.p.Learn)
	told := newProgress(env, s.p.Iterations*parts, s.p.Restarts)
	best, _, ends, err := leastOfStarts(s.p.Restarts, func(i, threads int) (*ilrtaSolver, error) {
		w, h := s.start(env, x, in.Init, i)
		return s.learn(ctx, newILRTASolver(x, s.p, w, h, threads), parts, told)
	}, (*ilrtaSolver).last)
	if err != nil {
		return ILRTAOut{}, err
	}
	told.end(best.last())
	if len(ends) == 1 {
		ends = nil
	}
	framing := in.Coefs.Framing()
	f := &audiosep.Factors{W: mat.NewDense(x.bins, s.p.Rank, best.w), H: mat.NewDense(s.p.Rank, x.cols, best.h),
		Objective: best.objective, Stop: best.stop, Restarts: ends, Framing: &framing}
	if in.Init != nil {
		f.Sources = in.Init.Sources
	}
	stems, err := best.stems(ctx, in.Coefs, x, f)
	return ILRTAOut{stems, f}, err
}

// check says whether what is wired fits.
func (s *ILRTA) check(x *tensor, init *audiosep.Factors) error {
	both := s.p.Learn == "r" || s.p.Learn == "both"
	if both && x.shared > 1 {
		return fmt.Errorf("%s share an activation, and learn is %s; want frames that each have their own, or learn p", counted.Of(x.shared, "frame"), s.p.Learn)
	}
	if both && x.cols > mostMixed {
		return fmt.Errorf("the matrix R would mix %s, and have as many numbers as their square; want at most %d frames, or learn p", counted.Of(x.cols, "frame"), mostMixed)
	}
	if init == nil {
		return checkRank(s.p.Rank, x.bins, x.cols)
	}
	if err := init.Validate(x.bins, x.cols); err != nil {
		return fmt.Errorf("init_factors: %w", err)
	}
	if k := wiredRank(init); k != s.p.Rank {
		return &audiosep.ShapeError{What: "the rank of init_factors", Is: strconv.Itoa(k), Want: strconv.Itoa(s.p.Rank)}
	}
	return checkNotZero(init.W, init.H, x.power > 0)
}

// warn warns where the matrices have too many numbers for what they are learnt from.
func (s *ILRTA) warn(env audiosep.Env, x *tensor) {
	few := func(what string, numbers, size int) {
		if numbers < 10*size {
			env.Logger().Warn("too little is there for a matrix that is not orthogonal, which will fit this recording only: a greater blend, a smaller reach, shorter frames or more sound would hold it",
				slog.String("matrix", what), slog.Int("size", size), slog.Int("vectors", numbers), slog.Int("wanted", 10*size))
		}
	}
	if s.p.Learn == "p" || s.p.Learn == "both" {
		few("P", x.cols*x.per, x.bins)
	}
	if s.p.Learn == "r" || s.p.Learn == "both" {
		few("R", x.bins*x.per, x.cols)
	}
}

// start returns W and H of start i: those wired, else drawn so that WH has the mean power.
func (s *ILRTA) start(env audiosep.Env, x *tensor, init *audiosep.Factors, i int) (w, h *mat.Dense) {
	if init != nil && init.W != nil {
		w = mat.DenseCopyOf(init.W)
	} else {
		w = randomPositive(env.Rand(fmt.Sprintf("w-%d", i)), x.bins, s.p.Rank)
		normaliseColumns(w)
	}
	if init != nil && init.H != nil {
		return w, mat.DenseCopyOf(init.H)
	}
	h = randomPositive(env.Rand(fmt.Sprintf("h-%d", i)), s.p.Rank, x.cols)
	h.Scale(max(x.power, math.SmallestNonzeroFloat64)*float64(x.bins)/float64(s.p.Rank), h)
	return w, h
}

// learn makes iterations, each of so many parts, until the objective settles.
func (s *ILRTA) learn(ctx context.Context, l *ilrtaSolver, parts int, told *progress) (*ilrtaSolver, error) {
	for it := range s.p.Iterations {
		left := parts
		err := l.iterate(ctx, func() {
			if left > 1 { // the last is told with the objective
				left--
				told.step(1, math.NaN())
			}
		})
		if err != nil {
			return nil, err
		}
		done, err := l.record(s.p.Tol)
		if err != nil {
			return nil, err
		}
		if done {
			told.step((s.p.Iterations-1-it)*parts+left, l.last())
			break
		}
		told.step(left, l.last())
	}
	return l, nil
}
