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
		{Window{Name: "kaiser", Beta: 701}, 5, "beta of a window is 701; want 0 to 700"},
	} {
		if _, err := c.w.Weights(c.n); err == nil || err.Error() != c.want {
			t.Errorf("%+v of %d: error %v; want %s", c.w, c.n, err, c.want)
		}
	}
}
