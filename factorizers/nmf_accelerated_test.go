package factorizers

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/audiosep/audiosep"
	"gonum.org/v1/gonum/mat"
)

// accelerated returns params with that update.
func accelerated(rank, iterations int) NMFParams {
	p := params(rank, iterations)
	p.Update = "accelerated"
	return p
}

// The first iteration is one of mm; the second is one from factors extrapolated as Nesterov's
// sequence 1, 1.618…, 2.194… says.
func TestAcceleratedGoesBeyondMM(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 1))
	v := randomV(rng, 20, 70)
	start := new(audiosep.Factors)
	start.W, start.H = nmfStart{}.draw(denseSum{v}, 3, rng)
	t1 := (1 + math.Sqrt(5)) / 2
	alpha := (t1 - 1) / ((1 + math.Sqrt(1+4*t1*t1)) / 2)
	for _, beta := range []float64{0, 0.5, 1, 3} {
		one := factorize(t, beta, params(3, 1), v, start)
		two := factorize(t, beta, params(3, 1), v, one)
		if got := factorize(t, beta, accelerated(3, 1), v, start); relativeError(got.W, one.W) > 1e-14 || relativeError(got.H, one.H) > 1e-14 {
			t.Errorf("beta %v: the first iteration is not one of mm", beta)
		}
		beyond := func(now, before *mat.Dense) *mat.Dense {
			e := mat.DenseCopyOf(now)
			e.Apply(func(i, j int, x float64) float64 { return x * math.Pow(x/before.At(i, j), alpha) }, now)
			return e
		}
		want := &audiosep.Factors{W: beyond(two.W, one.W), H: beyond(two.H, one.H)}
		got := factorize(t, beta, accelerated(3, 2), v, start)
		if d := relativeError(reconstruct(got), reconstruct(want)); d > 1e-13 {
			t.Errorf("beta %v: WH differs by %.3g", beta, d)
		}
	}
}

// Coordinate descent, written out: one row of H after the other, then the columns of W.
func TestEuclideanCoordinateDescent(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 2))
	const bins, cols, rank, l1 = 70, 300, 4, 0.2
	v := randomV(rng, bins, cols)
	w, h := nmfStart{}.draw(denseSum{v}, rank, rng)
	p := accelerated(rank, 1)
	p.L1 = l1
	got := factorize(t, 2, p, v, &audiosep.Factors{W: w, H: h})

	// descend updates the rows of h for given w, l1 being the weight of each row.
	descend := func(h, w, v mat.Matrix, l1 []float64) *mat.Dense {
		next := mat.DenseCopyOf(h)
		var num, gram mat.Dense
		num.Mul(w.T(), v)
		gram.Mul(w.T(), w)
		for range sweeps {
			for k := range rank {
				var model mat.Dense
				model.Mul(&gram, next)
				for n := range next.RawMatrix().Cols {
					x := next.At(k, n) + (num.At(k, n)-model.At(k, n)-l1[k])/gram.At(k, k)
					next.Set(k, n, max(0, x))
				}
			}
		}
		return next
	}
	h1 := descend(h, w, v, []float64{l1, l1, l1, l1})
	sums := make([]float64, rank)
	for k := range sums {
		sums[k] = l1 * mat.Sum(h1.RowView(k))
	}
	w1 := mat.DenseCopyOf(descend(w.T(), h1.T(), v.T(), sums).T())
	want := &audiosep.Factors{W: w1, H: h1}
	if d := relativeError(reconstruct(got), reconstruct(want)); d > 1e-12 {
		t.Errorf("WH differs by %.3g", d)
	}
	normaliseColumns(w1)
	if d := relativeError(got.W, w1); d > 1e-12 {
		t.Errorf("W differs by %.3g", d)
	}
}

// Where accelerated ends mm hardly lowers the objective further, and the reverse, except that
// for β = 2 accelerated reaches zeros, which mm only approaches.
func TestAcceleratedHasTheSameFixedPoints(t *testing.T) {
	v := randomV(rand.New(rand.NewPCG(11, 3)), 15, 40)
	for _, beta := range []float64{0, 0.5, 1, 2} {
		for _, l1 := range []float64{0, 0.05} {
			p, q := accelerated(2, 20000), params(2, 20000)
			p.L1, q.L1 = l1, l1
			p.Tol, q.Tol = 1e-14, 1e-14
			orders := [][2]NMFParams{{p, q}, {q, p}}
			if beta == 2 {
				orders = orders[:1]
			}
			for _, order := range orders {
				end := factorize(t, beta, order[0], v, nil)
				more := order[1]
				more.Iterations = 20
				on := factorize(t, beta, more, v, &audiosep.Factors{W: end.W, H: end.H})
				last := end.Objective[len(end.Objective)-1]
				if fall := 1 - on.Objective[len(on.Objective)-1]/last; fall > 1e-9 {
					t.Errorf("beta %v, l1 %v: 20 iterations of %s lower what %s left by %.3g of it", beta, l1, order[1].Update, order[0].Update, fall)
				}
			}
		}
	}
}

// After the same number of iterations its objective is lower, for every divergence and with
// penalties.
func TestAcceleratedIsFaster(t *testing.T) {
	v := randomV(rand.New(rand.NewPCG(3, 6)), 40, 90)
	for _, beta := range []float64{0, 0.5, 1, 2, 3} {
		for _, smooth := range []float64{0, 0.5} {
			p, q := params(3, 30), accelerated(3, 30)
			p.Smooth, q.Smooth = smooth, smooth
			a, b := factorize(t, beta, p, v, nil).Objective, factorize(t, beta, q, v, nil).Objective
			if !(b[len(b)-1] < a[len(a)-1]) {
				t.Errorf("beta %v, smooth %v: accelerated is at %v, mm at %v", beta, smooth, b[len(b)-1], a[len(a)-1])
			}
		}
	}
}

// Warm is mm, to the bit but for the scale of W at its end, until it has settled, and then what accelerated makes of the factors there.
func TestWarmIsMMAndThenAccelerated(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 5))
	v := randomV(rng, 30, 90)
	start := new(audiosep.Factors)
	start.W, start.H = nmfStart{}.draw(denseSum{v}, 3, rng)
	const more = 10
	for _, beta := range []float64{0, 0.5, 1, 2, 3} {
		for _, l1 := range []float64{0, 0.1} {
			settled := (&betaNMF{beta, NMFParams{Update: "warm"}}).settling()
			p, q, r := params(3, settled), params(3, settled+more), accelerated(3, more)
			p.L1, q.L1, r.L1 = l1, l1, l1
			q.Update = "warm"
			mm, warm := factorize(t, beta, p, v, start), factorize(t, beta, q, v, start)
			for i := range settled {
				if mm.Objective[i] != warm.Objective[i] && (i < settled-1 || math.Abs(mm.Objective[i]/warm.Objective[i]-1) > 1e-12) {
					t.Fatalf("beta %v: iteration %d ends at %v; want %v, as mm does", beta, i+1, warm.Objective[i], mm.Objective[i])
				}
			}
			on := factorize(t, beta, r, v, mm)
			if d := relativeError(reconstruct(warm), reconstruct(on)); d > 1e-9 {
				t.Errorf("beta %v, l1 %v: WH differs by %.3g from that of accelerated updates after mm", beta, l1, d)
			}
		}
	}
}
