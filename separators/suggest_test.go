package separators

import (
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
)

// spectra of two kinds: low ones and high ones, in pairs that share activations.
func twoKinds() *audiosep.Factors {
	const bins, cols = 64, 40
	f := &audiosep.Factors{W: mat.NewDense(bins, 6, nil), H: mat.NewDense(6, cols, nil)}
	for k := range 6 {
		high := k%2 == 1
		for i := range bins {
			x := 0.001
			if at := 8 + k/2; !high && i >= at && i < at+6 || high && i >= 40+at && i < 46+at {
				x = 1
			}
			f.W.Set(i, k, x)
		}
		for n := range cols {
			if (n/5+k)%2 == 0 {
				f.H.Set(k, n, 1+float64((n*7+k)%3))
			}
		}
	}
	return f
}

// TestSuggest holds that what is known stays, that the rest follows what it is like, and how
// sure that is.
func TestSuggest(t *testing.T) {
	f := twoKinds()
	for _, known := range [][]int{{0, 1, -1, -1, -1, -1}, {1, 0, -1, -1, -1, -1}, {-1, -1, -1, 1, 0, -1}, {0, -1, -1, -1, -1, -1}} {
		s, err := Suggest(t.Context(), audiosep.Env{Seed: 1}, nil, f, known, 2, 0.3)
		if err != nil {
			t.Fatal(err)
		}
		like := s.Of[0] // the low ones
		for k, j := range s.Of {
			if want := like ^ (k % 2); j != want {
				t.Errorf("%v known: component %d is in source %d; want %d", known, k, j, want)
			}
			if known[k] >= 0 && (j != known[k] || s.Confidence[k] != 1) {
				t.Errorf("%v known: component %d is in %d, confidence %g; want %d, 1", known, k, j, s.Confidence[k], known[k])
			}
			if c := s.Confidence[k]; !(c > 0.5 && c <= 1) {
				t.Errorf("%v known: the confidence of component %d is %g; want 0.5 to 1", known, k, c)
			}
		}
		sum := 0.0
		for _, h := range s.Heard {
			sum += h
		}
		if sum < 1-1e-9 || sum > 1+1e-9 {
			t.Errorf("%g of the power is heard; want 1", sum)
		}
	}
	one, err := Suggest(t.Context(), audiosep.Env{}, nil, f, []int{-1, -1, -1, -1, -1, -1}, 1, 0)
	if err != nil || one.Of[5] != 0 || one.Confidence[5] != 1 {
		t.Errorf("one source: %v, %v; want all in it, surely", one, err)
	}
	// A component that nothing tells apart: its two sources are alike.
	alike := &audiosep.Factors{W: mat.NewDense(8, 3, nil), H: mat.NewDense(3, 4, nil)}
	for k := range 3 {
		for i := range 8 {
			alike.W.Set(i, k, float64(i+1))
		}
		for n := range 4 {
			alike.H.Set(k, n, float64(n+1))
		}
	}
	s, err := Suggest(t.Context(), audiosep.Env{}, nil, alike, []int{0, 1, -1}, 2, 0.5)
	if err != nil || s.Confidence[2] > 1e-6 {
		t.Errorf("of three that are alike the third has the confidence %v (%v); want 0", s.Confidence, err)
	}
	for _, wrong := range [][]int{{0}, {0, 1, 2, -1, -1, -1}, {-2, 0, 0, 0, 0, 0}} {
		if _, err := Suggest(t.Context(), audiosep.Env{}, nil, f, wrong, 2, 0.3); err == nil {
			t.Errorf("%v is taken as known; want an error", wrong)
		}
	}
}
