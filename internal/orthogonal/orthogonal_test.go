package orthogonal

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"
)

func random(rng *rand.Rand, r, c int) *mat.Dense {
	a := mat.NewDense(r, c, nil)
	for i := range a.RawMatrix().Data {
		a.RawMatrix().Data[i] = rng.NormFloat64()
	}
	return a
}

// offIdentity returns the largest entry of |AAᵀ - I|.
func offIdentity(a *mat.Dense) float64 {
	var g mat.Dense
	g.Mul(a, a.T())
	return fromIdentity(&g)
}

func distance(a, b mat.Matrix) float64 {
	var d mat.Dense
	d.Sub(a, b)
	return mat.Norm(&d, 2)
}

func TestRandom(t *testing.T) {
	for _, m := range []int{1, 2, 7, 60} {
		a := Random(rand.New(rand.NewPCG(1, 2)), m)
		if e := offIdentity(a); e > 1e-13 {
			t.Errorf("%d×%d: %g from orthogonal", m, m, e)
		}
		if b := Random(rand.New(rand.NewPCG(1, 2)), m); !mat.Equal(a, b) {
			t.Errorf("%d×%d: the same seed gives another matrix", m, m)
		}
	}
}

// Of a uniform orthogonal matrix each entry has the mean 0 and the variance 1/m.
func TestRandomIsUniform(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	const m, draws = 3, 4000
	var sum, squares float64
	for range draws {
		a := Random(rng, m).At(0, 0)
		sum += a
		squares += a * a
	}
	if mean := sum / draws; math.Abs(mean) > 0.04 {
		t.Errorf("the mean of an entry is %.3f; want 0", mean)
	}
	if v := squares / draws; math.Abs(v-1./m) > 0.02 {
		t.Errorf("the variance of an entry is %.3f; want 1/3", v)
	}
}

// The polar factor Q of A is the one with Q orthogonal and QᵀA symmetric and positive.
func TestPolar(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, m := range []int{1, 2, 9, 40} {
		for _, off := range []float64{0, 1e-13, 1e-6, 0.02, 10} {
			a := random(rng, m, m)
			a.Scale(off, a)
			a.Add(a, Random(rng, m))
			q := mat.DenseCopyOf(a)
			if err := Polar(t.Context(), q); err != nil {
				t.Fatal(err)
			}
			if e := offIdentity(q); e > 1e-13 {
				t.Errorf("%d, %g: %g from orthogonal", m, off, e)
			}
			var p mat.Dense
			p.Mul(q.T(), a)
			if e := distance(&p, p.T()); e > 1e-12*(1+off*float64(m)) {
				t.Errorf("%d, %g: QᵀA is %g from symmetric", m, off, e)
			}
			if _, s := symmetric(&p); !s {
				t.Errorf("%d, %g: QᵀA is not positive", m, off)
			}
		}
	}
}

func symmetric(p *mat.Dense) (*mat.SymDense, bool) {
	m, _ := p.Dims()
	s := mat.NewSymDense(m, nil)
	for i := range m {
		for j := i; j < m; j++ {
			s.SetSym(i, j, (p.At(i, j)+p.At(j, i))/2)
		}
	}
	var c mat.Cholesky
	return s, c.Factorize(s)
}

// Products alone come to what the singular values give, as far as these let them.
func TestPolarByProducts(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, m := range []int{2, 30} {
		for _, least := range []float64{0.5, 1e-3, 1e-5, 1e-9} {
			left, right, d := Random(rng, m), Random(rng, m), mat.NewDense(m, m, nil)
			for i := range m {
				d.Set(i, i, math.Pow(least, float64(i)/float64(m-1))*7)
			}
			var a mat.Dense
			a.Product(left, d, right)
			by, want := mat.DenseCopyOf(&a), mat.DenseCopyOf(&a)
			if err := decompose(want); err != nil {
				t.Fatal(err)
			}
			if !products(t.Context(), by) {
				if !mat.Equal(by, &a) {
					t.Errorf("%d, %g: products fail and leave another matrix", m, least)
				}
				if least >= 1e-3 {
					t.Errorf("%d, %g: products fail", m, least)
				}
				continue
			}
			if e := distance(by, want); e > 1e-14*float64(m)/least {
				t.Errorf("%d, %g: %g from the factor by singular values", m, least, e)
			}
		}
	}
}

// Of the first steps of quasi-Newton, I + E with an antisymmetric E that is not small.
func BenchmarkPolar(b *testing.B) {
	const m = 1024
	x := random(rand.New(rand.NewPCG(1, 2)), m, m)
	a := mat.NewDense(m, m, nil)
	a.Sub(x, x.T())
	a.Scale(0.1, a)
	for i := range m {
		a.Set(i, i, 1)
	}
	for name, f := range map[string]func(a *mat.Dense) error{"products": func(a *mat.Dense) error { return Polar(b.Context(), a) }, "singular values": decompose} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := f(mat.DenseCopyOf(a)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestPolarRefuses(t *testing.T) {
	for name, a := range map[string]*mat.Dense{
		"zeros":    mat.NewDense(3, 3, nil),
		"singular": mat.NewDense(2, 2, []float64{1, 2, 2, 4}),
		"NaN":      mat.NewDense(2, 2, []float64{1, 0, 0, math.NaN()}),
	} {
		if err := Polar(t.Context(), a); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestExponential(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, m := range []int{1, 2, 5, 33} {
		x := NewExponential(m + 3)
		for _, size := range []float64{0, 1e-9, 0.1, 1, 20} {
			t.Run(fmt.Sprint(m, size), func(t *testing.T) {
				a := random(rng, m, m)
				e := mat.NewDense(m, m, nil)
				e.Sub(a, a.T())
				e.Scale(size/(1e-300+mat.Norm(e, 2)), e)
				got := mat.NewDense(m, m, nil)
				x.Of(got.RawMatrix(), 0.5, e.RawMatrix())
				var half, want mat.Dense
				half.Scale(0.5, e)
				want.Exp(&half)
				if d := distance(got, &want); d > 1e-12*(1+size) {
					t.Errorf("%g from gonum's", d)
				}
				if d := offIdentity(got); d > 1e-12 {
					t.Errorf("%g from orthogonal", d)
				}
			})
		}
	}
}

func TestSpan(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const m, r = 30, 7
	y := mat.NewDense(m, 50, nil)
	y.Mul(random(rng, m, r), random(rng, r, 50))
	var s mat.Dense
	s.Mul(y, y.T())
	sym, _ := symmetric(&s)
	basis, rank, rest := Span(sym, 1e-8, 20)
	if rank != r || offIdentity(basis) > 1e-13 || rest > 1e-8 {
		t.Fatalf("rank %d, %g from orthogonal, %g left out; want rank %d", rank, offIdentity(basis), rest, r)
	}
	var outside mat.Dense
	outside.Mul(basis.Slice(r, m, 0, m), y)
	if n := mat.Norm(&outside, 2); n > 1e-5 {
		t.Errorf("%g of the data is outside its span", n)
	}
	if b, _, _ := Span(sym, 1e-8, r-1); b != nil {
		t.Error("a span of more dimensions than allowed was returned")
	}
	if b, _, _ := Span(mat.NewSymDense(3, nil), 0, 2); b != nil {
		t.Error("a span of nothing was returned")
	}
}
