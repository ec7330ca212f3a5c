package factorizers

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// An update of w is that of libnmfd's nmf_conv, and one of h that of its nmfd where the two are
// the same; testdata/nmfd_libnmfd.py has how the numbers were made, and where they are.
func TestConvolutiveGolden(t *testing.T) {
	text, err := os.ReadFile("testdata/nmfd_libnmfd.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Bins, Rank, Taps int
		V, W, H          []float64
		Updates          []struct {
			Beta float64
			W    []float64
		}
		Even    []float64
		HOfEven []float64 `json:"h_of_even"`
	}
	if err := json.Unmarshal(text, &golden); err != nil {
		t.Fatal(err)
	}
	cols := len(golden.V) / golden.Bins
	v, h := mat.NewDense(golden.Bins, cols, golden.V), mat.NewDense(golden.Rank, cols, golden.H)
	near := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 1e-9*math.Abs(want) {
			t.Errorf("%s is %v; want %v", what, got, want)
		}
	}
	for _, u := range golden.Updates {
		c := newConvolutive(mat.NewDense(golden.Bins, golden.Rank*golden.Taps, golden.W), h, golden.Taps, 1, u.Beta, 0, layOut(v).passes(u.Beta, 0))
		c.gamma = 1 // libnmfd's for every β
		c.updateW(t.Context())
		c.normalise()
		for i, want := range u.W {
			near("a number of w", c.w.Data[i], want)
		}
	}
	c := newConvolutive(mat.NewDense(golden.Bins, golden.Rank*golden.Taps, golden.Even), h, golden.Taps, 1, 1, 0, layOut(v).passes(1, 0))
	c.updateH(t.Context())
	inner := cols - golden.Taps + 1
	for i, want := range golden.HOfEven {
		near("a number of h", c.h.Data[i/inner*cols+i%inner], want)
	}
}

// With shifts along both axes it is what a small program in numpy makes of the updates of the
// paper, for the two divergences that it has: testdata/nmf2d_numpy.py.
func TestConvolutiveGolden2D(t *testing.T) {
	text, err := os.ReadFile("testdata/nmf2d_numpy.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Bins, Cols, Rank, Taps, Shifts int
		V, W, H                        []float64
		After                          []struct {
			Beta, Objective float64
			Iterations      int
			W, H            []float64
		}
	}
	if err := json.Unmarshal(text, &golden); err != nil {
		t.Fatal(err)
	}
	v := mat.NewDense(golden.Bins, golden.Cols, golden.V)
	w, h := mat.NewDense(golden.Bins, golden.Rank*golden.Taps, golden.W), mat.NewDense(golden.Rank*golden.Shifts, golden.Cols, golden.H)
	for _, a := range golden.After {
		c := newConvolutive(w, h, golden.Taps, golden.Shifts, a.Beta, 0, layOut(v).passes(a.Beta, 0))
		objective, _, err := c.minimise(t.Context(), a.Iterations, 0, func(int, float64) {})
		if err != nil {
			t.Fatal(err)
		}
		if got := objective[a.Iterations-1]; math.Abs(got-a.Objective) > 1e-9*a.Objective {
			t.Errorf("beta %v: after %d iterations the objective is %v; want %v", a.Beta, a.Iterations, got, a.Objective)
		}
		for what, x := range map[string][2][]float64{"w": {c.w.Data, a.W}, "h": {c.h.Data, a.H}} {
			if d := floats.Distance(x[0], x[1], math.Inf(1)); !(d <= 1e-9) {
				t.Errorf("beta %v: after %d iterations %s differs by %.3g; want 1e-9", a.Beta, a.Iterations, what, d)
			}
		}
	}
}

// With one tap and no shifts it is NMF, iteration for iteration.
func TestConvolutiveIsNMF(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	v, w, h := randomPositive(rng, 12, 40), randomPositive(rng, 12, 3), randomPositive(rng, 3, 40)
	for _, beta := range []float64{0, 0.5, 1, 2} {
		plain, _, err := newNMF(t.Context(), layOut(v), w, h, nmfOptions{beta: beta, eps: 1e-3}).minimise(20, 0, func(int, float64) {})
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := newConvolutive(w, h, 1, 1, beta, 1e-3, layOut(v).passes(beta, 1e-3)).minimise(t.Context(), 20, 0, func(int, float64) {})
		if err != nil {
			t.Fatal(err)
		}
		for i := range plain {
			if math.Abs(got[i]-plain[i]) > 1e-9*plain[i] {
				t.Fatalf("beta %v: after iteration %d the objective is %v; want %v", beta, i+1, got[i], plain[i])
			}
		}
	}
}

// W and H are what the definition of the model says, and the objective never rises, with taps and
// shifts, for any β.
func TestConvolutiveModel(t *testing.T) {
	const bins, cols, rank, taps, shifts = 10, 15, 2, 3, 4
	rng := rand.New(rand.NewPCG(1, 1))
	v := randomPositive(rng, bins, cols)
	for _, beta := range []float64{0, 0.5, 1, 2, 3} {
		w, h := randomPositive(rng, bins, rank*taps), randomPositive(rng, rank*shifts, cols)
		c := newConvolutive(w, h, taps, shifts, beta, 1e-3, layOut(v).passes(beta, 1e-3))
		objective, _, err := c.minimise(t.Context(), 40, 0, func(int, float64) {})
		if err != nil {
			t.Fatal(err)
		}
		for i := 1; i < len(objective); i++ {
			if objective[i] > objective[i-1] {
				t.Errorf("beta %v: iteration %d raised the objective from %v to %v", beta, i+1, objective[i-1], objective[i])
			}
		}
		var model mat.Dense
		model.Mul(c.factors())
		for f := range bins {
			for n := range cols {
				var want float64
				for k := range rank {
					for tap := 0; tap <= min(n, taps-1); tap++ {
						for shift := 0; shift <= min(f, shifts-1); shift++ {
							want += c.w.Data[(f-shift)*rank*taps+k*taps+tap] * c.h.Data[(k*shifts+shift)*cols+n-tap]
						}
					}
				}
				if got := model.At(f, n); math.Abs(got-want) > 1e-12*want {
					t.Fatalf("WH is %v in bin %d, column %d; want %v", got, f, n, want)
				}
			}
		}
	}
}
