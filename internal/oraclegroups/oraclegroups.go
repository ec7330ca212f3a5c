// Package oraclegroups puts components into sources as one would who sees the true stems: what a
// factorisation could do if grouping were perfect.
package oraclegroups

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// Groups gives each of K components to that of J stems that it is most like, then moves
// single components from stem to stem while that raises the mean SI-SDR. cross has the inner
// products of components with stems, K×J, within those among components, K×K, and energy
// those of each stem with itself. A stem may end without components.
func Groups(cross, within *mat.Dense, energy []float64) [][]int {
	rank, stems := cross.Dims()
	a := &assignment{cross: cross, within: within, energy: energy, of: make([]int, rank)}
	for k := range a.of {
		for j := range stems {
			if a.likeness(k, j) > a.likeness(k, a.of[k]) {
				a.of[k] = j
			}
		}
	}
	for a.improve() {
	}
	groups := make([][]int, stems)
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

// MeanSDR returns the mean SI-SDR in dB of the sources in which component k is in source
// of[k], from the inner products that Groups takes; it may be -100 for a source.
func MeanSDR(cross, within *mat.Dense, energy []float64, of []int) float64 {
	return (&assignment{cross, within, energy, of}).meanSDR()
}
