package separators

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/counted"
)

// Grouping are the parameters that all masks share: how components are put into sources,
// by hand, by clustering, or one into each.
type Grouping struct {
	Groups   [][]int  `json:"groups" doc:"The components of each source, numbered from 1; empty: by sources."`
	Names    []string `json:"names" doc:"The sources' names, but for the residual's; empty: as the factors say, else 1, 2, and so on."`
	Sources  int      `json:"sources" min:"0" unit:"sources" doc:"Number of sources to cluster the components into; 0: as groups or the factors say, else each component is a source."`
	Cluster  string   `json:"cluster" oneof:"k_means|linkage" doc:"How components are clustered: k_means weighs them by the power that is heard of each and compares mel bands in dB; linkage joins the most similar spectra in thirds of an octave, loud or not."`
	Weight   float64  `json:"weight" min:"0" max:"1" doc:"What activations count in clustering, spectra counting the rest."`
	Residual bool     `json:"residual" doc:"Add a last source, residual, of all components that are in no group, and of eps."`
}

func defaultGrouping() Grouping { return Grouping{Cluster: "k_means"} }

// grouping does what the parameters say.
type grouping struct{ Grouping }

const residualName = "residual"

// Validate checks what the ranges do not say.
func (g Grouping) Validate() error {
	var errs audiosep.ParamErrors
	wrong := func(name, what, hint string) {
		errs = append(errs, &audiosep.ParamError{Name: name, What: what, Hint: hint})
	}
	if len(g.Groups) > 0 && g.Sources > 0 && g.Sources != len(g.Groups) {
		wrong("sources", fmt.Sprintf("is %d but groups has %s; want one of the two", g.Sources, counted.Of(len(g.Groups), "entry")), "leave sources out")
	}
	seen := map[int]int{}
	for j, group := range g.Groups {
		for i, k := range group {
			path := fmt.Sprintf("groups/%d/%d", j, i)
			if k < 1 {
				wrong(path, fmt.Sprintf("is %d; want a component's number, 1 or more", k), "")
			} else if in, ok := seen[k]; ok {
				wrong(path, fmt.Sprintf("is %d, which is in source %d already; want each component once", k, in+1), "")
			} else {
				seen[k] = j
			}
		}
	}
	if want := max(len(g.Groups), g.Sources); want > 0 && len(g.Names) > 0 && len(g.Names) != want {
		wrong("names", fmt.Sprintf("has %s; want %d, one for each source", counted.Of(len(g.Names), "entry"), want), "")
	}
	for j, name := range g.Names {
		path := fmt.Sprintf("names/%d", j)
		switch first := slices.Index(g.Names, name); {
		case name == "":
			wrong(path, "is empty; want a name", "")
		case first < j:
			wrong(path, fmt.Sprintf("is %q, as entry %d is; want names that differ", name, first), "")
		case g.Residual && name == residualName:
			wrong(path, fmt.Sprintf("is %q, the name of the residual; want another", name), "")
		}
	}
	if errs == nil {
		return nil
	}
	return errs
}

// Group makes one group for each source. It is an error if groups by hand name a
// component that f lacks, or leave one out while there is no residual to take it.
func (g *grouping) Group(ctx context.Context, env audiosep.Env, f *audiosep.Factors) ([]audiosep.Group, error) {
	return g.GroupHeard(ctx, env, nil, f)
}

// GroupHeard is Group where the power of the mixture is known, F×N as WH is: clustering goes
// by what is heard of each component. v is not read for anything else.
func (g *grouping) GroupHeard(ctx context.Context, env audiosep.Env, v audiosep.Power, f *audiosep.Factors) ([]audiosep.Group, error) {
	if f == nil || f.W == nil || f.H == nil {
		return nil, fmt.Errorf("the factors lack W or H; want both")
	}
	if err := f.Validate(-1, -1); err != nil {
		return nil, err
	}
	groups, err := g.groups(ctx, env, v, f)
	if err != nil {
		return nil, err
	}
	if len(g.Names) > 0 && len(g.Names) != len(groups) {
		return nil, fmt.Errorf("names has %s; want %d, one for each source", counted.Of(len(g.Names), "entry"), len(groups))
	}
	for j, name := range g.Names {
		groups[j].Name = name
	}
	if g.Residual {
		groups = append(groups, audiosep.Group{Name: residualName, Components: leftOut(groups, f.Rank())})
	}
	for _, group := range groups {
		counted := make([]int, len(group.Components)) // as people count
		for i, k := range group.Components {
			counted[i] = k + 1
		}
		env.Logger().Info("source", "name", group.Name, "components", counted)
	}
	return groups, ctx.Err()
}

// groups puts the components of f, or some of them, into sources.
func (g *grouping) groups(ctx context.Context, env audiosep.Env, v audiosep.Power, f *audiosep.Factors) ([]audiosep.Group, error) {
	rank := f.Rank()
	var parts [][]int
	switch {
	case len(g.Groups) > 0:
		if err := g.fits(rank); err != nil {
			return nil, err
		}
		for _, group := range g.Groups {
			part := []int{}
			for _, k := range group {
				part = append(part, k-1)
			}
			parts = append(parts, part)
		}
	case g.Sources > rank:
		return nil, fmt.Errorf("sources is %d; want at most %d, the number of components", g.Sources, rank)
	case g.Sources > 0:
		var err error
		if g.Cluster == "linkage" {
			parts, err = linkage(ctx, f, g.Sources, g.Weight)
		} else {
			parts, err = cluster(ctx, env, v, f, g.Sources, g.Weight)
		}
		if err != nil {
			return nil, err
		}
	case f.Sources != nil:
		if err := audiosep.CheckGroups(f.Sources, rank); err != nil {
			return nil, fmt.Errorf("the factors say whose their components are, but: %w", err)
		}
		return slices.Clone(f.Sources), nil
	default:
		for k := range rank {
			parts = append(parts, []int{k})
		}
	}
	groups := make([]audiosep.Group, len(parts))
	for j, name := range numbers(len(parts)) {
		groups[j] = audiosep.Group{Name: name, Components: parts[j]}
	}
	return groups, nil
}

// leftOut returns the components, of 0 to rank-1, that are in no group.
func leftOut(groups []audiosep.Group, rank int) []int {
	in := make([]bool, rank)
	for _, g := range groups {
		for _, k := range g.Components {
			in[k] = true
		}
	}
	left := []int{}
	for k, ok := range in {
		if !ok {
			left = append(left, k)
		}
	}
	return left
}

// Forecast says how the sources will be called, as far as that is known of the factors, and
// which groups and names do not fit what is known of them.
func (g *grouping) Forecast(in map[string]audiosep.Forecast) (map[string]audiosep.Forecast, error) {
	f := in["factors"]
	var names []string
	switch {
	case len(g.Groups) > 0:
		if err := g.fits(f.Rank); err != nil {
			return nil, err
		}
		names = numbers(len(g.Groups))
	case g.Sources > 0:
		if f.Rank > 0 && g.Sources > f.Rank {
			return nil, &audiosep.ParamError{Name: "sources", What: fmt.Sprintf("is %d; want at most %d, the number of components", g.Sources, f.Rank)}
		}
		names = numbers(g.Sources)
	case f.Sources != nil:
		names = f.Sources
	case f.Rank > 0:
		names = numbers(f.Rank)
	default:
		return nil, nil
	}
	if len(g.Names) > 0 {
		if len(g.Names) != len(names) {
			return nil, &audiosep.ParamError{Name: "names", What: fmt.Sprintf("has %s; want %d, one for each source", counted.Of(len(g.Names), "entry"), len(names))}
		}
		names = g.Names
	}
	if g.Residual {
		names = append(slices.Clone(names), residualName)
	}
	return map[string]audiosep.Forecast{"sources": {Sources: names}}, nil
}

// fits says which of the groups' components are not among those of a rank, and which it
// leaves out. A rank of 0 is not known.
func (g *grouping) fits(rank int) error {
	if rank == 0 {
		return nil
	}
	var errs audiosep.ParamErrors
	in := map[int]bool{}
	for j, group := range g.Groups {
		for i, k := range group {
			if in[k] = true; k > rank {
				errs = append(errs, &audiosep.ParamError{Name: fmt.Sprintf("groups/%d/%d", j, i), What: fmt.Sprintf("is %d; want 1 to %d, as the factors have %s", k, rank, counted.Of(rank, "component"))})
			}
		}
	}
	var left []int
	for k := 1; k <= rank; k++ {
		if !in[k] {
			left = append(left, k)
		}
	}
	if len(left) > 0 && !g.Residual {
		errs = append(errs, &audiosep.ParamError{Name: "groups", What: fmt.Sprintf("leave out components %v of 1 to %d; want each in a group", left, rank), Hint: "residual takes what is left"})
	}
	if errs == nil {
		return nil
	}
	return errs
}

func numbers(n int) []string {
	names := make([]string, n)
	for j := range names {
		names[j] = strconv.Itoa(j + 1)
	}
	return names
}
