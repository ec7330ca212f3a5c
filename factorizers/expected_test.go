package factorizers_test

import (
	"math"
	"testing"

	"github.com/audiosep/audiosep/factorizers"
	"gonum.org/v1/gonum/mat"
)

// TestEquation9 is the paper's numerical illustration. The least C was measured with the
// published algorithm, and agrees with its value at the truth.
func TestEquation9(t *testing.T) {
	truth := dct(4)
	w := mat.NewDense(4, 2, []float64{1, 0.1, 1, 0.1, 0.1, 1, 0.1, 1})
	h := mat.NewDense(2, 3, []float64{1, 0, 1, 0, 1, 1})
	y, err := factorizers.ExpectedFrames(truth, w, h)
	if err != nil {
		t.Fatal(err)
	}
	p := paperParams()
	p.Eps, p.Iterations, p.Tol = 1e-8, 5000, 0
	for seed := range uint64(20) {
		m := learnTL(t, p, seed, y)
		f := m.Factors
		c := f.Objective[len(f.Objective)-1]
		leak := leak(phiOf(m), truth)
		t.Logf("seed %d: C = %.12f after %d (%s), leak %.2g", seed, c, len(f.Objective), f.Stop, leak)
		if math.Abs(c-1.585450411802) > 1e-9 {
			t.Errorf("seed %d: C = %.12f; want 1.585450411802", seed, c)
		}
		if leak > 1e-9 {
			t.Errorf("seed %d: %.2g leaks between the row-spaces; want at most 1e-9", seed, leak)
		}
	}
}

// leak returns the largest entry of |ΦΦ̄ᵀ| by which a row of Φ is outside the better of
// the two row-spaces of eq. 9.
func leak(phi, truth *mat.Dense) float64 {
	var g mat.Dense
	g.Mul(phi, truth.T())
	var worst float64
	for i := range 4 {
		a := math.Max(math.Abs(g.At(i, 0)), math.Abs(g.At(i, 1)))
		b := math.Max(math.Abs(g.At(i, 2)), math.Abs(g.At(i, 3)))
		worst = math.Max(worst, math.Min(a, b))
	}
	return worst
}

// dct returns the orthonormal DCT-II.
func dct(m int) *mat.Dense {
	phi := mat.NewDense(m, m, nil)
	for k := range m {
		for n := range m {
			phi.Set(k, n, math.Sqrt(2/float64(m))*math.Cos(math.Pi*float64(k)*(float64(n)+0.5)/float64(m)))
		}
	}
	for n := range m {
		phi.Set(0, n, math.Sqrt(1/float64(m)))
	}
	return phi
}
