package factorizers

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/kernel"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"pgregory.net/rapid"
)

func activationsParams(beta float64) ActivationsParams {
	return ActivationsParams{Beta: beta, Iterations: 100, Tol: 1e-4, Eps: 1e-10, Update: "mm", Power: 2}
}

// activate returns H of v under w.
func activate(t testing.TB, p ActivationsParams, v, w *mat.Dense) *mat.Dense {
	t.Helper()
	_, cols := v.Dims()
	_, rank := w.Dims()
	h := mat.NewDense(rank, cols, nil)
	if err := (activations{p}).Activate(context.Background(), h, v, w); err != nil {
		t.Fatal(err)
	}
	return h
}

// The bits of a column's activations depend neither on the other columns of the call nor on
// its place among them.
func TestActivationsOfAColumnDoNotDependOnOthers(t *testing.T) {
	for _, path := range []string{"avx512", "avx2", "neon", "go"} {
		t.Run(path, func(t *testing.T) {
			restore, ok := kernel.Use(path)
			if !ok {
				t.Skip("this machine has no " + path)
			}
			defer restore()
			rapid.Check(t, func(rt *rapid.T) {
				rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0))
				bins, cols := rapid.IntRange(1, 80).Draw(rt, "bins"), rapid.IntRange(2, 130).Draw(rt, "columns")
				p := activationsParams(rapid.SampledFrom([]float64{0, 0.5, 1, 2}).Draw(rt, "beta"))
				p.Iterations, p.L1 = 10, 0.1
				v, w := randomV(rng, bins, cols), randomPositive(rng, bins, rapid.IntRange(1, 12).Draw(rt, "rank"))
				_, rank := w.Dims()
				whole := activate(t, p, v, w)
				at := rapid.IntRange(1, cols-1).Draw(rt, "cut")
				for _, part := range [][2]int{{0, at}, {at, cols}} {
					h := activate(t, p, v.Slice(0, bins, part[0], part[1]).(*mat.Dense), w)
					if !mat.Equal(h, whole.Slice(0, rank, part[0], part[1])) {
						rt.Fatalf("columns %d to %d differ when they come alone", part[0], part[1])
					}
				}
			})
		})
	}
}

// Each column is at a minimum: the gradient is 0 where h is not, and nowhere negative.
func TestActivationsAreOptimal(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 6))
	const bins, cols, rank = 30, 40, 4
	v, w := randomV(rng, bins, cols), randomPositive(rng, bins, rank)
	sums := columnSums(w)
	for _, beta := range []float64{0, 1, 2} {
		p := activationsParams(beta)
		p.Iterations, p.Tol, p.L1 = 20000, 1e-9, 0.05
		h := activate(t, p, v, w)
		var wh mat.Dense
		wh.Mul(w, h)
		for n := range cols {
			for k := range rank {
				var gradient, size float64
				for f := range bins {
					y := wh.At(f, n) + p.Eps
					up, down := w.At(f, k)*math.Pow(y, beta-1), w.At(f, k)*(v.At(f, n)+p.Eps)*math.Pow(y, beta-2)
					gradient += up - down
					size += up + down
				}
				gradient += p.L1 * sums[k]
				if gradient < -1e-4*size || h.At(k, n) > 1e-3 && gradient > 1e-4*size {
					t.Errorf("beta %v: h is %.3g in row %d, column %d, its gradient %.3g of %.3g", beta, h.At(k, n), k, n, gradient, size)
				}
			}
		}
	}
}

// An l1 of activations is one of NMF with the dictionary fixed, however it is scaled: all end
// at the same objective, of which the l1 term is a good part.
func TestL1HasOneMeaning(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	rng := rand.New(rand.NewPCG(1, 9))
	v, w := randomV(rng, 20, 15), randomPositive(rng, 20, 3)
	unit := mat.DenseCopyOf(w)
	normaliseColumns(unit)
	for _, beta := range []float64{0, 1, 2} {
		p := activationsParams(beta)
		p.Iterations, p.Tol, p.L1 = 30000, 0, 0.1
		q := params(3, 30000)
		q.Fix, q.Use, q.L1 = "w", "w", p.L1
		f := factorize(t, beta, q, v, &audiosep.Factors{W: w})
		want := f.Objective[len(f.Objective)-1]
		scaled := activate(t, p, v, w)
		for k, sum := range columnSums(w) {
			floats.Scale(sum, scaled.RawRowView(k))
		}
		for name, h := range map[string]*mat.Dense{"sums to 1": activate(t, p, v, unit), "does not": scaled} {
			if c := divergence(v, unit, h, beta, p.Eps) + penalties(h, q); math.Abs(c-want) > 1e-9*want {
				t.Errorf("beta %v: the objective is %.12g where the dictionary %s; of NMF with W fixed it is %.12g", beta, c, name, want)
			}
		}
	}
}

func TestActivationsScaleAndSilence(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 7))
	v, w := randomV(rng, 20, 10), randomPositive(rng, 20, 3)
	for f := range 20 {
		v.Set(f, 4, 0)
		w.Set(f, 1, 0) // a component without a spectrum
	}
	h := activate(t, activationsParams(0), v, w)
	for n := range 10 {
		if h.At(1, n) != 0 {
			t.Errorf("a component without a spectrum has the activation %v", h.At(1, n))
		}
		if silent := h.At(0, n)+h.At(2, n) == 0; silent != (n == 4) {
			t.Errorf("column %d has the activations %v, %v", n, h.At(0, n), h.At(2, n))
		}
	}
	p := activationsParams(0)
	v.Scale(1<<10, v)
	p.Eps *= 1 << 10
	louder := activate(t, p, v, w)
	h.Scale(1<<10, h)
	if d := relativeError(louder, h); d > 1e-12 {
		t.Errorf("a thousand times V is missed by %.3g", d)
	}
}

func TestActivationsRefuse(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 8))
	v, w := randomV(rng, 5, 6), randomPositive(rng, 5, 2)
	a := activations{activationsParams(0)}
	bad := mat.DenseCopyOf(v)
	bad.Set(1, 1, math.NaN())
	for want, err := range map[string]error{
		"the spectrogram has NaN in bin 1, column 1": a.Activate(t.Context(), mat.NewDense(2, 6, nil), bad, w),
		"H is 3×6; want 2×6":                         a.Activate(t.Context(), mat.NewDense(3, 6, nil), v, w),
		"W is 4×2; want 5 rows":                      a.Activate(t.Context(), mat.NewDense(2, 6, nil), v, randomPositive(rng, 4, 2)),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %s", err, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := a.Activate(ctx, mat.NewDense(2, 6, nil), v, w); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
