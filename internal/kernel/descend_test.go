package kernel

import (
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/blas"
)

// Sweeps never raise the objective, and end where its gradient Gx - num + l1 is 0 if x > 0 and
// ≥ 0 if x = 0.
func TestDescend(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(12, 3))
		for _, n := range []int{1, 4, 7, 8, 12, 24, 100} {
			const k, l1 = 5, 0.3
			a := random(r, 40, k, k)
			gram := square(a, k)
			Gemm(blas.Trans, blas.NoTrans, 1, a, a, 0, gram)
			for j := range k { // a component that is nowhere
				gram.Data[2*k+j], gram.Data[j*k+2] = 0, 0
			}
			x, num := positive(r, k, n), random(r, k, n, n)
			x.Stride, x.Data = n, x.Data[:k*n]
			for i := range num.Data {
				num.Data[i] *= 40
			}
			before := append([]float64{}, x.Data...)
			objective := func(j int) (sum float64) {
				for i := range k {
					sum += l1*x.Data[i*n+j] - num.Data[i*n+j]*x.Data[i*n+j]
					for l := range k {
						sum += x.Data[i*n+j] * gram.Data[i*k+l] * x.Data[l*n+j] / 2
					}
				}
				return sum
			}
			last := make([]float64, n)
			for j := range last {
				last[j] = objective(j)
			}
			for sweep := range 200 {
				Descend(x.Data, num.Data, gram, l1, 1)
				for j := range last {
					d := objective(j)
					if d > last[j]+1e-12*(1+max(d, -d)) {
						t.Fatalf("n = %d: sweep %d raises the objective of column %d from %v to %v", n, sweep, j, last[j], d)
					}
					last[j] = d
				}
			}
			for i := range k {
				for j := range n {
					if i == 2 {
						if x.Data[i*n+j] != before[i*n+j] {
							t.Errorf("n = %d: a row without a gram is %v; want %v", n, x.Data[i*n+j], before[i*n+j])
						}
						continue
					}
					slope := l1 - num.Data[i*n+j]
					for l := range k {
						slope += gram.Data[i*k+l] * x.Data[l*n+j]
					}
					if at := x.Data[i*n+j]; at < 0 || slope < -1e-9 || at > 0 && slope > 1e-9 {
						t.Fatalf("n = %d: x[%d,%d] = %v with slope %v", n, i, j, at, slope)
					}
				}
			}
		}
	})
}
