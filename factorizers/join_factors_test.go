package factorizers_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/factorizers"
)

func dictionary(bins, rank, columns int, groups ...audiosep.Group) *audiosep.Factors {
	f := &audiosep.Factors{W: mat.NewDense(bins, rank, nil), Sources: groups}
	for k := range rank {
		f.W.Set(k%bins, k, float64(k+1))
	}
	if columns > 0 {
		f.H = mat.NewDense(rank, columns, nil)
		f.H.Set(0, 0, float64(rank))
	}
	return f
}

func TestJoinFactors(t *testing.T) {
	piano, guitar := dictionary(4, 2, 3), dictionary(4, 3, 3)
	band := dictionary(4, 2, 0, audiosep.Group{Name: "drums", Components: []int{1}}, audiosep.Group{Name: "piano", Components: []int{0}})
	band.W.Set(3, 0, 1)
	low, high := dictionary(4, 1, 0), dictionary(4, 1, 0)
	low.Hz, high.Hz = []float64{0, 10, 20, 30}, []float64{5, 15, 25, 35}
	env := audiosep.Env{Wiring: map[string][]string{"dictionary": {"piano", "guitar", "band"}}}
	for _, c := range []struct {
		names []string
		in    []*audiosep.Factors
		want  string // the groups, or the error
		h     bool
	}{
		{nil, []*audiosep.Factors{piano, guitar}, "[{piano [0 1]} {guitar [2 3 4]}]", true},
		{[]string{"a", "b"}, []*audiosep.Factors{piano, guitar}, "[{a [0 1]} {b [2 3 4]}]", true},
		{[]string{"a", "a"}, []*audiosep.Factors{piano, guitar}, "[{a [0 1 2 3 4]}]", true},
		{nil, []*audiosep.Factors{piano, guitar, band}, "[{piano [0 1 5]} {guitar [2 3 4]} {drums [6]}]", false},
		{[]string{"a"}, []*audiosep.Factors{piano, guitar}, "names has 1 entry; want 2, one for each dictionary", false},
		{nil, []*audiosep.Factors{piano, dictionary(5, 1, 0)}, "dictionary 2 has 5 bins; want 4, as the first", false},
		{nil, []*audiosep.Factors{low, piano}, "[{piano [0]} {guitar [1 2]}]", false},
		{nil, []*audiosep.Factors{low, high}, "dictionary 2: its bin 0 is at 5 Hz; want 0 Hz, of the same transform", false},
		{nil, []*audiosep.Factors{piano, {}}, "dictionary 2 has no W; want one", false},
		{nil, []*audiosep.Factors{piano, guitar, dictionary(4, 2, 0)}, "dictionaries 1 and 3 are the same", false},
	} {
		stage, err := factorizers.NewJoinFactors(factorizers.JoinFactorsParams{Names: c.names})
		if err != nil {
			t.Fatal(err)
		}
		out, err := stage.Run(t.Context(), env, factorizers.JoinFactorsIn{Dictionary: c.in})
		if err != nil {
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v; want %s", err, c.want)
			}
			continue
		}
		f := out.Factors
		if got := fmt.Sprint(f.Sources); got != c.want || (f.H != nil) != c.h {
			t.Errorf("joined %s, H %v; want %s", got, f.H != nil, c.want)
		}
		if err := audiosep.CheckGroups(f.Sources, f.Rank()); err != nil {
			t.Error(err)
		}
		at := 0
		for _, d := range c.in {
			for k := range d.Rank() {
				if !mat.Equal(f.W.ColView(at), d.W.ColView(k)) {
					t.Errorf("column %d is not column %d of its dictionary", at, k)
				}
				at++
			}
		}
	}
}

// What is forecast of the sources is what they are, and leaves the parameters alone.
func TestJoinFactorsForecast(t *testing.T) {
	names := []string{"violin", "clarinet", "violin"}
	stage, err := factorizers.NewJoinFactors(factorizers.JoinFactorsParams{Names: names})
	if err != nil {
		t.Fatal(err)
	}
	will, err := stage.Forecast(map[string]audiosep.Forecast{"dictionary": {Rank: 6}})
	if err != nil {
		t.Fatal(err)
	}
	out, err := stage.Run(t.Context(), audiosep.Env{}, factorizers.JoinFactorsIn{Dictionary: []*audiosep.Factors{dictionary(4, 2, 0), dictionary(4, 1, 0), dictionary(4, 3, 0)}})
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(out.Factors.Sources); got != "[{violin [0 1 3 4 5]} {clarinet [2]}]" {
		t.Errorf("the sources are %s", got)
	}
	if got := will["factors"]; got.Rank != 6 || !slices.Equal(got.Sources, []string{"violin", "clarinet"}) {
		t.Errorf("the forecast is %v", got)
	}
}
