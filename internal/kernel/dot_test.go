package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Inner products are what the definition says, on every path, wherever the numbers stand.
func TestDots(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(5, 6))
		var d Dots
		for _, n := range []int{0, 1, 23, 24, 25, 48, 480, 552} {
			x := random(r, 2, n+8, n+8).Data
			a := x[:n]
			got := d.Dot(a, x[n+8:][:n])
			want, size := 0.0, 0.0
			for i, v := range a {
				want += v * x[n+8+i]
				size += math.Abs(v * x[n+8+i])
			}
			if math.Abs(got-want) > 1e-15*size {
				t.Errorf("of %d numbers it is %v; want %v", n, got, want)
			}
			for shift := range 8 {
				b := append(make([]float64, shift), x[n+8:][:n]...)
				if again := d.Dot(a, b[shift:]); again != got {
					t.Errorf("of %d numbers it is %v where they stand %d further; want %v", n, again, shift, got)
				}
			}
		}
	})
}
