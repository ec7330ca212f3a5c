package main

import (
	"context"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/examples/internal/known"
	"github.com/audiosep/audiosep/internal/oraclegroups"
	"github.com/audiosep/audiosep/separators"
)

// blindGroups clusters components as wiener does with the parameter cluster linkage.
func blindGroups(ctx context.Context, f *audiosep.Factors, sources int) ([][]int, error) {
	sep, err := separators.NewWiener(separators.WienerParams{Exponent: 1, Grouping: separators.Grouping{Sources: sources, Cluster: "linkage", Weight: 0.5}})
	if err != nil {
		return nil, err
	}
	groups, err := sep.Group(ctx, audiosep.Env{}, f)
	if err != nil {
		return nil, err
	}
	all := make([][]int, len(groups))
	for j, g := range groups {
		all[j] = g.Components
	}
	return all, nil
}

// oracleGroups puts components into the stems as one would who hears these.
func oracleGroups(components, stems []*audiosep.Signal) [][]int {
	return oraclegroups.Groups(known.Products(components, stems))
}
