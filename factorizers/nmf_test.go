package factorizers

import (
	"context"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/audiosep/audiosep"
	"gonum.org/v1/gonum/mat"
	"pgregory.net/rapid"
)

// params returns the defaults with this rank, so many iterations and no early stop.
func params(rank, iterations int) NMFParams {
	p := nmfDefaults
	p.Rank, p.Iterations, p.Tol = rank, iterations, 0
	return p
}

// checkFactors checks what every result promises.
func checkFactors(t *rapid.T, v *mat.Dense, f *audiosep.Factors) {
	bins, cols := v.Dims()
	if err := f.Validate(bins, cols); err != nil {
		t.Fatal(err)
	}
	for k, sum := range columnSums(f.W) {
		if math.Abs(sum-1) > 1e-12 {
			t.Fatalf("column %d of W sums to %v", k, sum)
		}
	}
	if len(f.Objective) == 0 || f.Stop == "" {
		t.Fatalf("objective %v, stop %q", f.Objective, f.Stop)
	}
	for i := 1; i < len(f.Objective); i++ {
		if f.Objective[i] > f.Objective[i-1] {
			t.Fatalf("the objective rises from %v to %v", f.Objective[i-1], f.Objective[i])
		}
	}
}

// With the exponents of majorisation-minimisation no update is ever undone, whatever
// the divergence, the penalties and the shape; the objective is what it says it is.
func TestObjectiveNeverRises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bins, cols := rapid.IntRange(1, 40).Draw(t, "bins"), rapid.IntRange(1, 150).Draw(t, "columns")
		p := params(rapid.IntRange(1, 7).Draw(t, "rank"), 30)
		beta := rapid.SampledFrom([]float64{-1.5, -0.5, 0, 0.3, 0.5, 1, 1.4, 2, 2.5, 4}).Draw(t, "beta")
		p.Eps = rapid.SampledFrom([]float64{1e-10, 1e-3, 0.5}).Draw(t, "eps")
		p.L1 = rapid.SampledFrom([]float64{0, 0, 0.1, 3}).Draw(t, "l1")
		p.Smooth = rapid.SampledFrom([]float64{0, 0, 0.1, 5}).Draw(t, "smooth")
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		v := randomV(rng, bins, cols)
		f, err := (&betaNMF{beta, p}).Factorize(context.Background(), audiosep.Env{}, v, nil)
		if err != nil {
			t.Fatal(err)
		}
		checkFactors(t, v, f)
		if strings.Contains(f.Stop, "raised") {
			t.Fatal(f.Stop)
		}
		want := divergence(v, f.W, f.H, beta, p.Eps) + penalties(f.H, p)
		if got := f.Objective[len(f.Objective)-1]; math.Abs(got-want) > 1e-8*want+1e-9 {
			t.Fatalf("the objective is %v; its formula gives %v", got, want)
		}
	})
}

// divergence is D_β(V+eps | WH+eps) as NewNMF writes it.
func divergence(v, w, h *mat.Dense, beta, eps float64) (d float64) {
	var wh mat.Dense
	wh.Mul(w, h)
	for i, x := range v.RawMatrix().Data {
		x, y := x+eps, wh.RawMatrix().Data[i]+eps
		switch beta {
		case 0:
			d += x/y - math.Log(x/y) - 1
		case 1:
			d += x*math.Log(x/y) - x + y
		default:
			d += (math.Pow(x, beta) + (beta-1)*math.Pow(y, beta) - beta*x*math.Pow(y, beta-1)) / (beta * (beta - 1))
		}
	}
	return d
}

func penalties(h *mat.Dense, p NMFParams) float64 {
	d := p.L1 * mat.Sum(h)
	rank, cols := h.Dims()
	for k := range rank {
		for n := 1; n < cols; n++ {
			q := h.At(k, n-1) / h.At(k, n)
			if p.Smooth > 0 {
				d += p.Smooth * (q - math.Log(q) - 1)
			}
		}
	}
	return d
}
