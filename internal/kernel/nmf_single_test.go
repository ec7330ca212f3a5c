package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"gonum.org/v1/gonum/blas/blas64"
)

// singleOf returns v in float32.
func singleOf(tb testing.TB, v blas64.General) *Strips { return lowOf(tb, v, Single) }

// lowOf returns v in a precision that is not Full.
func lowOf(tb testing.TB, v blas64.General, precision Precision) *Strips {
	tb.Helper()
	s := NewStrips(v.Rows, v.Cols, precision)
	s.Set(0, v)
	if err := s.Settle(); err != nil {
		tb.Fatal(err)
	}
	return s
}

// onEverySingle is onEveryPath, and the same on a path of vectors without those of float32.
func onEverySingle(t *testing.T, test func(t *testing.T)) {
	onEveryPath(t, test)
	before := current
	defer func() { current = before }()
	without := *current
	without.single, without.toSingle, without.toDouble = kernels{}, nil, nil
	current = &without
	t.Run("without", test)
}

// scaled multiplies a by c.
func scaled(a blas64.General, c float64) blas64.General {
	for i := range a.Data {
		a.Data[i] *= c
	}
	return a
}

// within fails unless got is want to so many parts of itself.
func within(t *testing.T, what string, got blas64.General, want []float64, part float64) {
	t.Helper()
	for i := range got.Rows {
		for j := range got.Cols {
			if g, w := got.Data[i*got.Stride+j], want[i*got.Cols+j]; !(math.Abs(g-w) <= part*math.Abs(w)) {
				t.Fatalf("%s[%d,%d] = %v; want %v", what, i, j, g, w)
			}
		}
	}
}

// TestSingleNMFSumsAgainstFormulas: with V in float32 the sums are those of the formulas to its
// rounding, whatever the scale of V, and the divergence to 1e-5 of itself.
func TestSingleNMFSumsAgainstFormulas(t *testing.T) {
	formulas, problems := formulasOnce(), 60
	if testing.Short() {
		problems = 24
	}
	onEverySingle(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 32))
		for i := range problems {
			f, n, k := 1+r.IntN(250), 1+r.IntN(700), 1+r.IntN(25)
			scale := []float64{1, 0x1p-60, 1e-15, 1e12, 0x1p100}[r.IntN(5)]
			v, beta, eps := scaled(positive(r, f, n), scale), []float64{0, 1, 2}[i%3], scale*[]float64{1e-7, 0.1}[r.IntN(2)]
			if i%2 == 0 {
				v.Data[r.IntN(n)] = 0
			}
			w, h, next := positive(r, f, k), scaled(positive(r, k, n), scale), scaled(positive(r, k, n), scale)
			p := singleOf(t, v).NMF(beta, eps)
			if beta == 2 {
				eps = 0
			}
			numH, denH, _, _, want := formulas(2*i, v, beta, eps, w, h)
			_, _, numW, denW, _ := formulas(2*i+1, v, beta, eps, w, next)
			name := func(what string) string {
				return fmt.Sprintf("%s, β = %v, %d×%d, K %d, scale %v", what, beta, f, n, k, scale)
			}
			num, den := all(0, k, n), all(0, k, n)
			got := p.Do(t.Context(), Step{W: w, H: h, NumH: num, DenH: den, Objective: true})
			if !(math.Abs(got-want) <= 1e-5*want) {
				t.Fatalf("%s is %v; want %v", name("the divergence"), got, want)
			}
			within(t, name("num of H"), num, numH, 1e-5)
			within(t, name("den of H"), den, denH, 1e-5)
			num, den = all(0, f, k), all(0, f, k)
			p.Do(t.Context(), Step{W: w, H: next, NumW: num, DenW: den})
			within(t, name("num of W"), num, numW, 1e-5)
			within(t, name("den of W"), den, denW, 1e-5)
			if got := p.Objective(t.Context(), w, h); !(math.Abs(got-want) <= 1e-5*want) {
				t.Fatalf("%s alone is %v; want %v", name("the divergence"), got, want)
			}
		}
	})
}

// TestSingleNMFInOnePass: what a step makes with an Update is what two steps make, and its bits do not
// depend on the number of threads.
func TestSingleNMFInOnePass(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	onEverySingle(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(2, 32))
		for _, beta := range []float64{0, 1, 2} {
			const f, n, k = 130, 1501, 7
			v, w, h := singleOf(t, positive(r, f, n)), positive(r, f, k), positive(r, k, n)
			double := func(next, h, _, _ []float64, _ int) {
				for i, x := range h {
					next[i] = 2 * x
				}
			}
			var first []float64
			for _, threads := range []int{1, 2, 5} {
				runtime.GOMAXPROCS(threads)
				next, num, den := all(0, k, n), all(0, f, k), all(0, f, k)
				d := v.NMF(beta, 1e-7).Do(t.Context(), Step{W: w, H: h, Next: next, Update: double, NumW: num, DenW: den, Objective: true})
				got := slices.Concat([]float64{d}, next.Data, num.Data, den.Data)
				if first == nil {
					first = got
				}
				if !slices.Equal(got, first) {
					t.Fatalf("β = %v: %d threads make other bits than 1", beta, threads)
				}
			}
			next, num, den := all(0, k, n), all(0, f, k), all(0, f, k)
			for c := range k {
				double(next.Data[c*n:(c+1)*n], h.Data[c*h.Stride:][:n], nil, nil, 0)
			}
			d := v.NMF(beta, 1e-7).Do(t.Context(), Step{W: w, H: h, NumH: all(0, k, n), DenH: all(0, k, n), Objective: true})
			v.NMF(beta, 1e-7).Do(t.Context(), Step{W: w, H: next, NumW: num, DenW: den})
			if !slices.Equal(slices.Concat([]float64{d}, next.Data, num.Data, den.Data), first) {
				t.Errorf("β = %v: a step with an update makes other bits than two", beta)
			}
		}
	})
}

// TestHalvedNMF: what is in memory in float32 and computed with in float64 has the bits of a V of the same numbers in
// float64, whatever their scale; what float32 does not have is 0.
func TestHalvedNMF(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		for i, scale := range []float64{1, 1e12, 1e-12} {
			r := rand.New(rand.NewPCG(uint64(i), 16))
			f, n, k := 1+r.IntN(80), 1+r.IntN(300), 1+r.IntN(12)
			v := scaled(positive(r, f, n), scale)
			w, h := positive(r, f, k), scaled(positive(r, k, n), scale)
			v.Data[r.IntN(n)] = 1e-60
			halved, full := NewStrips(f, n, Halved), NewStrips(f, n, Full)
			halved.Set(0, v)
			if err := halved.Settle(); err != nil {
				t.Fatal(err)
			}
			for i, x := range v.Data {
				v.Data[i] = float64(single(x))
			}
			full.Set(0, v)
			back := all(-1, f, n)
			halved.Get(back, 0, 0)
			for i := range f {
				if got, want := back.Data[i*n:(i+1)*n], v.Data[i*v.Stride:][:n]; !slices.Equal(got, want) {
					t.Fatalf("row %d is %v; want %v", i, got, want)
				}
			}
			for _, beta := range []float64{0, 0.5, 1, 2} {
				sums := func(v *Strips) []float64 {
					next, num, den := all(0, k, n), all(0, f, k), all(0, f, k)
					d := v.NMF(beta, 1e-7*scale).Do(t.Context(), Step{W: w, H: h, Next: next, NumW: num, DenW: den, Objective: true,
						Update: func(next, h, num, den []float64, _ int) { Scale(next, h, num, den, 1) }})
					return slices.Concat([]float64{d}, next.Data, num.Data, den.Data)
				}
				if got, want := sums(halved), sums(full); !slices.Equal(got, want) {
					t.Errorf("%d×%d, K %d, β = %v, scale %v: other bits than those of float64, %v and %v first", f, n, k, beta, scale, got[0], want[0])
				}
			}
		}
	})
}

// BenchmarkSingleNMF is a step of NMF in each precision of V, 32 being Single: of the sums for both
// factors, with the objective and with H updated on the way.
func BenchmarkSingleNMF(b *testing.B) {
	r := rand.New(rand.NewPCG(5, 32))
	const f, n = 513, 2329
	v := positive(r, f, n)
	double := NewStrips(f, n, Full)
	double.Set(0, v)
	for _, k := range []int{2, 10, 30, 100} {
		for _, beta := range []float64{0, 1, 2} {
			w, h, next := positive(r, f, k), all(1, k, n), all(0, k, n)
			num, den := positive(r, f, k), positive(r, f, k)
			step := Step{W: w, H: h, Next: next, NumW: num, DenW: den, Objective: true, Update: func(next, h, num, den []float64, _ int) {
				Scale(next, h, num, den, 1)
			}}
			for _, v := range []*Strips{double, lowOf(b, v, Halved), singleOf(b, v)} {
				p := v.NMF(beta, 1e-7)
				b.Run(fmt.Sprintf("beta%v_K%d_%s", beta, k, []string{"float64", "halved", "float32"}[v.precision]), func(b *testing.B) {
					b.ReportMetric(1e3*leastTime(b, func() { p.Do(b.Context(), step) }), "ms")
				})
			}
		}
	}
}

// A -0 is a 0, and numbers that float32 does not have are none without an eps.
func TestSingleOfTinyNumbers(t *testing.T) {
	onEverySingle(t, func(t *testing.T) {
		v := scaled(positive(rand.New(rand.NewPCG(3, 32)), 40, 200), 1e-20)
		v.Data[17], v.Data[19] = math.Copysign(0, -1), 1e-60
		s := singleOf(t, v)
		if s.exponent > -60 {
			t.Errorf("a V of up to 1e-20 is scaled by 2^%d", -s.exponent)
		}
		if p := s.NMF(0, 0); !(p.eps > 0) {
			t.Errorf("eps is %v; want what keeps quotients finite", p.eps)
		}
	})
}

// TestSingleQuotientsAreThoseOfDivision is TestQuotientsAreThoseOfDivision in float32; eps is lost beside
// an H of 1 and more.
func TestSingleQuotientsAreThoseOfDivision(t *testing.T) {
	const n = 60000
	r := rand.New(rand.NewPCG(11, 32))
	w, v, h := all(1, 1, 1), all(1, 1, n), all(0, 1, n)
	for j := range n {
		low := min(r.Uint32N(1<<23), 1<<23-2) >> r.IntN(23)
		h.Data[j] = math.Ldexp(1+math.Ldexp(float64(low), -23), r.IntN(40))
		v.Data[j] = float64(1 + r.Float32())
	}
	onEveryPath(t, func(t *testing.T) {
		if !current.goesSingle() {
			t.Skip("the passes of this path are float64")
		}
		for _, beta := range []float64{0, 1} {
			num, den := all(0, 1, n), all(0, 1, n)
			singleOf(t, v).NMF(beta, 0).Do(t.Context(), Step{W: w, H: h, NumH: num, DenH: den})
			for j, x := range h.Data {
				y, x := float32(v.Data[j]), float32(x)
				p, q := y/x, float32(1)
				if beta == 0 {
					q = 1 / x
					p = y * q * q
				}
				if float32(num.Data[j]) != p || float32(den.Data[j]) != q {
					t.Fatalf("β = %v: %v and %v of %v and %v; division gives %v and %v", beta, num.Data[j], den.Data[j], y, x, p, q)
				}
			}
		}
	})
}
