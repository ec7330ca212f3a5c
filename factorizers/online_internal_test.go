package factorizers

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// With W updated once a batch and scikit-learn's starts, a batch is that of its MiniBatchNMF;
// testdata/online_sklearn.py has how the numbers were made. It counts W as it is given as one
// batch more; here nothing is known before the first batch.
func TestOnlineGolden(t *testing.T) {
	text, err := os.ReadFile("testdata/online_sklearn.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Bins, Rank, Size, Steps int
		V, W                    []float64
		Cases                   []struct {
			Beta, Rho float64
			Starts, W []float64
		}
	}
	if err := json.Unmarshal(text, &golden); err != nil {
		t.Fatal(err)
	}
	all := mat.NewDense(golden.Bins, len(golden.V)/golden.Bins, golden.V)
	for _, c := range golden.Cases {
		o := &online{beta: c.Beta, eps: 1e-15, gamma: exponent(c.Beta, false, false), steps: golden.Steps, first: golden.Steps - 1}
		o.w = mat.DenseCopyOf(mat.NewDense(golden.Bins, golden.Rank, golden.W))
		o.ready()
		copy(o.a.Data, golden.W)
		for i := range o.b.Data {
			o.b.Data[i] = 1
		}
		for i, start := range c.Starts {
			v := mat.DenseCopyOf(all.Slice(0, golden.Bins, i*golden.Size, (i+1)*golden.Size))
			h := mat.NewDense(golden.Rank, golden.Size, nil)
			for j := range h.RawMatrix().Data {
				h.RawMatrix().Data[j] = start
			}
			o.learn(t.Context(), v, h, c.Rho)
		}
		for i, want := range c.W {
			if got := o.w.RawMatrix().Data[i]; math.Abs(got-want) > 1e-9*math.Abs(want) {
				t.Errorf("beta %v: number %d of W is %v; want %v", c.Beta, i, got, want)
			}
		}
	}
}

// descended returns x, K×n, after sweeps of coordinate descent on ½xᵀGx - numᵀx, written plainly.
func descended(x, num, gram *mat.Dense) *mat.Dense {
	x = mat.DenseCopyOf(x)
	rank, n := x.Dims()
	for range sweeps {
		for k := range rank {
			for j := range n {
				x.Set(k, j, max(0, x.At(k, j)+(num.At(k, j)-mat.Dot(gram.RowView(k), x.ColView(j)))/gram.At(k, k)))
			}
		}
	}
	return x
}

// For β = 2 the sums over batches are exact, and W and H descend on them: as written out, for three
// batches.
func TestOnlineEuclidean(t *testing.T) {
	const bins, rank, cols, steps, rho = 9, 3, 14, 4, 0.6
	rng := rand.New(rand.NewPCG(1, 1))
	o := (&online{beta: 2, gamma: 1, steps: steps, first: 1, coordinates: true, w: randomPositive(rng, bins, rank)}).ready()
	w, sumA, sumG := mat.DenseCopyOf(o.w), mat.NewDense(bins, rank, nil), mat.NewDense(rank, rank, nil)
	for range 3 {
		v, h := randomPositive(rng, bins, cols), randomPositive(rng, rank, cols)
		o.learn(t.Context(), v, mat.DenseCopyOf(h), rho)
		var a, g mat.Dense
		for i := range steps {
			var num, gram mat.Dense
			num.Mul(w.T(), v)
			gram.Mul(w.T(), w)
			h = descended(h, &num, &gram)
			if i < 1 {
				continue
			}
			a.Mul(v, h.T())
			g.Mul(h, h.T())
			var old mat.Dense
			old.Scale(rho, sumA)
			a.Add(&a, &old)
			var oldG mat.Dense
			oldG.Scale(rho, sumG)
			g.Add(&g, &oldG)
			w = mat.DenseCopyOf(descended(mat.DenseCopyOf(w.T()), mat.DenseCopyOf(a.T()), &g).T())
		}
		sumA, sumG = &a, &g
	}
	if !mat.EqualApprox(o.w, w, 1e-10) {
		t.Errorf("W is\n%v\nwant\n%v", mat.Formatted(o.w), mat.Formatted(w))
	}
}
