package factorizers

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/counted"
)

// JoinFactorsParams are the parameters of join_factors.
type JoinFactorsParams struct {
	Names []string `json:"names" doc:"The source of each dictionary, in order; empty: whose its components are said to be, else the id of the stage that it is from."`
}

var joinFactorsStage = audiosep.Define("join_factors",
	`Joins dictionaries, such as one of each instrument, to one whose components know whose they are, so that masks need not be told.
Activations are kept where all have them for the same frames. The dictionaries must be of frames that are cut alike and of one transform; each is given once.`,
	JoinFactorsParams{}, NewJoinFactors, audiosep.Lazy)

// JoinFactors is the stage join_factors.
type JoinFactors struct{ p JoinFactorsParams }

// NewJoinFactors returns a stage that joins as p says.
func NewJoinFactors(p JoinFactorsParams) (*JoinFactors, error) {
	if err := audiosep.CheckStruct(p); err != nil {
		return nil, err
	}
	return &JoinFactors{p}, nil
}

// CheckWiring refuses names that are not as many as the dictionaries, and a dictionary that is
// given twice, whose components would share what they explain at random.
func (s *JoinFactors) CheckWiring(from map[string][]string) error {
	ids := from["dictionary"]
	var errs audiosep.ParamErrors
	if n := len(s.p.Names); n > 0 && n != len(ids) {
		errs = append(errs, &audiosep.ParamError{Name: "names", What: namesWanted(n, len(ids))})
	}
	for i, id := range ids {
		if slices.Contains(ids[:i], id) {
			return fmt.Errorf("the dictionary of %q is given twice; want each once", id)
		}
	}
	if errs == nil {
		return nil
	}
	return errs
}

func namesWanted(names, dictionaries int) string {
	return fmt.Sprintf("has %s; want %d, one for each dictionary", counted.Of(names, "entry"), dictionaries)
}

// Forecast says what is known of the factors: what is known of all dictionaries together.
func (s *JoinFactors) Forecast(in map[string]audiosep.Forecast) (map[string]audiosep.Forecast, error) {
	f := in["dictionary"]
	names := f.Sources
	if len(s.p.Names) > 0 {
		names = s.p.Names
	}
	f.Sources = nil
	for _, name := range names { // those of one name are one source
		if !slices.Contains(f.Sources, name) {
			f.Sources = append(f.Sources, name)
		}
	}
	return map[string]audiosep.Forecast{"factors": f}, nil
}

// CheckFramings refuses dictionaries of frames that are cut otherwise than those of the first.
func (s *JoinFactors) CheckFramings(in map[string][]*audiosep.Framing) error {
	return alike(in["dictionary"], "dictionary")
}

// JoinFactorsIn is what join_factors takes.
type JoinFactorsIn struct {
	Dictionary []*audiosep.Factors `port:"dictionary,many"`
}

// JoinFactorsOut is what join_factors makes.
type JoinFactorsOut struct {
	Factors *audiosep.Factors `port:"factors"`
}

// Run joins the dictionaries that are wired.
func (s *JoinFactors) Run(_ context.Context, env audiosep.Env, in JoinFactorsIn) (JoinFactorsOut, error) {
	names := s.p.Names
	if len(names) > 0 && len(names) != len(in.Dictionary) {
		return JoinFactorsOut{}, fmt.Errorf("names %s", namesWanted(len(names), len(in.Dictionary)))
	}
	from := env.Wiring["dictionary"]
	for i, f := range in.Dictionary {
		if f.W == nil {
			return JoinFactorsOut{}, fmt.Errorf("dictionary %d has no W; want one", i+1)
		}
		if (f.Hz == nil) != (in.Dictionary[0].Hz == nil) {
			env.Logger().Warn("of some dictionaries it is not known which frequencies their bins have; want all of one transform", slog.Int("dictionary", i+1))
		}
		if len(names) == len(in.Dictionary) || f.Sources != nil {
			continue
		}
		if i >= len(from) {
			return JoinFactorsOut{}, fmt.Errorf("nobody says whose the components of dictionary %d are; want names", i+1)
		}
	}
	f, err := joinFactors(in.Dictionary, func(i int) []audiosep.Group {
		d := in.Dictionary[i]
		switch {
		case len(names) > 0:
			return []audiosep.Group{{Name: names[i], Components: upTo(d.Rank())}}
		case d.Sources != nil:
			return d.Sources
		default:
			return []audiosep.Group{{Name: from[i], Components: upTo(d.Rank())}}
		}
	})
	if err == nil {
		err = allDiffer(in.Dictionary)
	}
	return JoinFactorsOut{f}, err
}

// allDiffer refuses dictionaries that are the same, as from one file by two stages.
func allDiffer(dictionaries []*audiosep.Factors) error {
	for i, f := range dictionaries {
		for j, other := range dictionaries[:i] {
			if mat.Equal(f.W, other.W) {
				return fmt.Errorf("dictionaries %d and %d are the same, and would share what they explain at random; want each once", j+1, i+1)
			}
		}
	}
	return nil
}

// joinFactors returns the components of all, one after the other; groups says whose those of
// each are. Groups of one name are one source.
func joinFactors(all []*audiosep.Factors, groups func(i int) []audiosep.Group) (*audiosep.Factors, error) {
	out := &audiosep.Factors{Framing: all[0].Framing, Hz: all[0].Hz, Power: all[0].Power}
	bins, rank, columns := 0, 0, -1
	for i, f := range all {
		r, k := f.W.Dims()
		if bins == 0 {
			bins = r
		}
		if r != bins {
			return nil, fmt.Errorf("dictionary %d has %s; want %d, as the first", i+1, counted.Of(r, "bin"), bins)
		}
		if f.Framing != nil && out.Framing != nil {
			if err := f.Framing.Fits(*out.Framing); err != nil {
				return nil, fmt.Errorf("dictionary %d: %w", i+1, err)
			}
		}
		if err := sameBins(f.Hz, out.Hz); err != nil {
			return nil, fmt.Errorf("dictionary %d: %w", i+1, err)
		}
		if f.Power != out.Power {
			out.Power = 0
		}
		for _, g := range groups(i) {
			out.Sources = addGroup(out.Sources, g, rank)
		}
		rank += k
		switch n := columnsOf(f); {
		case i == 0:
			columns = n
		case n != columns:
			columns = 0
		}
	}
	out.W = mat.NewDense(bins, rank, nil)
	if columns > 0 {
		out.H = mat.NewDense(rank, columns, nil)
	}
	at := 0
	for _, f := range all {
		_, k := f.W.Dims()
		out.W.Slice(0, bins, at, at+k).(*mat.Dense).Copy(f.W)
		if columns > 0 {
			out.H.Slice(at, at+k, 0, columns).(*mat.Dense).Copy(f.H)
		}
		at += k
	}
	return out, nil
}

// sameBins says why bins with the frequencies hz, in Hz, are not those of others, or nil; where
// one is nil it is not known.
func sameBins(hz, others []float64) error {
	if hz == nil || others == nil {
		return nil
	}
	if len(hz) != len(others) {
		return fmt.Errorf("it has %s; want %d, of the same transform", counted.Of(len(hz), "bin"), len(others))
	}
	for i, f := range hz {
		if math.Abs(f-others[i]) > 1e-6*math.Abs(others[len(others)-1]) {
			return fmt.Errorf("its bin %d is at %.6g Hz; want %.6g Hz, of the same transform", i, f, others[i])
		}
	}
	return nil
}

// addGroup adds the components of g, counted from first on, to the group of its name.
func addGroup(groups []audiosep.Group, g audiosep.Group, first int) []audiosep.Group {
	i := slices.IndexFunc(groups, func(o audiosep.Group) bool { return o.Name == g.Name })
	if i < 0 {
		groups, i = append(groups, audiosep.Group{Name: g.Name}), len(groups)
	}
	for _, k := range g.Components {
		groups[i].Components = append(groups[i].Components, first+k)
	}
	return groups
}

// columnsOf returns the number of columns of H, 0 where there is none.
func columnsOf(f *audiosep.Factors) int {
	if f.H == nil {
		return 0
	}
	_, n := f.H.Dims()
	return n
}

func upTo(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}
