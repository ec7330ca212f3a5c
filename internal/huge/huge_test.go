package huge

import "testing"

// TestFloats: all numbers are zeros that can be written, on both sides of the size that is advised.
func TestFloats(t *testing.T) {
	for _, n := range []int{0, 1, least/8 - 1, least / 8, 3*least/8 + 5} {
		if y := Float32s(2 * n); len(y) != 2*n || n > 0 && (y[0] != 0 || y[2*n-1] != 0) {
			t.Errorf("%d numbers of 32 bits are %d, or not 0", 2*n, len(y))
		}
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
