package main

import (
	"context"
	"math"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/separators"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// blindGroups clusters components as wiener with the parameter sources does.
func blindGroups(ctx context.Context, f *audiosep.Factors, sources int) ([][]int, error) {
	sep, err := separators.NewWiener(separators.WienerParams{Exponent: 1, Grouping: separators.Grouping{Sources: sources, Weight: 0.5}})
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

// oracleGroups gives each component to the stem that it is most like, then moves single
// components from stem to stem while that raises the mean SI-SDR.
func oracleGroups(components, stems []*audiosep.Signal) [][]int {
	a := &assignment{
		cross: products(components, stems), within: products(components, components),
		energy: make([]float64, len(stems)), of: make([]int, len(components)),
	}
	for j, s := range stems {
		a.energy[j] = dot(s, s)
	}
	for k := range a.of {
		for j := range stems {
			if a.likeness(k, j) > a.likeness(k, a.of[k]) {
				a.of[k] = j
			}
		}
	}
	for a.improve() {
	}
	groups := make([][]int, len(stems))
	for k, j := range a.of {
		groups[j] = append(groups[j], k)
	}
	return groups
}

// assignment gives component k to stem of[k].
type assignment struct {
	cross, within *mat.Dense // inner products: K×J with the stems, K×K among components
	energy        []float64  // of the stems
	of            []int
}

// likeness is the correlation of a component with a stem, but for the component's norm.
func (a *assignment) likeness(k, j int) float64 { return a.cross.At(k, j) / math.Sqrt(a.energy[j]) }

// improve makes the best single move; false if none is for the better.
func (a *assignment) improve() bool {
	best, at, to := a.meanSDR(), -1, -1
	for k, was := range a.of {
		for j := range a.energy {
			a.of[k] = j
			if sdr := a.meanSDR(); sdr > best+1e-9 {
				best, at, to = sdr, k, j
			}
		}
		a.of[k] = was
	}
	if at >= 0 {
		a.of[at] = to
	}
	return at >= 0
}

const (
	silent  = -100  // SI-SDR in dB that counts for a stem without components, so that it gets one
	perfect = 1e-12 // part of an energy that counts as none
)

// meanSDR returns the mean SI-SDR of the sources: with p the inner product of a source
// and its stem, p²/‖stem‖² of its energy is the stem.
func (a *assignment) meanSDR() float64 {
	var sum float64
	for j, energy := range a.energy {
		var p, all float64
		for k, of := range a.of {
			if of != j {
				continue
			}
			p += a.cross.At(k, j)
			for i, with := range a.of {
				if with == j {
					all += a.within.At(k, i)
				}
			}
		}
		target := p * p / energy
		rest := max(all-target, perfect*target)                // below is rounding
		if sdr := 10 * math.Log10(target/rest); sdr > silent { // not if NaN
			sum += sdr
		} else {
			sum += silent
		}
	}
	return sum / float64(len(a.energy))
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
