package transforms

import (
	"math"
	"testing"
)

func TestWindowsAgainstScipy(t *testing.T) {
	for _, g := range goldenWindows {
		got, err := g.w.Weights(len(g.weights))
		if err != nil {
			t.Fatal(err)
		}
		if e := distance(got, g.weights); !(e <= 1e-15) {
			t.Errorf("%+v: %v; want %v", g.w, got, g.weights)
		}
	}
}

// The formulas, and 0 at the ends of the triangular window and 6e-5 at those of Blackman-Harris.
func TestWindowsAgainstFormulas(t *testing.T) {
	for _, c := range []struct {
		name   string
		ends   float64
		weight func(x float64) float64
	}{
		{"triangular", 0, func(x float64) float64 { return 1 - math.Abs(x/math.Pi-1) }},
		{"blackman_harris", 6e-5, func(x float64) float64 {
			return 0.35875 - 0.48829*math.Cos(x) + 0.14128*math.Cos(2*x) - 0.01168*math.Cos(3*x)
		}},
	} {
		for _, n := range []int{1, 2, 7, 8} {
			for _, symmetric := range []bool{false, true} {
				got, err := Window{Name: c.name, Symmetric: symmetric}.Weights(n)
				if err != nil {
					t.Fatal(err)
				}
				over := n
				if symmetric {
					over = n - 1
				}
				for i, a := range got {
					want := 1.0
					if n > 1 {
						want = c.weight(2 * math.Pi * float64(i) / float64(over))
					}
					if math.Abs(a-want) > 1e-15 {
						t.Errorf("weight %d of %s of %d, symmetric %v, is %v; want %v", i, c.name, n, symmetric, a, want)
					}
				}
				if n > 1 && math.Abs(got[0]-c.ends) > 1e-15 {
					t.Errorf("%s begins with %v; want %v", c.name, got[0], c.ends)
				}
			}
		}
	}
}

func TestWindowsOverlapToOne(t *testing.T) {
	for _, w := range []Window{{Name: "sine"}, {Name: "kbd", Beta: 12}} {
		a, err := w.Weights(48)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 24 {
			if e := math.Abs(a[i]*a[i] + a[i+24]*a[i+24] - 1); !(e <= 1e-15) {
				t.Errorf("%s: squares %d and %d add to one but for %.3g", w.Name, i, i+24, e)
			}
		}
	}
}

func TestWindowRefuses(t *testing.T) {
	for _, c := range []struct {
		w    Window
		n    int
		want string
	}{
		{Window{Name: "hann"}, 0, "a window has 0 weights; want at least 1"},
		{Window{Name: "kbd"}, 5, "a kbd window has 5 weights; want an even number"},
		{Window{Name: "hann "}, 5, `no window is called "hann "`},
		{Window{Name: "tukey", Alpha: 1.5}, 5, "alpha of a window is 1.5; want 0 to 1"},
		{Window{Name: "tukey", Alpha: math.NaN()}, 5, "alpha of a window is NaN; want 0 to 1"},
		{Window{Name: "own", Own: []float64{1, math.Inf(1)}}, 2, "weight 1 of the window is +Inf; want finite numbers"},
		{Window{Name: "own", Own: []float64{0, 0}}, 2, "the 2 weights of the window are all 0; want some that are not"},
		{Window{Name: "kaiser", Beta: 701}, 5, "beta of a window is 701; want 0 to 700"},
	} {
		if _, err := c.w.Weights(c.n); err == nil || err.Error() != c.want {
			t.Errorf("%+v of %d: error %v; want %s", c.w, c.n, err, c.want)
		}
	}
}
