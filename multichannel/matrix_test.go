package multichannel

import (
	"math"
	"math/cmplx"
	"testing"
)

// The logarithm of a determinant is the sum of those of its pivots, however small or large these and
// their products are; only that of a singular matrix is -Inf.
func TestFactoriseLogDeterminant(t *testing.T) {
	for _, pivots := range [][]float64{
		{2, 3, 5}, {1e-150, 1e-49, 1e-130}, {1e-99, 1e-99, 1e-130}, {1e-99, 1e-99, 1e-99, 1e-99, 1e-99},
		{1e150, 1e49, 1e130}, {1e99, 1e99, 1e130}, {1e99, 1e99, 1e99, 1e99, 1e99}, {1e-130, 1e130, 1e-99, 1e99},
	} {
		n := len(pivots)
		a, pivot := make([]complex128, n*n), make([]int, n)
		var want float64
		for i, x := range pivots {
			a[i*n+i] = cmplx.Rect(x, float64(1+i))
			want += math.Log(x)
		}
		if got := factorise(a, pivot, n); !(math.Abs(got-want) <= 1e-11) {
			t.Errorf("pivots %v: the logarithm is %v; want %v", pivots, got, want)
		}
	}
	if got := factorise([]complex128{1, 2i, 2i, -4}, make([]int, 2), 2); !math.IsInf(got, -1) {
		t.Errorf("a singular matrix: the logarithm is %v; want -Inf", got)
	}
}
