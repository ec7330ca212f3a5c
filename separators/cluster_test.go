package separators

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/audiosep/audiosep"
	"gonum.org/v1/gonum/mat"
	"pgregory.net/rapid"
)

// randomFactors returns factors that are 0 in places.
func randomFactors(rng *rand.Rand, bins, rank, cols int) *audiosep.Factors {
	f := &audiosep.Factors{W: mat.NewDense(bins, rank, nil), H: mat.NewDense(rank, cols, nil)}
	for _, m := range []*mat.Dense{f.W, f.H} {
		for i := range m.RawMatrix().Data {
			m.RawMatrix().Data[i] = max(0, rng.NormFloat64()+1)
		}
	}
	return f
}

// Every grouping is a partition into as many sources as asked for, none empty, in the order
// of their first components, whatever the factors; the scale of components changes nothing,
// as what is heard is the same.
func TestClusterPartitions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		rank := rapid.IntRange(1, 12).Draw(t, "rank")
		j := rapid.IntRange(1, rank).Draw(t, "sources")
		f := randomFactors(rng, 30, rank, 20)
		for k := range rank { // some silent, some twice
			switch rng.IntN(4) {
			case 0:
				f.H.SetRow(k, make([]float64, 20))
			case 1:
				f.W.SetCol(k, mat.Col(nil, rng.IntN(rank), f.W))
			}
		}
		v := new(mat.Dense)
		v.Mul(f.W, f.H)
		power := audiosep.NewPower(v, audiosep.Framing{}, nil)
		weight := rapid.SampledFrom([]float64{0, 0.3, 1}).Draw(t, "weight")
		env := audiosep.Env{Seed: 5}
		groups, err := cluster(t.Context(), env, power, f, j, weight)
		if err != nil {
			t.Fatal(err)
		}
		var all, first []int
		for _, g := range groups {
			if len(g) == 0 || !slices.IsSorted(g) {
				t.Fatalf("group %v; want components in order", g)
			}
			all, first = append(all, g...), append(first, g[0])
		}
		slices.Sort(all)
		if len(groups) != j || !slices.Equal(all, ints(0, rank)) || !slices.IsSorted(first) {
			t.Fatalf("%v; want %d groups of %d components, by their first", groups, j, rank)
		}
		scaled := &audiosep.Factors{W: mat.DenseCopyOf(f.W), H: mat.DenseCopyOf(f.H)}
		scaled.W.Scale(0x1p40, f.W)
		scaled.H.Scale(0x1p-70, f.H)
		again, err := cluster(t.Context(), env, power, scaled, j, weight)
		if err != nil || fmt.Sprint(again) != fmt.Sprint(groups) {
			t.Fatalf("scaled: %v, %v; want %v", again, err, groups)
		}
	})
}

// One component is heard as the whole mixture. Of several each has the power (m V)² of its
// mask, summed by hand, and in any number of columns, blocks being 256.
func TestHeardByHand(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, rank := range []int{1, 3} {
		const bins, cols = 7, 600
		f, v := randomFactors(rng, bins, rank, cols), mat.NewDense(bins, cols, nil)
		for i := range v.RawMatrix().Data {
			v.RawMatrix().Data[i] = rng.Float64()
		}
		h, err := hear(t.Context(), audiosep.NewPower(v, audiosep.Framing{}, nil), f)
		if err != nil {
			t.Fatal(err)
		}
		spectra, activations := zeros(rank, bins), zeros(rank, cols)
		for i := range bins {
			for n := range cols {
				sum := 0.0
				for k := range rank {
					sum += f.W.At(i, k) * f.H.At(k, n)
				}
				for k := range rank {
					if sum > 0 {
						m := f.W.At(i, k) * f.H.At(k, n) / sum
						spectra[k][i] += m * m * v.At(i, n)
						activations[k][n] += m * m * v.At(i, n)
					}
				}
			}
		}
		for k := range rank {
			near(t, h.spectra[k], spectra[k])
			near(t, h.activations[k], activations[k])
		}
	}
}

func near(t *testing.T, got, want []float64) {
	t.Helper()
	for i := range want {
		if math.Abs(got[i]-want[i]) > 1e-12*(1+want[i]) {
			t.Fatalf("number %d is %v; want %v", i, got[i], want[i])
		}
	}
}

// A soft component between two loud sources does not become a source of its own, which
// linkage, blind to power, makes of it.
func TestClusterWeighsByPower(t *testing.T) {
	const bins, cols = 256, 40
	f := &audiosep.Factors{W: mat.NewDense(bins, 5, nil), H: mat.NewDense(5, cols, nil)}
	for k, peak := range []float64{30, 34, 60, 66, 240} {
		for i := range bins {
			d := (float64(i) - peak) / 12
			f.W.Set(i, k, math.Exp(-d*d)+1e-4)
		}
		for n := range cols {
			f.H.Set(k, n, []float64{1, 1, 1, 1, 1e-5}[k]*float64(1+(n*(k+3))%7))
		}
	}
	groups, err := cluster(t.Context(), audiosep.Env{}, nil, f, 2, 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(groups) != 2 || groups[0][0] != 0 || groups[0][1] != 1 || !slices.Contains(groups[1], 2) || !slices.Contains(groups[1], 3) {
		t.Errorf("%v; want 0 and 1 apart from 2 and 3", groups)
	}
	joined, err := linkage(t.Context(), f, 2, 0)
	if err != nil || len(joined[1]) != 1 || joined[1][0] != 4 {
		t.Errorf("linkage: %v, %v; this case is to show that it splits off 4", joined, err)
	}
}

// Mel bands of a tone peak where the tone is, and have a mean of 0.
func TestLogMel(t *testing.T) {
	hz := make([]float64, 1025)
	for i := range hz {
		hz[i] = float64(i) / 1024 * 11025
	}
	last := -1
	for _, bin := range []int{20, 60, 200, 500, 900} {
		power := make([]float64, len(hz))
		power[bin] = 3
		bands := logMel(power, hz)
		sum, at := 0.0, 0
		for b, e := range bands {
			sum += e
			if e > bands[at] {
				at = b
			}
		}
		want := (mel(hz[bin])-mel(50))/(mel(11025)-mel(50))*(melBands+1) - 1
		if math.Abs(sum) > 1e-9 || math.Abs(float64(at)-want) > 0.6 || at <= last {
			t.Errorf("bin %d: the mean is off by %g, the peak in band %d; want 0 and %.1f", bin, sum, at, want)
		}
		last = at
	}
}
