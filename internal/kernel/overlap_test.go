package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Every path adds what the definition says, leaves what lies between the rows, and gives a
// column the same bits however many stand beside it.
func TestOverlapping(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(3, 4))
		var o Overlapping
		for range 200 {
			m, k, n, step := 1+r.IntN(20), 1+r.IntN(40), 8*(1+r.IntN(8)), r.IntN(20)
			if r.IntN(4) == 0 {
				n = 1 + r.IntN(30) // no whole vectors
			}
			ldc, lda := n+r.IntN(4), k+r.IntN(4)
			c, a, b := random(r, 1, m*ldc, m*ldc).Data, random(r, 1, m*lda, m*lda).Data, random(r, 1, k*step+n, k*step+n).Data
			want := append([]float64(nil), c...)
			for i := range m {
				for j := range n {
					for l := range k {
						want[i*ldc+j] += a[i*lda+l] * b[l*step+j]
					}
				}
			}
			few := append([]float64(nil), c...)
			o.Add(c, ldc, a, lda, m, k, b, step, n)
			for i, x := range c {
				if math.Abs(x-want[i]) > 1e-13*float64(k+2) {
					t.Fatalf("%d×%d by %d×%d, step %d: number %d is %v; want %v", m, k, k, n, step, i, x, want[i])
				}
			}
			if n%8 == 0 {
				o.Add(few, ldc, a, lda, m, k, b, step, 8)
				for i := range m {
					for j := range 8 {
						if few[i*ldc+j] != c[i*ldc+j] {
							t.Fatalf("row %d, column %d of 8 is %v, of %d it is %v", i, j, few[i*ldc+j], n, c[i*ldc+j])
						}
					}
				}
			}
		}
	})
}
