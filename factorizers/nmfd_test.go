package factorizers_test

import (
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/factorizers"
)

// struck is a picture of some columns that is struck at some columns.
func struck(seed uint64, bins, cols, taps int, at ...int) *mat.Dense {
	rng := audiosep.Env{Seed: seed}.Rand("picture")
	v := mat.NewDense(bins, cols, nil)
	for tap := range taps {
		for f := range bins {
			a := math.Exp(-0.4*float64(tap)) * rng.ExpFloat64() * rng.ExpFloat64()
			for _, n := range at {
				if n+tap < cols {
					v.Set(f, n+tap, v.At(f, n+tap)+a)
				}
			}
		}
	}
	return v
}

// Two drums whose sound changes as they decay come apart into one picture each, which NMF with a
// component a drum cannot have; and learning goes on from the result.
func TestNMFDDrums(t *testing.T) {
	const bins, cols, taps = 30, 200, 6
	drums := []*mat.Dense{
		struck(1, bins, cols, taps, 3, 30, 52, 81, 120, 150, 176), struck(2, bins, cols, taps, 10, 33, 70, 84, 99, 140, 153, 190),
	}
	var v mat.Dense
	v.Add(drums[0], drums[1])
	framing := powerOf(&v).Framing()
	p := factorizers.DefaultNMFD()
	p.Rank, p.Taps, p.Power, p.Restarts, p.Iterations, p.Tol = 2, taps, 2, 3, 200, 0
	f := nmfd(t, p, &v, framing, nil)
	if len(f.Sources) != 2 || f.Rank() != 2*taps {
		t.Fatalf("there are %d components of %d sources", f.Rank(), len(f.Sources))
	}
	if err := audiosep.CheckGroups(f.Sources, f.Rank()); err != nil {
		t.Fatal(err)
	}
	for k, sum := range columnSums(f.W) {
		if math.Abs(sum-1) > 1e-12 {
			t.Errorf("column %d of W sums to %v", k, sum)
		}
	}
	var worst float64
	for _, drum := range drums {
		best := math.Inf(1)
		for _, g := range f.Sources {
			var d mat.Dense
			d.Sub(partOf(f, g), drum)
			best = min(best, mat.Norm(&d, 2)/mat.Norm(drum, 2))
		}
		worst = max(worst, best)
	}
	if !(worst < 0.05) {
		t.Errorf("a drum differs by %.2g of its norm from the nearest source; want 0.05", worst)
	}
	p.Iterations, p.Restarts = 5, 1
	if on := nmfd(t, p, &v, framing, f); !(on.Objective[4] <= 1.01*f.Objective[len(f.Objective)-1]) {
		t.Errorf("going on from %v, the objective is %v", f.Objective[len(f.Objective)-1], on.Objective[4])
	}
}

// From wired spectra and activations it keeps the names, and zeros of H.
func TestNMFDFromScore(t *testing.T) {
	const bins, cols, taps = 20, 60, 4
	v := struck(1, bins, cols, taps, 5, 20, 40)
	h := mat.NewDense(1, cols, nil)
	for _, n := range []int{5, 20, 40} {
		h.Set(0, n, 1)
	}
	w := mat.NewDense(bins, 1, slices.Repeat([]float64{1}, bins))
	p := factorizers.DefaultNMFD()
	p.Rank, p.Taps, p.Power = 0, taps, 2
	f := nmfd(t, p, v, powerOf(v).Framing(), &audiosep.Factors{W: w, H: h, Sources: []audiosep.Group{{Name: "snare", Components: []int{0}}}})
	if f.Sources[0].Name != "snare" || len(f.Sources[0].Components) != taps {
		t.Errorf("the sources are %v", f.Sources)
	}
	for n := range cols {
		if on := n == 5 || n == 20 || n == 40; on != (f.H.At(0, n) > 0) {
			t.Errorf("the first tap has %v in column %d", f.H.At(0, n), n)
		}
	}
	var d mat.Dense
	d.Sub(partOf(f, f.Sources[0]), v)
	if e := mat.Norm(&d, 2) / mat.Norm(v, 2); !(e < 1e-3) {
		t.Errorf("the drum differs by %.2g of its norm", e)
	}
}

func nmfd(t *testing.T, p factorizers.NMFDParams, v *mat.Dense, framing audiosep.Framing, init *audiosep.Factors) *audiosep.Factors {
	t.Helper()
	s, err := factorizers.NewNMFD(p)
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.Run(t.Context(), audiosep.Env{Seed: 1}, factorizers.NMFDIn{Power: audiosep.NewPower(v, framing, nil), Init: init})
	if err != nil {
		t.Fatal(err)
	}
	return out.Factors
}

// partOf returns the model of one source.
func partOf(f *audiosep.Factors, g audiosep.Group) *mat.Dense {
	bins, _ := f.W.Dims()
	_, cols := f.H.Dims()
	sum := mat.NewDense(bins, cols, nil)
	for _, k := range g.Components {
		var one mat.Dense
		one.Outer(1, f.W.ColView(k), f.H.RowView(k))
		sum.Add(sum, &one)
	}
	return sum
}

func columnSums(w *mat.Dense) []float64 {
	bins, rank := w.Dims()
	sums := make([]float64, rank)
	for f := range bins {
		floats.Add(sums, w.RawRowView(f))
	}
	return sums
}
