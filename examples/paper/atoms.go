package main

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/analysis"
)

// Table I of the paper, in Hz, by decreasing influence.
var (
	paperDCTAtoms = []float64{437.5, 462.5, 450, 475, 425, 875, 937.5, 925, 887.5, 487.5, 400, 500, 862.5, 950, 912.5, 900}
	paperTLAtoms  = []float64{466.37, 440.00, 439.85, 466.09, 932.39, 932.33, 879.93, 880.00}
)

// atoms returns the n atoms of a learnt outcome with the greatest influence, that first.
func (l learnt) atoms(n int) []analysis.Atom {
	rows := analysis.Influence(l.Model)[:n]
	atoms := analysis.Atoms(rowsOf(l.phi(), rows), float64(l.Framing.Rate))
	for i := range atoms {
		atoms[i].Row = rows[i]
	}
	return atoms
}

func (l learnt) phi() mat.Matrix { return l.Model.Transform.(audiosep.MatrixTransform).Phi() }

// apart compares frequencies with those of the paper, each list in its own order: how far
// two are apart at most, in Hz, when both are sorted.
func apart(atoms []analysis.Atom, paper []float64) (worst float64) {
	ours := make([]float64, len(atoms))
	for i, a := range atoms {
		ours[i] = a.Frequency
	}
	slices.Sort(ours)
	for i, f := range slices.Sorted(slices.Values(paper)) {
		worst = max(worst, math.Abs(f-ours[i]))
	}
	return worst
}
