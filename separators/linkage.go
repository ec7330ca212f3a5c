package separators

import (
	"context"
	"math"
	"slices"

	"github.com/audiosep/audiosep"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// bandsPerOctave is how finely spectra are compared. Thirds of an octave are too coarse for
// single partials, in which notes of one instrument differ, but show formants and brightness,
// which they share.
const bandsPerOctave = 3

// linkage divides the components of f into j groups, by agglomeration with average
// linkage (UPGMA; Sokal and Michener, 1958) on the similarity
//
//	weight·cos(√h_a, √h_b) + (1-weight)·cos(e_a, e_b)
//
// of activations and of envelopes, the mean magnitudes in thirds of an octave, in the manner
// of Casey and Westner (2000) and of Spiertz and Gnann (2009). Envelopes assume that bins are
// evenly spaced in frequency, lowest first, as those of the DCT and STFT are; for another
// transform use the weight 1. Groups are ordered by their first component; of equally similar
// pairs the first is joined first.
func linkage(ctx context.Context, f *audiosep.Factors, j int, weight float64) ([][]int, error) {
	bins, rank := f.W.Dims()
	activations, envelopes := make([][]float64, rank), make([][]float64, rank)
	col := make([]float64, bins)
	for k := range rank {
		mat.Col(col, k, f.W)
		activations[k] = unit(roots(f.H.RawRowView(k)))
		envelopes[k] = unit(envelope(roots(col)))
	}
	groups, similar := make([][]int, rank), make([][]float64, rank)
	for a := range rank {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		groups[a], similar[a] = []int{a}, make([]float64, rank)
		for b := range a {
			s := weight*floats.Dot(activations[a], activations[b]) + (1-weight)*floats.Dot(envelopes[a], envelopes[b])
			similar[a][b], similar[b][a] = s, s
		}
	}
	for len(groups) > j {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		a, b := mostSimilar(similar)
		groups, similar = merge(groups, similar, a, b)
	}
	for _, g := range groups {
		slices.Sort(g)
	}
	return groups, nil
}

func mostSimilar(similar [][]float64) (a, b int) {
	best := math.Inf(-1)
	for i, row := range similar {
		for j := i + 1; j < len(row); j++ {
			if row[j] > best {
				best, a, b = row[j], i, j
			}
		}
	}
	return a, b
}

// merge joins group b to group a < b; the similarity of groups is the mean over pairs.
func merge(groups [][]int, similar [][]float64, a, b int) ([][]int, [][]float64) {
	na, nb := float64(len(groups[a])), float64(len(groups[b]))
	for i := range similar {
		s := (na*similar[a][i] + nb*similar[b][i]) / (na + nb)
		similar[a][i], similar[i][a] = s, s
	}
	groups[a] = append(groups[a], groups[b]...)
	for i := range similar {
		similar[i] = slices.Delete(similar[i], b, b+1)
	}
	return slices.Delete(groups, b, b+1), slices.Delete(similar, b, b+1)
}

func roots(x []float64) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = math.Sqrt(v)
	}
	return y
}

// unit scales x to norm 1 in place; zeros stay zeros, whose similarity to everything is 0.
func unit(x []float64) []float64 {
	if most := floats.Norm(x, 2); most > 0 {
		floats.Scale(1/most, x)
	}
	return x
}

// envelope returns the mean of x in each third of an octave from bin 1 on. Bin 0, a
// recording's offset, is left out unless it is the only one.
func envelope(x []float64) []float64 {
	if len(x) < 2 {
		return x
	}
	var bands []float64
	for from, edge := 1, 1.0; from < len(x); {
		edge *= math.Pow(2, 1./bandsPerOctave)
		to := min(int(math.Ceil(edge)), len(x))
		if to > from {
			sum := 0.0 // not floats.Sum, whose last bits depend on the address of x
			for _, v := range x[from:to] {
				sum += v
			}
			bands = append(bands, sum/float64(to-from))
			from = to
		}
	}
	return bands
}
