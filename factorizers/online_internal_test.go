package factorizers

import (
	"encoding/json"
	"math"
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
