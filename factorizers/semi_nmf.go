package factorizers

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
)

// SemiNMFParams are the parameters of semi_nmf.
type SemiNMFParams struct {
	Free       int     `json:"free" min:"0" max:"10000" unit:"components" doc:"Components beside the dictionary's, which become what it does not explain; 0: all are the dictionary's."`
	Name       string  `json:"name" doc:"The source that the free components are; it may be one of the dictionary's, which then has more to it than was learnt."`
	Beta       float64 `json:"beta" min:"-4" max:"4" doc:"Which divergence: 0 is Itakura-Saito, 1 Kullback-Leibler, 2 Euclidean."`
	Iterations int     `json:"iterations" min:"1" max:"1000000000" doc:"Most iterations; each updates H, then the free columns of W."`
	Tol        float64 `json:"tol" min:"0" doc:"Stop when an iteration lowers the objective by no more than this part of itself."`
	Eps        float64 `json:"eps" min:"0" doc:"Floor added to V and to WH, in the units of V."`
	L1         float64 `json:"l1" min:"0" doc:"Weight in the objective of the sum of H, the columns of W summing to 1: larger is sparser."`
	Power      int     `json:"power" min:"1" max:"2" doc:"2 for a dictionary of powers, 1 for one of magnitudes; as it was learnt."`
}

// DefaultSemiNMF returns the defaults of semi_nmf.
func DefaultSemiNMF() SemiNMFParams {
	return SemiNMFParams{Free: 16, Name: "rest", Beta: 1, Iterations: 100, Tol: 1e-5, Eps: defaultNMF().Eps, Power: 1}
}

var semiNMFStage = audiosep.Define("semi_nmf",
	`NMF whose first spectra are a dictionary's and held, while free components take what it does not explain (semi-supervised).
The dictionary is what was learnt where its sources are alone, and says whose its components are; free ones belong to the source name. Several are joined by join_factors. (Smaragdis, Raj and Shashanka, Supervised and semi-supervised separation of sounds from single-channel mixtures, ICA 2007.)`,
	DefaultSemiNMF(), NewSemiNMF)

// SemiNMF is the stage semi_nmf.
type SemiNMF struct{ p SemiNMFParams }

// NewSemiNMF returns the stage. It is an error if p is out of the ranges in its tags.
func NewSemiNMF(p SemiNMFParams) (*SemiNMF, error) {
	if err := audiosep.CheckStruct(p); err != nil {
		return nil, err
	}
	if p.Free > 0 && p.Name == "" {
		return nil, &audiosep.ParamError{Name: "name", What: "is empty; want a name for the source of the free components"}
	}
	return &SemiNMF{p}, nil
}

// SemiNMFIn is what semi_nmf takes.
type SemiNMFIn struct {
	Power      audiosep.Power    `port:"power"`
	Dictionary *audiosep.Factors `port:"held"`
}

// SemiNMFOut is what semi_nmf makes: the dictionary's components, then the free ones.
type SemiNMFOut struct {
	Factors *audiosep.Factors `port:"factors"`
}

// Forecast says what is known of the factors: the dictionary's components and the free ones.
func (s *SemiNMF) Forecast(in map[string]audiosep.Forecast) (map[string]audiosep.Forecast, error) {
	f := in["held"]
	f.NoH = false
	if f.Rank > 0 {
		f.Rank += s.p.Free
	}
	if f.Sources != nil && s.p.Free > 0 && !slices.Contains(f.Sources, s.p.Name) {
		f.Sources = append(slices.Clone(f.Sources), s.p.Name)
	}
	return map[string]audiosep.Forecast{"factors": f}, nil
}

// CheckFramings refuses a dictionary that was learnt from frames that are cut otherwise.
func (s *SemiNMF) CheckFramings(in map[string][]*audiosep.Framing) error {
	return fits(in, "power", "held")
}

// Needs says what it takes, which is what NMF takes.
func (s *SemiNMF) Needs(e audiosep.Extent) audiosep.Needs {
	return nmfNeeds(e, s.p.Beta, e.Rank+s.p.Free, 1, s.p.Iterations)
}

// Run factorises the power. It is an error if the dictionary has no W, or is of frames that
// are cut otherwise; its H is not looked at.
func (s *SemiNMF) Run(ctx context.Context, env audiosep.Env, in SemiNMFIn) (SemiNMFOut, error) {
	d, framing := in.Dictionary, in.Power.Framing()
	if d.W == nil {
		return SemiNMFOut{}, fmt.Errorf("the dictionary has no W; want one")
	}
	if err := (&audiosep.Factors{W: d.W}).Validate(in.Power.Bins(), -1); err != nil {
		return SemiNMFOut{}, err
	}
	if d.Framing != nil {
		if err := framing.Fits(*d.Framing); err != nil {
			return SemiNMFOut{}, err
		}
	}
	if err := sameBins(in.Power.Hz(), d.Hz); err != nil {
		return SemiNMFOut{}, fmt.Errorf("the dictionary: %w", err)
	}
	if err := checkRank(d.Rank()+s.p.Free, in.Power.Bins(), framing.Columns()); err != nil {
		return SemiNMFOut{}, fmt.Errorf("dictionary and free components: %w", err)
	}
	if d.Power != 0 && d.Power != s.p.Power {
		env.Logger().Warn("the dictionary was learnt with another power, so that its spectra are not those of this V", slog.Int("dictionary", d.Power), slog.Int("power", s.p.Power),
			slog.String("remedy", fmt.Sprintf("set power to %d, and beta as it was learnt", d.Power)))
	}
	v, err := readSpectrogram(ctx, in.Power, s.p.Power, s.p.Beta, s.p.Eps)
	if err != nil {
		return SemiNMFOut{}, err
	}
	f, err := s.solve(ctx, env, v, d)
	if err != nil {
		return SemiNMFOut{}, err
	}
	f.Framing, f.Hz, f.Sources, f.Power = &framing, in.Power.Hz(), s.sources(env, d), s.p.Power
	return SemiNMFOut{f}, nil
}

// solve finds H and the free columns of W.
func (s *SemiNMF) solve(ctx context.Context, env audiosep.Env, v *spectrogram, d *audiosep.Factors) (*audiosep.Factors, error) {
	bins, columns := v.Dims()
	held, rng := d.Rank(), env.Rand("start")
	w := mat.NewDense(bins, held+s.p.Free, nil)
	w.Slice(0, bins, 0, held).(*mat.Dense).Copy(d.W)
	if s.p.Free > 0 {
		w.Slice(0, bins, held, held+s.p.Free).(*mat.Dense).Copy(randomPositive(rng, bins, s.p.Free))
	}
	f := &audiosep.Factors{W: w, H: randomPositive(rng, held+s.p.Free, columns)}
	normaliseColumns(w)
	scaleTo(f, v.Sum())
	nmf := newNMF(ctx, v, f.W, f.H, nmfOptions{beta: s.p.Beta, eps: s.p.Eps, l1: s.p.L1, held: held, fixW: s.p.Free == 0, threads: runtime.GOMAXPROCS(0)})
	told := newProgress(env, s.p.Iterations, 1)
	objective, stop, err := nmf.minimise(s.p.Iterations, s.p.Tol, func(_ int, objective float64) { told.step(1, objective) })
	if err != nil {
		return nil, err
	}
	f.W, f.H = nmf.factors()
	f.Objective, f.Stop = objective, stop
	told.end(last(f))
	return f, nil
}

// sources says whose the components are. A dictionary that does not say is one source, called
// as the stage that it is from.
func (s *SemiNMF) sources(env audiosep.Env, d *audiosep.Factors) []audiosep.Group {
	groups := slices.Clone(d.Sources)
	if groups == nil {
		name := "dictionary"
		if from := env.Wiring["held"]; len(from) > 0 {
			name = from[0]
		}
		groups = []audiosep.Group{{Name: name, Components: upTo(d.Rank())}}
	}
	if s.p.Free > 0 {
		for i := range groups { // not the dictionary's own
			groups[i].Components = slices.Clone(groups[i].Components)
		}
		groups = addGroup(groups, audiosep.Group{Name: s.p.Name, Components: upTo(s.p.Free)}, d.Rank())
	}
	return groups
}
