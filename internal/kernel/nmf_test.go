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

func positive(r *rand.Rand, rows, cols int) blas64.General {
	g := random(r, rows, cols, cols+r.IntN(3))
	for i, x := range g.Data {
		g.Data[i] = x*x + 1e-3
	}
	return g
}

// all is a matrix of nothing but x.
func all(x float64, rows, cols int) blas64.General {
	return blas64.General{Rows: rows, Cols: cols, Stride: cols, Data: slices.Repeat([]float64{x}, rows*cols)}
}

// directSums are the formulas of a multiplicative update, element by element.
func directSums(p NMF, w, h blas64.General) (numH, denH, numW, denW []float64, objective float64) {
	f, n, k := p.V.Rows, p.V.Cols, w.Cols
	numH, denH, numW, denW = make([]float64, k*n), make([]float64, k*n), make([]float64, f*k), make([]float64, f*k)
	for i := range f {
		for j := range n {
			x := p.Eps
			for c := range k {
				x += w.Data[i*w.Stride+c] * h.Data[c*h.Stride+j]
			}
			y := p.V.Data[i*p.V.Stride+j] + p.Eps
			a, b := y*math.Pow(x, p.Beta-2), math.Pow(x, p.Beta-1)
			for c := range k {
				numH[c*n+j] += w.Data[i*w.Stride+c] * a
				denH[c*n+j] += w.Data[i*w.Stride+c] * b
				numW[i*k+c] += h.Data[c*h.Stride+j] * a
				denW[i*k+c] += h.Data[c*h.Stride+j] * b
			}
			objective += divergence(p.Beta, y, x)
		}
	}
	return
}

func near(t *testing.T, what string, got blas64.General, want []float64) {
	t.Helper()
	for i := range got.Rows {
		for j := range got.Cols {
			g, w := got.Data[i*got.Stride+j], want[i*got.Cols+j]
			if !(math.Abs(g-w) <= 1e-12*math.Abs(w)) {
				t.Fatalf("%s[%d,%d] = %v; want %v", what, i, j, g, w)
			}
		}
	}
}

func TestNMFSumsAgainstFormulas(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 3))
		for i := range 60 {
			f, n, k := 1+r.IntN(150), 1+r.IntN(100), 1+r.IntN(25)
			p := NMF{V: positive(r, f, n), Beta: []float64{0, 1, 2, 0.5, -0.7, 3.1}[i%6], Eps: []float64{0, 1e-7, 0.1}[r.IntN(3)]}
			if i%12 < 6 && p.Beta >= 0 && p.Eps > 0 {
				p.V.Data[r.IntN(n)] = 0
			}
			w, h := positive(r, f, k), positive(r, k, n)
			numH, denH, numW, denW, want := directSums(p, w, h)
			for _, objective := range []bool{true, false} {
				num, den := positive(r, k, n), positive(r, k, n)
				got := p.SumsH(num, den, w, h, objective)
				near(t, fmt.Sprint("num of H, β = ", p.Beta), num, numH)
				near(t, fmt.Sprint("den of H, β = ", p.Beta), den, denH)
				if objective && !(math.Abs(got-want) <= 1e-12*(math.Abs(want)+float64(f*n))) {
					t.Fatalf("β = %v: the objective is %v; want %v", p.Beta, got, want)
				}
				num, den = positive(r, f, k), positive(r, f, k)
				got = p.SumsW(num, den, w, h, objective)
				near(t, fmt.Sprint("num of W, β = ", p.Beta), num, numW)
				near(t, fmt.Sprint("den of W, β = ", p.Beta), den, denW)
				if objective && !(math.Abs(got-want) <= 1e-12*(math.Abs(want)+float64(f*n))) {
					t.Fatalf("β = %v: the objective is %v; want %v", p.Beta, got, want)
				}
			}
			if got := p.Objective(w, h); !(math.Abs(got-want) <= 1e-12*(math.Abs(want)+float64(f*n))) {
				t.Fatalf("β = %v: the objective is %v; want %v", p.Beta, got, want)
			}
		}
	})
}

func TestNMFBitsDoNotDependOnThreads(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	onEveryPath(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(2, 3))
		p := NMF{V: positive(r, 130, 301), Eps: 1e-7}
		w, h, num, den := positive(r, 130, 7), positive(r, 7, 301), positive(r, 7, 301), positive(r, 7, 301)
		numW, denW := positive(r, 130, 7), positive(r, 130, 7)
		var first []float64
		for _, threads := range []int{1, 2, 5} {
			runtime.GOMAXPROCS(threads)
			sum := p.SumsH(num, den, w, h, true)
			sumW := p.SumsW(numW, denW, w, h, true)
			got := append(append([]float64{sum, sumW}, num.Data...), den.Data...)
			got = append(append(got, numW.Data...), denW.Data...)
			if first == nil {
				first = got
			}
			for i, x := range got {
				if x != first[i] {
					t.Fatalf("%d threads: number %d is %v; want %v", threads, i, x, first[i])
				}
			}
		}
	})
}

// Near a perfect fit the divergence is e²/2 of V̂^β, whatever β.
func TestNMFObjectiveNearPerfectFit(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		for _, beta := range []float64{-1, 0.5, 2, 2.7, 4} {
			for _, e := range []float64{1e-3, -1e-5, 1e-7} {
				const x = 50.0
				want := math.Pow(x, beta) * e * e * (1 + (beta-2)*e/3 + (beta-2)*(beta-3)*e*e/12) / 2
				for _, s := range [][2]int{{1, 1}, {9, 29}} { // the latter has panels and strips of every size
					v, w, h := all(x+x*e, s[0], s[1]), all(x, s[0], 1), all(1, 1, s[1])
					want := want * float64(s[0]*s[1])
					if got := (NMF{V: v, Beta: beta}).Objective(w, h); !(math.Abs(got-want) <= 2e-8*want) {
						t.Errorf("β = %v, e = %v, %v: %v; want %v", beta, e, s, got, want)
					}
				}
			}
		}
	})
}

func TestNMFObjectiveOfExtremes(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		one := func(x float64) blas64.General {
			return blas64.General{Rows: 1, Cols: 1, Stride: 1, Data: []float64{x}}
		}
		for _, c := range []struct{ beta, v, x, want float64 }{
			{0, 1e-200, 1e100, 300*math.Ln10 - 1}, {0, 1e300, 1e300, 0}, {0, 0, 1, math.Inf(1)},
			{1, 0, 3, 3}, {1, 1e-200, 1, 1}, {0, math.NaN(), 1, math.NaN()}, {1, math.NaN(), 1, math.NaN()},
		} {
			got := NMF{V: one(c.v), Beta: c.beta}.Objective(one(c.x), one(1))
			same := got == c.want || math.IsNaN(got) && math.IsNaN(c.want)
			if !same && !(math.Abs(got-c.want) <= 1e-12*min(math.Abs(c.want), 1e3)) {
				t.Errorf("β = %v: the divergence of %v from %v is %v; want %v", c.beta, c.v, c.x, got, c.want)
			}
		}
	})
}

// Where V̂ is far above V the divergence has all its digits yet.
func TestNMFObjectiveOfSmallQuotients(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		for _, beta := range []float64{-4, -1, 0.5, 1.5, 3} {
			for _, y := range []float64{1e-3, 1e-9, 1e-14} {
				const x = 50.0
				v, w := blas64.General{Rows: 1, Cols: 1, Stride: 1, Data: []float64{y}}, blas64.General{Rows: 1, Cols: 1, Stride: 1, Data: []float64{x}}
				one := blas64.General{Rows: 1, Cols: 1, Stride: 1, Data: []float64{1}}
				want := (math.Pow(y, beta) + (beta-1)*math.Pow(x, beta) - beta*y*math.Pow(x, beta-1)) / (beta * (beta - 1))
				if got := (NMF{V: v, Beta: beta}).Objective(w, one); !(math.Abs(got-want) <= 1e-13*want) {
					t.Errorf("β = %v: the divergence of %v from %v is %v; want %v", beta, y, x, got, want)
				}
			}
		}
	})
}

// V → cV, H → cH, eps → c·eps give D → c^β D, to the bit for a power of two and β of 0
// or 1: what pads the last vector has no part in it.
func TestNMFObjectiveScales(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(7, 3))
		for _, beta := range []float64{0, 1} {
			p := NMF{V: positive(r, 20, 9), Beta: beta, Eps: 1e-3}
			w, h := positive(r, 20, 3), positive(r, 3, 9)
			before := p.Objective(w, h)
			c := 0x1p-70
			p.Eps *= c
			for i := range p.V.Data {
				p.V.Data[i] *= c
			}
			for i := range h.Data {
				h.Data[i] *= c
			}
			if got, want := p.Objective(w, h), math.Pow(c, beta)*before; got != want {
				t.Errorf("β = %v: %v; want %v", beta, got, want)
			}
		}
	})
}

// A product of mantissas near 2 over thousands of rows would overflow if it were
// not renormalised.
func TestNMFObjectiveOfManyRows(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		const n = 5000
		v := blas64.General{Rows: 1, Cols: n, Stride: n, Data: make([]float64, n)}
		h := blas64.General{Rows: 1, Cols: n, Stride: n, Data: make([]float64, n)}
		for i := range n {
			v.Data[i], h.Data[i] = 1.9, 1
		}
		w := blas64.General{Rows: 1, Cols: 1, Stride: 1, Data: []float64{1}}
		num, den := positive(rand.New(rand.NewPCG(6, 3)), 1, 1), positive(rand.New(rand.NewPCG(6, 3)), 1, 1)
		want := n * (0.9 - math.Log(1.9))
		if got := (NMF{V: v}).SumsW(num, den, w, h, true); !(math.Abs(got-want) <= 1e-12*want) {
			t.Errorf("the objective is %v; want %v", got, want)
		}
	})
}

func BenchmarkNMF(b *testing.B) {
	r := rand.New(rand.NewPCG(5, 3))
	for _, k := range []int{2, 10, 30, 100} {
		for _, beta := range []float64{0, 1, 0.5} {
			p := NMF{V: positive(r, 513, 2329), Beta: beta, Eps: 1e-7}
			w, h := positive(r, 513, k), positive(r, k, 2329)
			numH, denH, numW, denW := positive(r, k, 2329), positive(r, k, 2329), positive(r, 513, k), positive(r, 513, k)
			products := map[float64]float64{0: 3, 1: 2, 0.5: 3}[beta]
			for _, c := range []struct {
				name     string
				products float64
				f        func()
			}{
				{"H", products, func() { p.SumsH(numH, denH, w, h, false) }},
				{"H_objective", products, func() { p.SumsH(numH, denH, w, h, true) }},
				{"W", products, func() { p.SumsW(numW, denW, w, h, false) }},
				{"objective", 1, func() { p.Objective(w, h) }},
			} {
				b.Run(fmt.Sprintf("beta%v_K%d_%s", beta, k, c.name), func(b *testing.B) {
					least := leastTime(b, c.f)
					b.ReportMetric(1e3*least, "ms")
					b.ReportMetric(2e-9*c.products*513*2329*float64(k)/least, "GFLOP/s")
				})
			}
		}
	}
}
