package factorizers_test

import (
	"math"
	"strings"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/factorizers"
)

// tune is an instrument, peaks at some steps of a logarithmic axis, that plays random pitches,
// one in three columns.
func tune(seed uint64, bins, cols, pitches int, peaks ...int) *mat.Dense {
	rng := audiosep.Env{Seed: seed}.Rand("tune")
	v := mat.NewDense(bins, cols, nil)
	pitch, level := 0, 0.0
	for n := range cols {
		if n%3 == 0 {
			pitch, level = rng.IntN(pitches), 0.5+rng.Float64()
		}
		for i, p := range peaks {
			for d, a := range []float64{0.3, 1, 0.3} {
				f := p + pitch + d - 1
				v.Set(f, n, v.At(f, n)+level*a/float64(i+1))
			}
		}
	}
	return v
}

// Two instruments that play many pitches come apart into one component each, nearer to it than any
// component of an NMF could be, a spectrum louder and softer: of those the first singular vectors
// are the nearest. The bins may be on the axis, or between its steps.
func TestNMF2DInstruments(t *testing.T) {
	const bins, cols, pitches, perOctave = 48, 120, 8, 12
	tunes := []*mat.Dense{tune(1, bins, cols, pitches, 2, 14, 21), tune(2, bins, cols, pitches, 6, 11, 34)}
	var v mat.Dense
	v.Add(tunes[0], tunes[1])
	for _, off := range []float64{0, 0.3} {
		hz := make([]float64, bins)
		for f := range hz {
			hz[f] = 100 * math.Exp2((float64(f)+off)/perOctave)
		}
		p := factorizers.DefaultNMF2D()
		p.Taps, p.Pitches, p.PerOctave, p.Lowest, p.Power, p.Restarts, p.Iterations = 1, pitches, perOctave, 100, 2, 4, 150
		s, err := factorizers.NewNMF2D(p)
		if err != nil {
			t.Fatal(err)
		}
		out, err := s.Run(t.Context(), audiosep.Env{Seed: 1}, factorizers.NMF2DIn{Power: audiosep.NewPower(&v, powerOf(&v).Framing(), hz)})
		if err != nil {
			t.Fatal(err)
		}
		f := out.Factors
		if err := audiosep.CheckGroups(f.Sources, 2*pitches); err != nil {
			t.Fatal(err)
		}
		for k, sum := range columnSums(f.W) {
			if math.Abs(sum-1) > 1e-9 {
				t.Errorf("column %d of W sums to %v", k, sum)
			}
		}
		var of [2]int // which source is nearest
		for i, tune := range tunes {
			best := math.Inf(1)
			for j, g := range f.Sources {
				var d mat.Dense
				d.Sub(partOf(f, g), tune)
				if e := mat.Norm(&d, 2) / mat.Norm(tune, 2); e < best {
					best, of[i] = e, j
				}
			}
			limit := beyondOneSpectrum(tune)
			t.Logf("off by %v: instrument %d differs by %.2g of its norm from the nearest source, and by %.2g from any one spectrum", off, i+1, best, limit)
			if !(best < limit) {
				t.Errorf("off by %v: instrument %d differs by %.2g of its norm from the nearest source; want less than from any one spectrum, %.2g", off, i+1, best, limit)
			}
		}
		if of[0] == of[1] {
			t.Errorf("off by %v: source %d is nearest to both instruments", off, of[0]+1)
		}
	}
}

// beyondOneSpectrum returns how much of its norm a matrix differs from the nearest of rank 1.
func beyondOneSpectrum(v *mat.Dense) float64 {
	var svd mat.SVD
	svd.Factorize(v, mat.SVDNone)
	s := svd.Values(nil)
	return floats.Norm(s[1:], 2) / floats.Norm(s, 2)
}

func TestNMF2DRefuses(t *testing.T) {
	v := mat.NewDense(4, 6, nil)
	for want, hz := range map[string][]float64{"have no frequencies": nil, "want it lower": {10, 20, 30, 40}, "want fewer": {0, 50, 100, 150}} {
		s, err := factorizers.NewNMF2D(factorizers.DefaultNMF2D())
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Run(t.Context(), audiosep.Env{}, factorizers.NMF2DIn{Power: audiosep.NewPower(v, powerOf(v).Framing(), hz)})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %s", err, want)
		}
	}
}
