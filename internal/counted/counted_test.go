package counted_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/audiosep/audiosep/internal/counted"
)

// Numbers count as such, wherever they stand, and no two names are equal.
func TestCompare(t *testing.T) {
	want := []string{"03.wav", "mix-1.wav", "mix-2.wav", "mix-2b.wav", "mix-10-a.wav", "mix-10.wav", "take02", "take2", "take10"}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, counted.Compare)
	if !slices.Equal(got, want) {
		t.Errorf("the order is %q; want %q", got, want)
	}
	if c := counted.Compare("take2", "take02"); c == 0 || c != -counted.Compare("take02", "take2") {
		t.Errorf("names that differ by a zero compare as %d", c)
	}
}

// One thing is told of as one, and none as many.
func TestOf(t *testing.T) {
	for n, want := range map[int][3]string{
		0: {"0 entries", "0 samples are", "there are 0 sources"},
		1: {"1 entry", "1 sample is", "there is 1 source"},
		2: {"2 entries", "2 samples are", "there are 2 sources"},
	} {
		if got := [3]string{counted.Of(n, "entry"), counted.Are(int64(n), "sample"), counted.There(uint32(n), "source")}; got != want {
			t.Errorf("%d: %q; want %q", n, got, want)
		}
	}
	if got := counted.Of(3, "pitch"); got != "3 pitches" {
		t.Error(got)
	}
}

// A line names ten things and counts the others.
func TestNames(t *testing.T) {
	for names, want := range map[string]string{"": "", "a": "a", "ab": "a, b", "abcdefghij": "a, b, c, d, e, f, g, h, i, j", "abcdefghijkl": "a, b, c, d, e, f, g, h, i, j and 2 more"} {
		if got := counted.Names(strings.Split(names, "")); got != want {
			t.Errorf("%q; want %q", got, want)
		}
	}
}
