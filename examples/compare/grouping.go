package main

import (
	"context"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/oraclegroups"
	"github.com/audiosep/audiosep/separators"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
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
	energy := make([]float64, len(stems))
	for j, s := range stems {
		energy[j] = dot(s, s)
	}
	return oraclegroups.Groups(products(components, stems), products(components, components), energy)
}

func products(as, bs []*audiosep.Signal) *mat.Dense {
	p := mat.NewDense(len(as), len(bs), nil)
	for i, a := range as {
		for j, b := range bs {
			p.Set(i, j, dot(a, b))
		}
	}
	return p
}

func dot(a, b *audiosep.Signal) float64 {
	var sum float64
	for l, x := range a.Data {
		sum += floats.Dot(x, b.Data[l])
	}
	return sum
}
