package counted_test

import (
	"slices"
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
