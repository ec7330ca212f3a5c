package factorizers

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/audiosep/audiosep"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"
)

// counts returns Poisson numbers whose means are a product of sparse factors of a rank.
func counts(seed uint64, bins, cols, rank int, loud float64) *mat.Dense {
	src := rand.NewPCG(seed, 3)
	rng := rand.New(src)
	w, h := mat.NewDense(bins, rank, nil), mat.NewDense(rank, cols, nil)
	for _, m := range []*mat.Dense{w, h} {
		for i := range m.RawMatrix().Data {
			if rng.IntN(3) == 0 {
				m.RawMatrix().Data[i] = rng.ExpFloat64()
			}
		}
	}
	v := new(mat.Dense)
	v.Mul(w, h)
	for i, x := range v.RawMatrix().Data {
		v.RawMatrix().Data[i] = distuv.Poisson{Lambda: max(1e-9, loud*x), Src: src}.Rand()
	}
	return v
}

// Relevance determination finds the rank that numbers were made with, whatever their scale;
// more components explain more; it is the greatest with which starts agree.
func TestSuggestRankFindsTheRank(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	for seed, rank := range []int{2, 3, 5, 7} {
		v := counts(uint64(seed), 80, 120, rank, 50)
		p := DefaultRank()
		p.Most = 12
		r, err := SuggestRank(t.Context(), audiosep.Env{Seed: 1}, v, p)
		if err != nil {
			t.Fatal(err)
		}
		if r.Suggested != rank || r.Relevant != rank || r.Stable != rank {
			t.Errorf("rank %d: suggested %d, stable %d, relevance %.3g, %+v", rank, r.Suggested, r.Stable, r.Relevance, r.Ranks)
		}
		for i := range r.Ranks[1:] {
			if r.Ranks[i+1].Explained < r.Ranks[i].Explained-1e-3 {
				t.Errorf("rank %d: rank %d explains %v, after %v", rank, r.Ranks[i+1].Rank, r.Ranks[i+1].Explained, r.Ranks[i].Explained)
			}
		}
		if math.Abs(r.Dispersion*mat.Sum(v)/(80*120)-1) > 0.25 { // of V over its mean, φ is 1/mean
			t.Errorf("rank %d: the dispersion is %.3g of that of Poisson numbers", rank, r.Dispersion*mat.Sum(v)/(80*120))
		}
		v.Scale(1e6, v)
		again, err := SuggestRank(t.Context(), audiosep.Env{Seed: 1}, v, p)
		if err != nil || again.Suggested != rank {
			t.Errorf("scaled: %v, %v", again, err)
		}
	}
}

func TestSuggestRankRefuses(t *testing.T) {
	v := counts(1, 20, 30, 2, 50)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := SuggestRank(cancelled, audiosep.Env{}, v, RankParams{3, 2, 5}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	for want, c := range map[string]struct {
		v *mat.Dense
		p RankParams
	}{
		"most is 1, starts 2":                   {v, RankParams{1, 2, 3}},
		"the spectrogram is silent":             {mat.NewDense(20, 30, nil), RankParams{3, 2, 3}},
		"have more numbers than V, 20×30; want": {v, RankParams{13, 2, 3}},
		"finite numbers":                        {mat.NewDense(1, 1, []float64{math.NaN()}), RankParams{3, 2, 3}},
	} {
		if _, err := SuggestRank(t.Context(), audiosep.Env{}, c.v, c.p); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %s", err, want)
		}
	}
}
