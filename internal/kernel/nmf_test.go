package kernel

import (
	"context"
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
func directSums(v blas64.General, beta, eps float64, w, h blas64.General) (numH, denH, numW, denW []float64, objective float64) {
	f, n, k := v.Rows, v.Cols, w.Cols
	numH, denH, numW, denW = make([]float64, k*n), make([]float64, k*n), make([]float64, f*k), make([]float64, f*k)
	for i := range f {
		for j := range n {
			x := eps
			for c := range k {
				x += w.Data[i*w.Stride+c] * h.Data[c*h.Stride+j]
			}
			y := v.Data[i*v.Stride+j] + eps
			a, b := y*math.Pow(x, beta-2), math.Pow(x, beta-1)
			for c := range k {
				numH[c*n+j] += w.Data[i*w.Stride+c] * a
				denH[c*n+j] += w.Data[i*w.Stride+c] * b
				numW[i*k+c] += h.Data[c*h.Stride+j] * a
				denW[i*k+c] += h.Data[c*h.Stride+j] * b
			}
			objective += divergence(beta, y, x)
		}
	}
	return
}

// TestQuotientsAreThoseOfDivision: a path that multiplies by what Newton's steps make of a guess has the
// bits that division has, of any exponent and mantissa but that of ones alone. With one row of V and a W of 1 the sums for H
// are the quotients themselves.
func TestQuotientsAreThoseOfDivision(t *testing.T) {
	const n = 60000
	r := rand.New(rand.NewPCG(11, 14))
	w, v, h := all(1, 1, 1), all(1, 1, n), all(0, 1, n)
	for j := range n {
		low := r.Uint64N(1<<52) >> r.IntN(52) // few bits from either end of the mantissa
		if r.IntN(2) == 0 {
			low = 1<<52 - 1 - low
		}
		if low == 1<<52-1 {
			low = 0
		}
		h.Data[j] = math.Ldexp(1+math.Ldexp(float64(low), -52), r.IntN(1900)-950)
		v.Data[j] = math.Ldexp(1+r.Float64(), math.Ilogb(h.Data[j])+r.IntN(40)-20)
	}
	onEveryPath(t, func(t *testing.T) {
		for _, objective := range []bool{false, true} {
			for _, beta := range []float64{0, 1} {
				num, den := all(0, 1, n), all(0, 1, n)
				NewNMF(v, beta, 0).Do(t.Context(), Step{W: w, H: h, NumH: num, DenH: den, Objective: objective})
				for j, x := range h.Data {
					p, q := quotients(beta, v.Data[j], x)
					if beta == 0 {
						p = v.Data[j] * q * q
					}
					if num.Data[j] != p || den.Data[j] != q {
						t.Fatalf("β = %v: %v and %v of %v and %v; division gives %v and %v", beta, num.Data[j], den.Data[j], v.Data[j], x, p, q)
					}
				}
			}
		}
	})
}

// formulasOnce returns directSums with a memory: what is asked for again by the same number is the same
// problem, on another path of the kernels.
func formulasOnce() func(problem int, v blas64.General, beta, eps float64, w, h blas64.General) (numH, denH, numW, denW []float64, objective float64) {
	type sums struct {
		numH, denH, numW, denW []float64
		objective              float64
	}
	known := map[int]sums{}
	return func(problem int, v blas64.General, beta, eps float64, w, h blas64.General) (_, _, _, _ []float64, _ float64) {
		s, ok := known[problem]
		if !ok {
			s.numH, s.denH, s.numW, s.denW, s.objective = directSums(v, beta, eps, w, h)
			known[problem] = s
		}
		return s.numH, s.denH, s.numW, s.denW, s.objective
	}
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
	formulas, problems := formulasOnce(), 60
	if testing.Short() {
		problems = 24
	}
	onEveryPath(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 3))
		for i := range problems {
			f, n, k := 1+r.IntN(150), 1+r.IntN(400), 1+r.IntN(25)
			v, beta, eps := positive(r, f, n), []float64{0, 1, 2, 0.5, -0.7, 3.1}[i%6], []float64{0, 1e-7, 0.1}[r.IntN(3)]
			if i%12 < 6 && beta >= 0 && eps > 0 {
				v.Data[r.IntN(n)] = 0
			}
			p, w, h, next := NewNMF(v, beta, eps), positive(r, f, k), positive(r, k, n), positive(r, k, n)
			if beta == 2 {
				eps = 0
			}
			numH, denH, numW, denW, want := formulas(2*i, v, beta, eps, w, h)
			_, _, numNext, denNext, _ := formulas(2*i+1, v, beta, eps, w, next)
			for _, objective := range []bool{true, false} {
				sums := func(got float64) {
					t.Helper()
					// For β = 2 it is a difference of terms as large as halfSquares.
					if objective && !(math.Abs(got-want) <= 1e-12*(math.Abs(want)+float64(f*n)+p.halfSquares)) {
						t.Fatalf("β = %v: the objective is %v; want %v", beta, got, want)
					}
				}
				name := func(what string) string { return fmt.Sprintf("%s, β = %v", what, beta) }
				num, den := positive(r, k, n), positive(r, k, n)
				sums(p.Do(t.Context(), Step{W: w, H: h, NumH: num, DenH: den, Objective: objective}))
				near(t, name("num of H"), num, numH)
				near(t, name("den of H"), den, denH)
				num, den = positive(r, f, k), positive(r, f, k)
				sums(p.Do(t.Context(), Step{W: w, H: h, NumW: num, DenW: den, Objective: objective}))
				near(t, name("num of W"), num, numW)
				near(t, name("den of W"), den, denW)

				// With an Update num and den are what it is given.
				later := blas64.General{Rows: k, Cols: n, Stride: n, Data: make([]float64, k*n)}
				num, den = positive(r, k, n), positive(r, k, n)
				numOfW, denOfW := positive(r, f, k), positive(r, f, k)
				sums(p.Do(t.Context(), Step{
					W: w, H: h, Next: later, NumW: numOfW, DenW: denOfW, Objective: objective,
					Update: func(nextStrip, hStrip, numStrip, denStrip []float64, from int) {
						width := len(hStrip) / k
						for c := range k {
							for j := range width {
								at := c*width + j
								if from+j >= n {
									if hStrip[at] != 0 {
										t.Errorf("column %d of H is %v; want 0", from+j, hStrip[at])
									}
									nextStrip[at] = 0
									continue
								}
								if hStrip[at] != h.Data[c*h.Stride+from+j] {
									t.Errorf("column %d of H is not what it was", from+j)
								}
								num.Data[c*num.Stride+from+j], den.Data[c*den.Stride+from+j] = numStrip[at], denStrip[at]
								nextStrip[at] = next.Data[c*next.Stride+from+j]
							}
						}
					},
				}))
				near(t, name("num of H, both"), num, numH)
				near(t, name("den of H, both"), den, denH)
				for c := range k {
					if !slices.Equal(later.Data[c*n:(c+1)*n], next.Data[c*next.Stride:][:n]) {
						t.Fatalf("β = %v: Next is not what Update made", beta)
					}
				}
				num, den = numOfW, denOfW
				near(t, name("num of W, both"), num, numNext)
				near(t, name("den of W, both"), den, denNext)
			}
			if got := p.Objective(t.Context(), w, h); !(math.Abs(got-want) <= 1e-12*(math.Abs(want)+float64(f*n))) {
				t.Fatalf("β = %v: the objective is %v; want %v", beta, got, want)
			}
		}
	})
}

func TestNMFBitsDoNotDependOnThreads(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	onEveryPath(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(2, 3))
		for _, beta := range []float64{0, 1, 2, 0.5} {
			p := NewNMF(positive(r, 130, 701), beta, 1e-7)
			w, h, num, den := positive(r, 130, 7), positive(r, 7, 701), positive(r, 7, 701), positive(r, 7, 701)
			numW, denW := positive(r, 130, 7), positive(r, 130, 7)
			var first []float64
			for _, threads := range []int{1, 2, 5} {
				runtime.GOMAXPROCS(threads)
				sum := p.Do(t.Context(), Step{W: w, H: h, NumH: num, DenH: den, NumW: numW, DenW: denW, Objective: true})
				got := slices.Concat([]float64{sum}, num.Data, den.Data, numW.Data, denW.Data)
				if first == nil {
					first = got
				}
				for i, x := range got {
					if x != first[i] {
						t.Fatalf("β = %v, %d threads: number %d is %v; want %v", beta, threads, i, x, first[i])
					}
				}
			}
		}
	})
}

// A column's sums for H have the same bits whatever columns stand beside it.
func TestNMFColumnInAnyCompany(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(8, 3))
		for _, beta := range []float64{0, 1, 2, 0.5} {
			const f, n, k, from, to = 70, 500, 9, 203, 260
			v, w, h, num, den := positive(r, f, n), positive(r, f, k), positive(r, k, n), positive(r, k, n), positive(r, k, n)
			NewNMF(v, beta, 1e-7).Do(t.Context(), Step{W: w, H: h, NumH: num, DenH: den})
			part := func(a blas64.General) blas64.General {
				a.Data, a.Cols = a.Data[from:], to-from
				return a
			}
			numPart, denPart := positive(r, k, to-from), positive(r, k, to-from)
			NewNMF(part(v), beta, 1e-7).Do(t.Context(), Step{W: w, H: part(h), NumH: numPart, DenH: denPart})
			for c := range k {
				for j := range to - from {
					if a, b := num.Data[c*num.Stride+from+j], numPart.Data[c*numPart.Stride+j]; a != b {
						t.Fatalf("β = %v: num[%d,%d] is %v in company, %v alone", beta, c, j, a, b)
					}
					if a, b := den.Data[c*den.Stride+from+j], denPart.Data[c*denPart.Stride+j]; a != b {
						t.Fatalf("β = %v: den[%d,%d] is %v in company, %v alone", beta, c, j, a, b)
					}
				}
			}
		}
	})
}

// What is too large to be copied once is copied by every step, with the same bits.
func TestNMFOfLargeV(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(10, 3))
		for _, beta := range []float64{0, 1, 2, 0.5} {
			v := positive(r, 90, 333)
			w, h := positive(r, 90, 4), positive(r, 4, 333)
			made := func(p *NMF) []float64 {
				num, den, numW, denW := all(0, 4, 333), all(0, 4, 333), all(0, 90, 4), all(0, 90, 4)
				d := p.Do(t.Context(), Step{W: w, H: h, NumH: num, DenH: den, NumW: numW, DenW: denW, Objective: true})
				return slices.Concat([]float64{d, p.Objective(t.Context(), w, h)}, num.Data, den.Data, numW.Data, denW.Data)
			}
			want := made(NewNMF(v, beta, 1e-7))
			p := NewNMF(positive(r, 90, 333), beta, 1e-7)
			p.copied = nil
			p.Load(v)
			if !slices.Equal(made(p), want) {
				t.Errorf("β = %v: the sums differ", beta)
			}
			if !slices.Equal(made(NewNMF(v, beta, 1e-7).Fork()), want) {
				t.Errorf("β = %v: the sums of a fork differ", beta)
			}
		}
	})
}

// Once the context is done a step ends, even if much of it is not made.
func TestNMFEndsWithItsContext(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 3))
	ctx, cancel := context.WithCancel(t.Context())
	updates := 0
	w, h, next := positive(r, 200, 5), positive(r, 5, 40000), positive(r, 5, 40000)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	NewNMF(positive(r, 200, 40000), 0, 1e-7).Do(ctx, Step{W: w, H: h, Next: next, Update: func(_, _, _, _ []float64, _ int) { updates++; cancel() }})
	if updates > 16 {
		t.Errorf("%d strips were made; want no more than a chunk of them", updates)
	}
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
					if got := NewNMF(v, beta, 0).Objective(t.Context(), w, h); !(math.Abs(got-want) <= 2e-8*want) {
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
			got := NewNMF(one(c.v), c.beta, 0).Objective(t.Context(), one(c.x), one(1))
			same := got == c.want || math.IsNaN(got) && math.IsNaN(c.want)
			if !same && !(math.Abs(got-c.want) <= 1e-12*min(math.Abs(c.want), 1e3)) {
				t.Errorf("β = %v: the divergence of %v from %v is %v; want %v", c.beta, c.v, c.x, got, c.want)
			}
		}
	})
}

// Where V̂ is far above V the divergence still has all its digits.
func TestNMFObjectiveOfSmallQuotients(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		for _, beta := range []float64{-4, -1, 0.5, 1.5, 3} {
			for _, y := range []float64{1e-3, 1e-9, 1e-14} {
				const x = 50.0
				v, w := blas64.General{Rows: 1, Cols: 1, Stride: 1, Data: []float64{y}}, blas64.General{Rows: 1, Cols: 1, Stride: 1, Data: []float64{x}}
				one := blas64.General{Rows: 1, Cols: 1, Stride: 1, Data: []float64{1}}
				want := (math.Pow(y, beta) + (beta-1)*math.Pow(x, beta) - beta*y*math.Pow(x, beta-1)) / (beta * (beta - 1))
				if got := NewNMF(v, beta, 0).Objective(t.Context(), w, one); !(math.Abs(got-want) <= 1e-13*want) {
					t.Errorf("β = %v: the divergence of %v from %v is %v; want %v", beta, y, x, got, want)
				}
			}
		}
	})
}

// V → cV, H → cH, eps → c·eps give D → c^β D, to the bit for a power of two and β of 0
// or 1: the padding of the last vector does not change it.
func TestNMFObjectiveScales(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(7, 3))
		for _, beta := range []float64{0, 1} {
			v, eps := positive(r, 20, 9), 1e-3
			w, h := positive(r, 20, 3), positive(r, 3, 9)
			before := NewNMF(v, beta, eps).Objective(t.Context(), w, h)
			c := 0x1p-70
			for i := range v.Data {
				v.Data[i] *= c
			}
			for i := range h.Data {
				h.Data[i] *= c
			}
			if got, want := NewNMF(v, beta, c*eps).Objective(t.Context(), w, h), math.Pow(c, beta)*before; got != want {
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
		if got := NewNMF(v, 0, 0).Do(t.Context(), Step{W: w, H: h, NumW: num, DenW: den, Objective: true}); !(math.Abs(got-want) <= 1e-12*want) {
			t.Errorf("the objective is %v; want %v", got, want)
		}
	})
}

func BenchmarkNMF(b *testing.B) {
	r := rand.New(rand.NewPCG(5, 3))
	for _, k := range []int{2, 10, 30, 100} {
		for _, beta := range []float64{0, 1, 2, 0.5} {
			p := NewNMF(positive(r, 513, 2329), beta, 1e-7)
			w, h := positive(r, 513, k), positive(r, k, 2329)
			numH, denH, numW, denW := positive(r, k, 2329), positive(r, k, 2329), positive(r, 513, k), positive(r, 513, k)
			products := map[float64]float64{0: 3, 1: 2, 2: 1, 0.5: 3}[beta]
			for _, c := range []struct {
				name     string
				products float64
				step     Step
			}{
				{"H", products, Step{NumH: numH, DenH: denH}},
				{"H_objective", products, Step{NumH: numH, DenH: denH, Objective: true}},
				{"W", products, Step{NumW: numW, DenW: denW}},
				{"both", 2 * products, Step{NumH: numH, DenH: denH, NumW: numW, DenW: denW, Objective: true}},
				{"objective", 1, Step{Objective: true}},
			} {
				c.step.W, c.step.H = w, h
				b.Run(fmt.Sprintf("beta%v_K%d_%s", beta, k, c.name), func(b *testing.B) {
					least := leastTime(b, func() { p.Do(b.Context(), c.step) })
					b.ReportMetric(1e3*least, "ms")
					b.ReportMetric(2e-9*c.products*513*2329*float64(k)/least, "GFLOP/s")
				})
			}
		}
	}
}
