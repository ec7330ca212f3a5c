package separators

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/audiosep/audiosep"
)

// grouping puts components into sources: by hand, by clustering, or one into each.
type grouping struct {
	groups   [][]int
	names    []string
	sources  int
	weight   float64
	residual bool
}

const residualName = "residual"

func (g grouping) validate() error {
	var errs audiosep.ParamErrors
	wrong := func(name, what, hint string) {
		errs = append(errs, &audiosep.ParamError{Name: name, What: what, Hint: hint})
	}
	if len(g.groups) > 0 && g.sources > 0 && g.sources != len(g.groups) {
		wrong("sources", fmt.Sprintf("is %d but groups has %d entries; want one of the two", g.sources, len(g.groups)), "leave sources out")
	}
	seen := map[int]int{}
	for j, group := range g.groups {
		for i, k := range group {
			path := fmt.Sprintf("groups/%d/%d", j, i)
			if k < 0 {
				wrong(path, fmt.Sprintf("is %d; want a component's number, 0 or more", k), "")
			} else if in, ok := seen[k]; ok {
				wrong(path, fmt.Sprintf("is %d, which is in source %d already; want each component once", k, in), "")
			} else {
				seen[k] = j
			}
		}
	}
	if want := max(len(g.groups), g.sources); want > 0 && len(g.names) > 0 && len(g.names) != want {
		wrong("names", fmt.Sprintf("has %d entries; want %d, one for each source", len(g.names), want), "")
	}
	for j, name := range g.names {
		path := fmt.Sprintf("names/%d", j)
		switch first := slices.Index(g.names, name); {
		case name == "":
			wrong(path, "is empty; want a name", "")
		case first < j:
			wrong(path, fmt.Sprintf("is %q, as entry %d is; want names that differ", name, first), "")
		case g.residual && name == residualName:
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
	if f == nil || f.W == nil || f.H == nil {
		return nil, fmt.Errorf("the factors lack W or H; want both")
	}
	if err := f.Validate(-1, -1); err != nil {
		return nil, err
	}
	rank := f.Rank()
	var parts [][]int
	switch {
	case len(g.groups) > 0:
		parts = g.groups
	case g.sources > rank:
		return nil, fmt.Errorf("sources is %d; want at most %d, the number of components", g.sources, rank)
	case g.sources > 0:
		var err error
		if parts, err = cluster(ctx, f, g.sources, g.weight); err != nil {
			return nil, err
		}
	default:
		for k := range rank {
			parts = append(parts, []int{k})
		}
	}
	groups, err := g.name(parts)
	if err != nil {
		return nil, err
	}
	left, err := leftOut(parts, rank)
	if err != nil {
		return nil, err
	}
	if g.residual {
		groups = append(groups, audiosep.Group{Name: residualName, Components: left})
	} else if len(left) > 0 {
		return nil, fmt.Errorf("groups leave out components %v of 0 to %d; want each in a group, or residual on to take them", left, rank-1)
	}
	for _, group := range groups {
		env.Logger().Info("source", "name", group.Name, "components", group.Components)
	}
	return groups, ctx.Err()
}

func (g *grouping) name(parts [][]int) ([]audiosep.Group, error) {
	if len(g.names) > 0 && len(g.names) != len(parts) {
		return nil, fmt.Errorf("names has %d entries; want %d, one for each source", len(g.names), len(parts))
	}
	groups := make([]audiosep.Group, len(parts))
	for j, part := range parts {
		groups[j] = audiosep.Group{Name: strconv.Itoa(j + 1), Components: slices.Clone(part)}
		if len(g.names) > 0 {
			groups[j].Name = g.names[j]
		}
	}
	return groups, nil
}

// leftOut returns the components, of 0 to rank-1, that are in no part.
func leftOut(parts [][]int, rank int) ([]int, error) {
	in := make([]bool, rank)
	for j, part := range parts {
		for _, k := range part {
			if k < 0 || k >= rank {
				return nil, fmt.Errorf("source %d has component %d; want 0 to %d, as the factors have %d components", j, k, rank-1, rank)
			}
			if in[k] {
				return nil, fmt.Errorf("source %d has component %d, which is in a source already; want each component once", j, k)
			}
			in[k] = true
		}
	}
	left := []int{}
	for k, ok := range in {
		if !ok {
			left = append(left, k)
		}
	}
	return left, nil
}

// checkPartition checks that each of rank components is in exactly one group.
func checkPartition(groups []audiosep.Group, rank int) error {
	parts := make([][]int, len(groups))
	for j, g := range groups {
		parts[j] = g.Components
	}
	left, err := leftOut(parts, rank)
	if err == nil && len(left) > 0 {
		err = fmt.Errorf("the groups leave out components %v; want each in one", left)
	}
	return err
}
