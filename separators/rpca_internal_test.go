package separators

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/blas"

	"github.com/audiosep/audiosep/internal/kernel"
)

// Half of the products and their mirror images are all of them, whatever blocks there are.
func TestProductsAreWhole(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, cols := range []int{1, 5, 128, 129, 300} {
		a, got, want := general(7, cols), general(cols, cols), general(cols, cols)
		for i := range a.Data {
			a.Data[i] = rng.NormFloat64()
		}
		products(a, got)
		kernel.Gemm(blas.Trans, blas.NoTrans, 1, a, a, 0, want)
		for i, v := range want.Data {
			if math.Abs(got.Data[i]-v) > 1e-13 || got.Data[i] != got.Data[i%cols*cols+i/cols] {
				t.Fatalf("%d columns: number %d is %v; want %v", cols, i, got.Data[i], v)
			}
		}
	}
}
