package allocs

import "testing"

var kept *[8]int

// What allocates each time is found; what does so now and then is not taken for it.
func TestPerRun(t *testing.T) {
	if n := PerRun(10, func() { kept = new([8]int) }); n < 1 {
		t.Errorf("an allocation a run counts as %v", n)
	}
	runs := 0
	if n := PerRun(10, func() {
		if runs++; runs <= 12 {
			kept = new([8]int)
		}
	}); n >= 1 {
		t.Errorf("allocations while it warms up count as %v a run", n)
	}
}
