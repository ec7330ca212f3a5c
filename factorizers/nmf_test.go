package factorizers

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/audiosep/audiosep"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"pgregory.net/rapid"
)

func factorize(t testing.TB, beta float64, p NMFParams, v *mat.Dense, init *audiosep.Factors) *audiosep.Factors {
	t.Helper()
	f, err := NewNMF(beta, p)
	if err != nil {
		t.Fatal(err)
	}
	got, err := f.Factorize(context.Background(), audiosep.Env{Seed: 3}, v, init)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// params returns the defaults with this rank, so many iterations and no early stop.
func params(rank, iterations int) NMFParams {
	p := defaultNMF()
	p.Rank, p.Iterations, p.Tol, p.Update = rank, iterations, 0, "mm"
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
		p.L2 = rapid.SampledFrom([]float64{0, 0, 0.1, 30}).Draw(t, "l2")
		p.Smooth = rapid.SampledFrom([]float64{0, 0, 0.1, 5}).Draw(t, "smooth")
		p.Update = rapid.SampledFrom([]string{"mm", "accelerated", "warm"}).Draw(t, "update")
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

// A rise by the last bit of an objective that a penalty keeps far above the terms of V is
// rounding, and is called that: V here is [5.9 48 21], so that V^-1.5 sums to 0.08, and the
// objective is 121.
func TestRoundingUnderAPenalty(t *testing.T) {
	p := params(1, 30)
	p.Eps, p.L1, p.L2, p.Update = 1e-10, 0.1, 30, "mm"
	v := randomV(rand.New(rand.NewPCG(0x35, 0)), 3, 1)
	f, err := (&betaNMF{-1.5, p}).Factorize(context.Background(), audiosep.Env{}, v, nil)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(f.Stop, "raised") {
		t.Fatal(f.Stop)
	}
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
			e := x/y - 1 // the formula in units of y^β, without what cancels
			d += (math.Expm1(beta*math.Log1p(e)) - beta*e) * math.Pow(y, beta) / (beta * (beta - 1))
		}
	}
	return d
}

func penalties(h *mat.Dense, p NMFParams) float64 {
	d := p.L1*mat.Sum(h) + 0.5*p.L2*floats.Dot(h.RawMatrix().Data, h.RawMatrix().Data)
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

// scikit-learn's result from the same start, written by testdata/nmf_sklearn.py.
func TestNMFAgainstScikitLearn(t *testing.T) {
	text, err := os.ReadFile("testdata/nmf_sklearn.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Iterations int
		V, W, H    [][]float64
		Cases      []struct {
			Beta, Divergence float64
			WH               [][]float64
		}
	}
	if err := json.Unmarshal(text, &golden); err != nil {
		t.Fatal(err)
	}
	for _, c := range golden.Cases {
		p := params(len(golden.H), golden.Iterations)
		p.Eps = 0
		f := factorize(t, c.Beta, p, fromRows(golden.V), &audiosep.Factors{W: fromRows(golden.W), H: fromRows(golden.H)})
		if d := f.Objective[golden.Iterations-1]; math.Abs(d-c.Divergence) > 1e-10*c.Divergence {
			t.Errorf("beta %v: the divergence is %v; want %v", c.Beta, d, c.Divergence)
		}
		if d := relativeError(reconstruct(f), fromRows(c.WH)); d > 1e-11 {
			t.Errorf("beta %v: WH differs by %.3g", c.Beta, d)
		}
	}
}

func fromRows(rows [][]float64) *mat.Dense {
	return mat.NewDense(len(rows), len(rows[0]), slices.Concat(rows...))
}

func reconstruct(f *audiosep.Factors) *mat.Dense {
	var wh mat.Dense
	wh.Mul(f.W, f.H)
	return &wh
}

// relativeError returns the greatest |a-b| as part of the greatest |b|.
func relativeError(a, b *mat.Dense) float64 {
	var d mat.Dense
	d.Sub(a, b)
	return max(mat.Max(&d), -mat.Min(&d)) / max(mat.Max(b), -mat.Min(b))
}

// The formulas of IS-NMF, written out on whole matrices: H, then W, whose l1 term is
// l1 Σ_k ‖w_k‖₁‖h_k‖₁.
func TestISNMFFormulas(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	const bins, cols, rank, eps, l1 = 9, 70, 4, 0.01, 0.3
	v := randomV(rng, bins, cols)
	w, h := nmfStart{}.draw(denseSum{v}, rank, rng)
	for name, gamma := range map[string]float64{"mm": 0.5, "heuristic": 1} {
		p := params(rank, 1)
		p.Eps, p.L1, p.Update = eps, l1, name
		f := factorize(t, 0, p, v, &audiosep.Factors{W: w, H: h})

		quotients := func(w, h *mat.Dense) (p, q *mat.Dense) {
			var wh mat.Dense
			wh.Mul(w, h)
			p, q = mat.NewDense(bins, cols, nil), mat.NewDense(bins, cols, nil)
			for i := range bins {
				for j := range cols {
					y := wh.At(i, j) + eps
					p.Set(i, j, (v.At(i, j)+eps)/(y*y))
					q.Set(i, j, 1/y)
				}
			}
			return p, q
		}
		h1, w1 := mat.DenseCopyOf(h), mat.DenseCopyOf(w)
		a, b := quotients(w, h)
		var num, den mat.Dense
		num.Mul(w.T(), a)
		den.Mul(w.T(), b)
		h1.Apply(func(k, n int, x float64) float64 {
			return x * math.Pow(num.At(k, n)/(den.At(k, n)+l1), gamma)
		}, h)
		a, b = quotients(w, h1)
		num.Reset()
		den.Reset()
		num.Mul(a, h1.T())
		den.Mul(b, h1.T())
		w1.Apply(func(f, k int, x float64) float64 {
			return x * math.Pow(num.At(f, k)/(den.At(f, k)+l1*mat.Sum(h1.RowView(k))), gamma)
		}, w)
		want := &audiosep.Factors{W: w1, H: h1}
		if d := relativeError(reconstruct(f), reconstruct(want)); d > 1e-13 {
			t.Errorf("%s: WH differs by %.3g", name, d)
		}
		normaliseColumns(w1)
		if d := relativeError(f.W, w1); d > 1e-13 {
			t.Errorf("%s: W differs by %.3g", name, d)
		}
	}
}

// Factors with zeros in enough places are unique up to the order of components, and are found.
func TestNMFRecoversFactors(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 9))
	const bins, cols, rank = 24, 60, 3
	w, h := randomPositive(rng, bins, rank), randomPositive(rng, rank, cols)
	for i := range bins {
		w.Set(i, i%rank, 0)
		if i < 2*rank { // bins of one component alone
			for k := range rank {
				w.Set(i, k, float64(b2i(k == i%rank)))
			}
		}
	}
	normaliseColumns(w)
	for n := range cols {
		h.Set(n%rank, n, 0)
		if n < 2*rank { // frames of one component alone
			for k := range rank {
				h.Set(k, n, float64(b2i(k == n%rank)))
			}
		}
	}
	var v mat.Dense
	v.Mul(w, h)
	for _, beta := range []float64{0, 1, 2} {
		p := params(rank, 1500)
		p.Eps, p.Restarts = 1e-6, 3
		f := factorize(t, beta, p, &v, nil)
		for k := range rank {
			best := math.Inf(1)
			for l := range rank {
				var d mat.VecDense
				d.SubVec(f.W.ColView(l), w.ColView(k))
				best = min(best, mat.Norm(&d, 1))
			}
			if best > 0.01 {
				t.Errorf("beta %v: component %d is missed by %.3g of its sum", beta, k, best)
			}
		}
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// V → cV and eps → c·eps give H → cH, the same W, and D → c^β D.
func TestNMFScaleLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		beta := rapid.SampledFrom([]float64{-1, 0, 0.5, 1, 2, 3}).Draw(t, "beta")
		c := math.Ldexp(1, rapid.IntRange(-40, 40).Draw(t, "exponent"))
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		p := params(3, 30)
		p.Update = rapid.SampledFrom([]string{"mm", "accelerated", "warm"}).Draw(t, "update")
		v := randomV(rng, 15, 33)
		env := audiosep.Env{Seed: 1}
		one, err := (&betaNMF{beta, p}).Factorize(context.Background(), env, v, nil)
		if err != nil {
			t.Fatal(err)
		}
		v.Scale(c, v)
		p.Eps *= c
		other, err := (&betaNMF{beta, p}).Factorize(context.Background(), env, v, nil)
		if err != nil {
			t.Fatal(err)
		}
		one.H.Scale(c, one.H)
		if d := max(relativeError(other.W, one.W), relativeError(other.H, one.H)); d > 1e-9 {
			t.Fatalf("the factors differ by %.3g", d)
		}
		if d := math.Pow(c, beta)*one.Objective[5]/other.Objective[5] - 1; math.Abs(d) > 1e-9 {
			t.Fatalf("the objective differs by %.3g of itself", d)
		}
	})
}

func TestNormalisationLeavesProduct(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	v, w, h := randomV(rng, 20, 30), randomPositive(rng, 20, 3), randomPositive(rng, 3, 30)
	s := newNMF(t.Context(), layOut(v), w, h, nmfOptions{threads: 2})
	s.normalise()
	got := new(audiosep.Factors)
	got.W, got.H = s.factors()
	if d := relativeError(reconstruct(got), reconstruct(&audiosep.Factors{W: w, H: h})); d > 1e-15 {
		t.Errorf("WH changes by %.3g", d)
	}
	for k, sum := range columnSums(got.W) {
		if math.Abs(sum-1) > 1e-14 {
			t.Errorf("column %d sums to %v", k, sum)
		}
	}
}

// The same bits on one thread and on four, with restarts and with both penalties.
func TestNMFBitsDoNotDependOnThreads(t *testing.T) {
	v := randomV(rand.New(rand.NewPCG(5, 5)), 50, 400)
	p := params(6, 5)
	p.Restarts, p.L1 = 3, 0.1
	for _, p.Update = range []string{"mm", "accelerated"} {
		for _, p.Smooth = range []float64{0, 0.2} {
			for _, beta := range []float64{0, 0.5, 1, 2} {
				one := onThreads(1, func() *audiosep.Factors { return factorize(t, beta, p, v, nil) })
				four := onThreads(4, func() *audiosep.Factors { return factorize(t, beta, p, v, nil) })
				if !mat.Equal(one.W, four.W) || !mat.Equal(one.H, four.H) || !slices.Equal(one.Restarts, four.Restarts) {
					t.Errorf("beta %v, %s: one thread and four differ", beta, p.Update)
				}
			}
		}
	}
}

func onThreads(n int, f func() *audiosep.Factors) *audiosep.Factors {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(n))
	return f()
}

// Each restart gives what its stream of random numbers gives by itself, and the one with the
// least objective is kept.
func TestRestartsAreTheirSingleRuns(t *testing.T) {
	v := randomV(rand.New(rand.NewPCG(6, 5)), 30, 80)
	p := params(4, 25)
	p.Restarts = 5
	all := factorize(t, 0, p, v, nil)
	best := 0
	for i, end := range all.Restarts {
		one, err := (&betaNMF{0, p}).run(t.Context(), audiosep.Env{Seed: 3}, layOut(v), layOut(v).passes(0, p.Eps), nmfStart{}, i, 1, newProgress(audiosep.Env{}, 25, 1))
		if err != nil {
			t.Fatal(err)
		}
		if got := one.Objective[len(one.Objective)-1]; got != end {
			t.Errorf("restart %d ends at %v, alone at %v", i, end, got)
		}
		if end < all.Restarts[best] {
			best = i
		}
		if best == i && i > 0 && all.Objective[24] == end && !mat.Equal(one.W, all.W) {
			t.Errorf("restart %d was kept, but is not what it is alone", i)
		}
	}
	if got := all.Objective[24]; len(all.Restarts) != 5 || got != all.Restarts[best] {
		t.Errorf("the kept objective is %v of %v; want the least", got, all.Restarts)
	}
	p.Restarts = 1
	if first := factorize(t, 0, p, v, nil); first.Restarts != nil || first.Objective[24] != all.Restarts[0] {
		t.Errorf("one start ends at %v, %v; want restart 0 and no list", first.Objective[24], first.Restarts)
	}
}

// Of starts with equal objectives the first is kept: on silence all end at 0.
func TestTiesGoToTheFirstRestart(t *testing.T) {
	silence := mat.NewDense(6, 9, nil)
	p := params(2, 3)
	one := factorize(t, 0, p, silence, nil)
	p.Restarts = 4
	if all := factorize(t, 0, p, silence, nil); !mat.Equal(all.W, one.W) {
		t.Error("not the first restart was kept")
	}
}

func TestNMFOfOddSpectrograms(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 1))
	holes := randomV(rng, 12, 40)
	for n := range 40 {
		holes.Set(5, n, 0)
	}
	for f := range 12 {
		holes.Set(f, 7, 0)
		holes.Set(f, 8, 5e-324)
	}
	var view mat.Dense
	view.CloneFrom(randomV(rng, 20, 50))
	for name, v := range map[string]*mat.Dense{
		"silence": mat.NewDense(5, 70, nil), "a bin and some columns silent": holes,
		"one bin": randomV(rng, 1, 60), "one column": randomV(rng, 30, 1), "one entry": randomV(rng, 1, 1),
		"part of a matrix": view.Slice(3, 17, 5, 44).(*mat.Dense),
	} {
		for _, beta := range []float64{-1, 0, 0.5, 1, 2, 3} {
			for i, smooth := range []float64{0, 1, 0, 1} {
				p := params(6, 40) // more components than bins or columns
				p.Smooth, p.L1 = smooth, smooth/10
				if i >= 2 {
					p.Update = "accelerated"
				}
				bins, cols := v.Dims()
				f := factorize(t, beta, p, v, nil)
				if err := f.Validate(bins, cols); err != nil {
					t.Errorf("%s, beta %v: %v", name, beta, err)
				}
				for k, sum := range columnSums(f.W) {
					if math.Abs(sum-1) > 1e-12 {
						t.Errorf("%s, beta %v: column %d of W sums to %v", name, beta, k, sum)
					}
				}
				if strings.Contains(f.Stop, "raised") {
					t.Errorf("%s, beta %v, smooth %v: %s", name, beta, smooth, f.Stop)
				}
			}
		}
	}
	p := params(3, 20)
	p.Eps = 0
	for _, beta := range []float64{0.5, 1, 2} { // finite where V is 0
		if f := factorize(t, beta, p, holes, nil); f.Validate(12, 40) != nil {
			t.Errorf("beta %v with zeros and no eps: %v", beta, f.Validate(12, 40))
		}
	}
}

func TestNMFRefuses(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 2))
	with := func(x float64) *mat.Dense {
		v := randomV(rng, 4, 6)
		v.Set(2, 3, x)
		return v
	}
	good := randomV(rng, 4, 6)
	w, h := randomPositive(rng, 4, 2), randomPositive(rng, 2, 6)
	for _, c := range []struct {
		name string
		v    *mat.Dense
		init *audiosep.Factors
		set  func(p *NMFParams)
		want string
	}{
		{"NaN", with(math.NaN()), nil, nil, "the spectrogram has NaN in bin 2, column 3; want finite numbers ≥ 0"},
		{"infinite", with(math.Inf(1)), nil, nil, "the spectrogram has +Inf in bin 2"},
		{"negative", with(-1), nil, nil, "the spectrogram has -1 in bin 2"},
		{"zero without eps", with(0), nil, func(p *NMFParams) { p.Eps = 0 }, "is 0 in bin 2, column 3, and eps is 0; want eps above 0"},
		{"empty", new(mat.Dense), nil, nil, "V is 0×0; want at least one bin"},
		{"H of another recording", good, &audiosep.Factors{W: w, H: randomPositive(rng, 2, 7)}, nil, `the wired H has 7 columns; want 6, those of V, or use: "w"`},
		{"W of another transform", good, &audiosep.Factors{W: randomPositive(rng, 5, 2)}, nil, "W is 5×2; want 4 rows"},
		{"another rank", good, &audiosep.Factors{W: randomPositive(rng, 4, 3)}, nil, "rank is 2, but the wired factors have 3 components; want rank 3"},
		{"nothing to fix", good, nil, func(p *NMFParams) { p.Fix = "w" }, "fix is w, but no such factor is wired"},
		{"restarts of nothing", good, &audiosep.Factors{W: w, H: h}, func(p *NMFParams) { p.Restarts = 3 }, "restarts is 3, but with W and H wired"},
		{"nndsvd of too many", good, nil, func(p *NMFParams) { p.Start, p.Rank = "nndsvd", 5 }, "rank is 5, but V is 4×6; want a rank of at most 4"},
		{"negative start", good, &audiosep.Factors{W: mat.NewDense(4, 2, []float64{-1, 1, 1, 1, 1, 1, 1, 1})}, nil, "W has -1 in row 0"},
		{"overflow", with(1e200), nil, func(p *NMFParams) { p.Rank = 1 }, "after 0 iterations; want a finite number: scale V"},
	} {
		p := params(2, 5)
		if c.set != nil {
			c.set(&p)
		}
		beta := 0.0
		if c.name == "overflow" {
			beta = 2
		}
		_, err := (&betaNMF{beta, p}).Factorize(t.Context(), audiosep.Env{}, c.v, c.init)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want …%s…", c.name, err, c.want)
		}
	}
}

func TestNMFParamsThatContradict(t *testing.T) {
	for raw, want := range map[string]string{
		`{"restarts": 2, "start": "nndsvd"}`: "parameter restarts is 2, but every nndsvd start is the same; want 1, or start random or nndsvdar",
		`{"coverage": 0.9}`:                  "parameter coverage is 0.9, but start is random; want 0, or start nndsvd, nndsvda or nndsvdar",
		`{"fix": "w", "use": "h"}`:           "parameter fix is w, but use is h; want fix none, or a factor that is used",
		`{"rank": -1}`:                       "parameter rank is -1; want 0 to 100000 components",
	} {
		for _, def := range []audiosep.Definition{isNMFStage, betaNMFStage} {
			if _, err := def.Build(json.RawMessage(raw)); err == nil || err.Error() != want {
				t.Errorf("%s: %v; want %s", raw, err, want)
			}
		}
	}
	a, err := isNMFStage.Build(nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := betaNMFStage.Build(json.RawMessage(`{"beta": 0}`))
	if err != nil {
		t.Fatal(err)
	}
	if *a.(*betaNMF) != *b.(*betaNMF) {
		t.Errorf("is_nmf is %v, beta_nmf with beta 0 %v", a, b)
	}
}

func TestFixLeavesFactor(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	v, w, h := randomV(rng, 15, 100), randomPositive(rng, 15, 3), randomPositive(rng, 3, 100)
	normaliseColumns(w)
	for i, beta := range []float64{0, 1, 2, 0, 1, 2} {
		p := params(3, 30)
		if i >= 3 {
			p.Update = "accelerated"
		}
		p.L1, p.Smooth = 0.01, 0.1
		p.Fix, p.Use = "w", "w"
		f := factorize(t, beta, p, v, &audiosep.Factors{W: w, H: mat.NewDense(3, 7, nil)})
		if d := relativeError(f.W, w); d > 1e-15 {
			t.Errorf("beta %v: W changes by %.3g", beta, d)
		}
		p.Fix, p.Use, p.Smooth = "h", "h", 0
		f = factorize(t, beta, p, v, &audiosep.Factors{H: h})
		for k := range 3 {
			c := f.H.At(k, 0) / h.At(k, 0)
			for n := range 100 {
				if d := f.H.At(k, n)/h.At(k, n)/c - 1; math.Abs(d) > 1e-13 {
					t.Fatalf("beta %v: row %d of H changes its shape by %.3g", beta, k, d)
				}
			}
		}
		if strings.Contains(f.Stop, "raised") || f.Objective[29] >= f.Objective[0] {
			t.Errorf("beta %v: %s, %v to %v", beta, f.Stop, f.Objective[0], f.Objective[29])
		}
		want := divergence(v, f.W, f.H, beta, p.Eps) + penalties(f.H, p)
		if got := f.Objective[29]; math.Abs(got-want) > 1e-9*want {
			t.Errorf("beta %v, H fixed: the objective is %v; its formula gives %v", beta, got, want)
		}
	}
}

// From factors that fit exactly, and from ones that no update improves, the objective does not
// rise.
func TestNMFOfItsOwnProduct(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	w, h := randomPositive(rng, 25, 3), randomPositive(rng, 3, 60)
	var v mat.Dense
	v.Mul(w, h)
	for i, beta := range []float64{0, 0.5, 1, 2, 0, 0.5, 1, 2} {
		p := params(3, 50)
		if i >= 4 {
			p.Update = "accelerated"
		}
		f := factorize(t, beta, p, &v, &audiosep.Factors{W: w, H: h})
		if d := relativeError(reconstruct(f), &v); d > 1e-12 || strings.Contains(f.Stop, "raised") {
			t.Errorf("beta %v: WH leaves V by %.3g; %s", beta, d, f.Stop)
		}
	}
}

func TestStopReasons(t *testing.T) {
	v := randomV(rand.New(rand.NewPCG(3, 5)), 20, 50)
	p := params(2, 7)
	if f := factorize(t, 0, p, v, nil); f.Stop != "all 7 iterations done" || len(f.Objective) != 7 {
		t.Errorf("%d iterations: %s", len(f.Objective), f.Stop)
	}
	p.Iterations, p.Tol = 5000, 1e-4
	f := factorize(t, 0, p, v, nil)
	n := len(f.Objective)
	if !strings.HasPrefix(f.Stop, "an iteration lowered the objective by no more than 0.0001") || n < 3 || n == 5000 {
		t.Fatalf("%d iterations: %s", n, f.Stop)
	}
	if fall := 1 - f.Objective[n-1]/f.Objective[n-2]; fall > 1e-4 {
		t.Errorf("the last iteration lowered the objective by %.3g", fall)
	}
	if fall := 1 - f.Objective[n-2]/f.Objective[n-3]; fall <= 1e-4 {
		t.Errorf("the last iteration but one lowered the objective by %.3g only", fall)
	}
}

// After the same number of iterations the heuristic update has a lower objective.
func TestHeuristicIsFaster(t *testing.T) {
	v := randomV(rand.New(rand.NewPCG(3, 6)), 40, 90)
	p := params(3, 30)
	mm := factorize(t, 0, p, v, nil)
	p.Update = "heuristic"
	if f := factorize(t, 0, p, v, nil); len(f.Objective) == 30 && f.Objective[29] >= mm.Objective[29] {
		t.Errorf("heuristic is at %v, mm at %v", f.Objective[29], mm.Objective[29])
	}
}

func TestPenaltiesDoWhatTheySay(t *testing.T) {
	v := randomV(rand.New(rand.NewPCG(3, 7)), 40, 200)
	p := params(3, 200)
	plain := factorize(t, 0, p, v, nil)
	p.Smooth = 50
	smooth := factorize(t, 0, p, v, nil)
	if a, b := penalties(smooth.H, p), penalties(plain.H, p); !(a < b/10) {
		t.Errorf("the smoothness penalty is %v with it, %v without", a, b)
	}
	p.Smooth, p.L1 = 0, 10
	if a, b := mat.Sum(factorize(t, 0, p, v, nil).H), mat.Sum(plain.H); !(a < b/2) {
		t.Errorf("the sum of H is %v with l1, %v without", a, b)
	}
}

// Power 1 factorises the root of V.
func TestPowerOne(t *testing.T) {
	v := randomV(rand.New(rand.NewPCG(3, 8)), 10, 30)
	root := mat.DenseCopyOf(v)
	root.Apply(func(_, _ int, x float64) float64 { return math.Sqrt(x) }, v)
	p := params(2, 10)
	want := factorize(t, 1, p, root, nil)
	p.Power = 1
	got := factorize(t, 1, p, v, nil)
	if !mat.Equal(got.W, want.W) || !mat.Equal(got.H, want.H) {
		t.Error("the root of V and power 1 differ")
	}
}

func TestNNDSVDStart(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 10))
	// The singular vectors of blocks that share neither rows nor columns are those of each block.
	w, h := mat.NewDense(12, 3, nil), mat.NewDense(3, 30, nil)
	for f := range 12 {
		w.Set(f, f/4, 1+rng.Float64())
	}
	for n := range 30 {
		h.Set(n/10, n, float64(1+n/10)+rng.Float64())
	}
	var v mat.Dense
	v.Mul(w, h)
	start, err := (&betaNMF{NMFParams: NMFParams{Rank: 3, Restarts: 1, Start: "nndsvd"}}).wired(layOut(&v), nil)
	if err != nil {
		t.Fatal(err)
	}
	f := &audiosep.Factors{W: start.w, H: start.h}
	if d := relativeError(reconstruct(f), &v); d > 0.02 {
		t.Errorf("blocks are missed by %.3g", d)
	}
	if mat.Min(f.W) <= 0 || mat.Min(f.H) <= 0 {
		t.Error("nndsvd leaves zeros, which no update can leave")
	}
	big := randomV(rng, 60, 300)
	p := params(3, 1)
	random := factorize(t, 2, p, big, nil)
	p.Start = "nndsvd"
	if svd := factorize(t, 2, p, big, nil); svd.Objective[0] >= random.Objective[0] {
		t.Errorf("after one iteration nndsvd is at %v, a random start at %v", svd.Objective[0], random.Objective[0])
	}
}

func TestNMFCancelled(t *testing.T) {
	v := randomV(rand.New(rand.NewPCG(3, 11)), 20, 50)
	ctx, cancel := context.WithCancel(t.Context())
	p := params(3, 1000000)
	p.Restarts = 2
	reports := atomic.Int64{}
	_, err := (&betaNMF{0, p}).Factorize(ctx, audiosep.Env{Progress: func(s audiosep.Step) {
		if s.Done == 10 {
			cancel()
		}
		reports.Add(1)
	}}, v, nil)
	if !errors.Is(err, context.Canceled) || reports.Load() > 20 {
		t.Errorf("%v after %d iterations", err, reports.Load())
	}
	if _, err := (&betaNMF{0, p}).Factorize(ctx, audiosep.Env{}, v, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled before the start: %v", err)
	}
}

func TestNMFReports(t *testing.T) {
	v := randomV(rand.New(rand.NewPCG(3, 12)), 20, 50)
	p := params(3, 2000)
	p.Tol = 1e-2
	var steps []audiosep.Step
	f, err := (&betaNMF{0, p}).Factorize(t.Context(), audiosep.Env{Progress: func(s audiosep.Step) { steps = append(steps, s) }}, v, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, x := range f.Objective {
		if s := steps[i]; s.Done != i+1 || s.Of != 2000 || s.Objective != x {
			t.Fatalf("step %d is %+v; the objective is %v", i, s, x)
		}
	}
	if last := steps[len(steps)-1]; last.Done != last.Of {
		t.Errorf("the last step is %+v", last)
	}
}

// The last step is told of the start that is kept, not of the one that ended last.
func TestLastStepIsOfTheStartKept(t *testing.T) {
	v := randomV(rand.New(rand.NewPCG(3, 12)), 20, 50)
	for seed := range uint64(8) {
		p := params(3, 30)
		p.Restarts = 7
		var mu sync.Mutex
		var last audiosep.Step
		f, err := (&betaNMF{0, p}).Factorize(t.Context(), audiosep.Env{Seed: seed, Progress: func(s audiosep.Step) {
			mu.Lock()
			defer mu.Unlock()
			if s.Done > last.Done {
				last = s
			}
		}}, v, nil)
		if err != nil {
			t.Fatal(err)
		}
		if want := (audiosep.Step{Done: 7 * 30, Of: 7 * 30, Objective: slices.Min(f.Restarts)}); last != want {
			t.Errorf("the last step is %+v; want %+v", last, want)
		}
	}
}

// For β > 1 the divergence is finite where WH is 0 and eps too.
func TestNMFOfZerosInTheModel(t *testing.T) {
	v := randomV(rand.New(rand.NewPCG(4, 9)), 6, 8)
	w, h := randomPositive(rand.New(rand.NewPCG(4, 8)), 6, 2), randomPositive(rand.New(rand.NewPCG(4, 7)), 2, 8)
	for k := range 2 {
		w.Set(3, k, 0)
	}
	for _, beta := range []float64{1.2, 2, 2.5, 3.2, 3.7, 4} {
		for _, update := range []string{"mm", "heuristic", "accelerated"} {
			for _, scale := range []float64{1e-8, 1, 1e8} {
				loud := mat.DenseCopyOf(v)
				loud.Scale(scale, v)
				p := params(2, 5)
				p.Eps, p.Update = 0, update
				f := factorize(t, beta, p, loud, &audiosep.Factors{W: w, H: h})
				// Row 3 alone has Σ v^β/(β(β-1)) as its divergence from 0.
				var least float64
				for _, x := range loud.RawRowView(3) {
					least += math.Pow(x, beta) / (beta * (beta - 1))
				}
				if c := f.Objective[0]; math.IsInf(c, 0) || beta != 2 && !(c >= 0.999*least) {
					t.Errorf("beta %v, %s, V times %v: the objective is %v; want a finite one of at least %v", beta, update, scale, c, least)
				}
			}
		}
	}
}

func TestNMFRefusesZeroFactors(t *testing.T) {
	v := randomV(rand.New(rand.NewPCG(4, 9)), 6, 8)
	w, h := randomPositive(rand.New(rand.NewPCG(4, 8)), 6, 2), randomPositive(rand.New(rand.NewPCG(4, 7)), 2, 8)
	for want, init := range map[string]*audiosep.Factors{
		"the wired H is 0 everywhere": {W: w, H: mat.NewDense(2, 8, nil)},
		"the wired W is 0 everywhere": {W: mat.NewDense(6, 2, nil), H: h},
	} {
		f, _ := NewNMF(1, params(2, 3))
		if _, err := f.Factorize(t.Context(), audiosep.Env{}, v, init); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %s", err, want)
		}
		if _, err := f.Factorize(t.Context(), audiosep.Env{}, mat.NewDense(6, 8, nil), init); err != nil {
			t.Errorf("of silence: %v", err)
		}
	}
}

// Under an l2 term too the end is a minimum: scaling a row of H either way raises the objective.
func TestL2EndsAtAMinimum(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	v := randomV(rand.New(rand.NewPCG(4, 11)), 15, 40)
	for _, beta := range []float64{0, 0.5, 1, 2, 3} {
		for _, update := range []string{"mm", "accelerated"} {
			p := params(3, 5000)
			p.L2, p.L1, p.Update = 0.3, 0.1, update
			f := factorize(t, beta, p, v, nil)
			at := func(h *mat.Dense) float64 { return divergence(v, f.W, h, beta, p.Eps) + penalties(h, p) }
			least := at(f.H)
			for k := range 3 {
				for _, c := range []float64{0.99, 1.01} {
					h := mat.DenseCopyOf(f.H)
					floats.Scale(c, h.RawRowView(k))
					if d := at(h); d < least {
						t.Errorf("beta %v, %s: row %d of H times %v lowers the objective by %.3g of it", beta, update, k, c, 1-d/least)
					}
				}
			}
			p.L2 = 0
			if a, b := mat.Norm(f.H, 2), mat.Norm(factorize(t, beta, p, v, nil).H, 2); !(a < b) {
				t.Errorf("beta %v, %s: the norm of H is %v with l2, %v without", beta, update, a, b)
			}
		}
	}
}

// Where nndsvd has zeros nndsvda has the mean of the column or row, nndsvdar random numbers up to
// a hundredth of it, others in each start; the rest is the same.
func TestFilledNNDSVD(t *testing.T) {
	v := randomV(rand.New(rand.NewPCG(4, 12)), 12, 20)
	w, h := nndsvd(layOut(v), 4)
	starts := map[string]nmfStart{}
	for _, name := range []string{"nndsvd", "nndsvda", "nndsvdar"} {
		p := params(4, 1)
		p.Start = name
		start, err := (&betaNMF{1, p}).wired(layOut(v), nil)
		if err != nil {
			t.Fatal(err)
		}
		starts[name] = start
	}
	zeros := 0
	for seed := range uint64(2) {
		for name, start := range starts {
			ws, hs := start.draw(denseSum{v}, 4, rand.New(rand.NewPCG(seed, 1)))
			for k := range 4 {
				for _, pair := range [][2][]float64{{mat.Col(nil, k, w), mat.Col(nil, k, ws)}, {h.RawRowView(k), hs.RawRowView(k)}} {
					mean := floats.Sum(pair[0]) / float64(len(pair[0]))
					for i, x := range pair[0] {
						got, low, high := pair[1][i], x, x
						switch {
						case name == "nndsvd":
							low, high = max(x, mean/100), max(x, mean/100)
						case x == 0 && name == "nndsvda":
							low, high = mean, mean
						case x == 0:
							low, high = 1e-300, mean/100
						}
						if x == 0 {
							zeros++
						}
						if !(got >= low*(1-1e-14) && got <= high*(1+1e-14)) {
							t.Errorf("%s, component %d: %v where nndsvd has %v; want %v to %v", name, k, got, x, low, high)
						}
					}
				}
			}
		}
	}
	if zeros == 0 {
		t.Fatal("there are no zeros to fill")
	}
	a, _ := starts["nndsvdar"].draw(denseSum{v}, 4, rand.New(rand.NewPCG(1, 1)))
	b, _ := starts["nndsvdar"].draw(denseSum{v}, 4, rand.New(rand.NewPCG(2, 1)))
	if mat.Equal(a, b) {
		t.Error("two starts of nndsvdar are the same")
	}
}

// The rank by coverage is the least number of singular values that hold the share, however V
// lies; gonum's SVD is the oracle.
func TestCoverageRank(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 1))
	for _, size := range [][2]int{{9, 30}, {30, 9}, {12, 12}, {1, 5}} {
		v := randomV(rng, size[0], size[1])
		var svd mat.SVD
		svd.Factorize(v, mat.SVDNone)
		var all float64
		for _, s := range svd.Values(nil) {
			all += s * s
		}
		held := 0.0
		for k, s := range svd.Values(nil) {
			for _, c := range []struct {
				coverage float64
				want     int
			}{{held/all + 1e-9, k + 1}, {(held+s*s)/all - 1e-9, k + 1}} {
				if got, err := CoverageRank(v, c.coverage); err != nil || got != c.want {
					t.Errorf("%v: coverage %v is rank %d, %v; want %d", size, c.coverage, got, err, c.want)
				}
			}
			held += s * s
		}
	}
	halves := mat.NewDense(2, 3, []float64{3, 0, 0, 0, 3, 0}) // two equal singular values
	thin := new(mat.Dense)                                    // rank 2, by whatever coverage
	thin.Mul(randomV(rng, 20, 2), randomV(rng, 2, 30))
	for _, c := range []struct {
		v        *mat.Dense
		coverage float64
		want     int
	}{{halves, 0.5, 1}, {halves, 0.51, 2}, {thin, 1, 2}, {mat.NewDense(3, 4, nil), 1, 1}} {
		if got, err := CoverageRank(c.v, c.coverage); err != nil || got != c.want {
			t.Errorf("coverage %v is rank %d, %v; want %d", c.coverage, got, err, c.want)
		}
	}
	for _, c := range []struct {
		v        *mat.Dense
		coverage float64
		want     string
	}{
		{halves, 1.1, "coverage is 1.1; want 0 to 1"},
		{halves, math.NaN(), "coverage is NaN; want 0 to 1"},
		{new(mat.Dense), 1, "V is 0×0; want at least one row"},
		{mat.NewDense(1, 1, []float64{math.Inf(1)}), 1, "want finite numbers"},
	} {
		if _, err := CoverageRank(c.v, c.coverage); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v; want …%s…", err, c.want)
		}
	}
}

// With coverage NMF has as many components as the singular values of what it factorises say, at
// most rank, which it warns of; wired factors have a number of components already.
func TestNMFByCoverage(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 2))
	v := new(mat.Dense)
	v.Mul(randomV(rng, 15, 3), randomV(rng, 3, 40))
	squared := mat.DenseCopyOf(v)
	squared.MulElem(v, v)
	for _, c := range []struct {
		v           *mat.Dense
		power       int
		rank, wants int
		warns       bool
	}{{v, 2, 8, 3, false}, {squared, 1, 8, 3, false}, {v, 2, 2, 2, true}} {
		p := params(c.rank, 5)
		p.Start, p.Coverage, p.Power = "nndsvd", 1-1e-9, c.power
		var log strings.Builder
		env := audiosep.Env{Log: slog.New(slog.NewTextHandler(&log, nil))}
		f, err := (&betaNMF{1, p}).Factorize(t.Context(), env, c.v, nil)
		if err != nil {
			t.Fatal(err)
		}
		if f.Rank() != c.wants || strings.Contains(log.String(), "level=WARN") != c.warns {
			t.Errorf("rank %d: %d components, %s; want %d", c.rank, f.Rank(), &log, c.wants)
		}
	}
	p := params(8, 5)
	p.Start, p.Coverage = "nndsvd", 0.9
	wired := &audiosep.Factors{W: randomPositive(rng, 15, 8)}
	want := "coverage is 0.9, but factors are wired"
	if _, err := (&betaNMF{1, p}).Factorize(t.Context(), audiosep.Env{}, v, wired); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v; want …%s…", err, want)
	}
	if _, err := (&betaNMF{1, p}).Forecast(map[string]audiosep.Forecast{"init_factors": {}}); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("before the work: %v; want …%s…", err, want)
	}
	if out, err := (&betaNMF{1, p}).Forecast(nil); err != nil || out["factors"].Rank != 0 {
		t.Errorf("forecast is %v, %v; want a rank that is not known", out, err)
	}
}

// Constructors hold their parameters against the same ranges as specs.
func TestZeroParamsAreRefused(t *testing.T) {
	_, nmf := NewNMF(0, NMFParams{})
	_, active := NewActivations(ActivationsParams{})
	_, online := NewOnlineNMF(OnlineNMFParams{})
	for what, err := range map[string]error{"NewNMF": nmf, "NewActivations": active, "NewOnlineNMF": online} {
		if _, ok := audiosep.AsParamErrors(err); !ok {
			t.Errorf("%s: %v; want a fault of a parameter", what, err)
		}
	}
}

// A great β keeps its divergence where WH is zero and nothing is added to it, though powers of so
// little leave float64.
func TestGreatBetaAtZero(t *testing.T) {
	v := mat.NewDense(2, 3, []float64{1, 2, 3, 4, 5, 6})
	for _, beta := range []float64{2.5, 3.2, 4} {
		p := defaultNMF()
		p.Rank, p.Eps, p.Iterations, p.Use, p.Fix = 1, 0, 3, "both", "w"
		init := &audiosep.Factors{W: mat.NewDense(2, 1, []float64{1, 0}), H: mat.NewDense(1, 3, []float64{1, 1, 1})}
		f := factorize(t, beta, p, v, init)
		last := f.Objective[len(f.Objective)-1]
		if want := divergence(v, f.W, f.H, beta, 0); math.IsInf(last, 0) || math.Abs(last-want) > 1e-9*want {
			t.Errorf("beta %g: the objective is %g; want %g", beta, last, want)
		}
	}
}
