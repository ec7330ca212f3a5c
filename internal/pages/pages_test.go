package pages

import "testing"

// Numbers of any count are zeros that can be written to.
func TestFloatsAreZero(t *testing.T) {
	for _, n := range []int{0, 1, 1000, 1 << 18, 1<<20 + 3} {
		x := Floats(n)
		if len(x) != n {
			t.Fatalf("there are %d numbers; want %d", len(x), n)
		}
		for i, v := range x {
			if v != 0 {
				t.Fatalf("number %d of %d is %v; want 0", i, n, v)
			}
			x[i] = 1
		}
	}
}
