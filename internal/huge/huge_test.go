package huge

import "testing"

// TestFloats: all numbers are zeros that can be written, on both sides of the size that is advised.
func TestFloats(t *testing.T) {
	for _, n := range []int{0, 1, least/8 - 1, least / 8, 3*least/8 + 5} {
		x := Floats(n)
		if len(x) != n {
			t.Fatalf("%d numbers; want %d", len(x), n)
		}
		for i := range x {
			if x[i] != 0 {
				t.Fatalf("number %d of %d is %g; want 0", i, n, x[i])
			}
			x[i] = 1
		}
	}
}
