package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/blas/gonum"
)

// onEveryPath runs f once for each engine of this machine.
func onEveryPath(t *testing.T, f func(t *testing.T)) {
	for _, e := range available() {
		t.Run(e.name, func(t *testing.T) {
			before := current
			current = e
			defer func() { current = before }()
			f(t)
		})
	}
}

func random(r *rand.Rand, rows, cols, stride int) blas64.General {
	g := blas64.General{Rows: rows, Cols: cols, Stride: stride, Data: make([]float64, rows*stride)}
	for i := range g.Data {
		g.Data[i] = r.NormFloat64()
	}
	return g
}

// checkGemm compares one random product with gonum's; what lies between the rows
// of c must not change.
func checkGemm(t *testing.T, r *rand.Rand, tA, tB blas.Transpose, m, n, k int, alpha, beta float64) {
	t.Helper()
	shape := func(rows, cols int, tr blas.Transpose) blas64.General {
		if tr != blas.NoTrans {
			rows, cols = cols, rows
		}
		return random(r, rows, cols, max(1, cols+r.IntN(3)))
	}
	a, b := shape(m, k, tA), shape(k, n, tB)
	c := random(r, m, n, n+r.IntN(3))
	if beta == 0 {
		for i := range m {
			for j := range n {
				c.Data[i*c.Stride+j] = math.NaN()
			}
		}
	}
	want := append([]float64(nil), c.Data...)
	gonum.Implementation{}.Dgemm(tA, tB, m, n, k, alpha, a.Data, a.Stride, b.Data, b.Stride, beta, want, c.Stride)
	Gemm(tA, tB, alpha, a, b, beta, c)
	tol := 4e-16 * float64(k+2) * 8
	for i, x := range c.Data {
		if !(math.Abs(x-want[i]) <= tol) {
			t.Fatalf("%c%c %d×%d×%d α=%v β=%v: c[%d] = %v; want %v", tA, tB, m, k, n, alpha, beta, i, x, want[i])
		}
	}
}

func TestGemmAgainstGonum(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 2))
		trans := []blas.Transpose{blas.NoTrans, blas.Trans}
		for range 120 {
			m, n, k := 1+r.IntN(60), 1+r.IntN(80), 1+r.IntN(40)
			switch r.IntN(8) {
			case 0:
				m, k = 1+r.IntN(20), 200+r.IntN(400)
			case 1:
				m, k = 150+r.IntN(300), 1+r.IntN(12)
			case 2:
				m, n = 1+r.IntN(20), 1000+r.IntN(700)
			}
			checkGemm(t, r, trans[r.IntN(2)], trans[r.IntN(2)], m, n, k,
				[]float64{1, -0.5}[r.IntN(2)], []float64{0, 1, 0.3}[r.IntN(3)])
			// Dot products along the rows of both.
			m, n, k = 1+r.IntN(50), 1+r.IntN(alongColumns), alongFrom+r.IntN(700)
			checkGemm(t, r, blas.NoTrans, blas.Trans, m, n, k, []float64{1, -0.5}[r.IntN(2)], []float64{0, 1, 0.3}[r.IntN(3)])
		}
	})
}

// Every height of a panel and width of a strip has a kernel of its own.
func TestGemmOfSmallShapes(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(3, 2))
		for m := range 9 {
			for n := range 25 {
				checkGemm(t, r, blas.NoTrans, blas.NoTrans, m+1, n+1, 3, 1, 0)
				checkGemm(t, r, blas.NoTrans, blas.NoTrans, m+1, n+1, 3, -0.5, 1)
			}
		}
	})
}

func TestGemmBitsDoNotDependOnThreads(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	onEveryPath(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(3, 4))
		for _, s := range [][3]int{{200, 310, 200}, {513, 10, 700}, {10, 513, 300}, {100, 1601, 37}} {
			a, b := random(r, s[0], s[2], s[2]), random(r, s[2], s[1], s[1])
			var first []float64
			for _, threads := range []int{1, 2, 3, 5} {
				runtime.GOMAXPROCS(threads)
				c := random(rand.New(rand.NewPCG(5, 6)), s[0], s[1], s[1])
				Gemm(blas.NoTrans, blas.NoTrans, 1, a, b, 1, c)
				d := random(r, s[0], min(s[0], 16), min(s[0], 16))
				Gemm(blas.NoTrans, blas.Trans, 1, a, rowsOf(a, d.Cols), 0, d)
				got := append(c.Data, d.Data...)
				if first == nil {
					first = got
				}
				for i, x := range got {
					if x != first[i] {
						t.Fatalf("%v with %d threads: number %d is %v; want %v", s, threads, i, x, first[i])
					}
				}
			}
		}
	})
}

// rowsOf returns the first n rows of a.
func rowsOf(a blas64.General, n int) blas64.General {
	a.Rows = n
	return a
}

// TestGemmRowInAnyCompany multiplies frames, which are rows, many at once and few at a time: the
// bits of a frame are the same, as transforms promise.
func TestGemmRowInAnyCompany(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 5))
		for _, s := range [][2]int{{150, 200}, {70, 1}, {1100, 40}, {65, 700}} { // k, n
			const m = 203
			a, b := random(r, m, s[0], s[0]), random(r, s[0], s[1], s[1])
			all, part := random(r, m, s[1], s[1]), random(r, m, s[1], s[1])
			Gemm(blas.NoTrans, blas.NoTrans, 1, a, b, 0, all)
			for at, rows := 0, 1; at < m; at, rows = at+rows, 2*rows {
				rows = min(rows, m-at)
				sub := func(x blas64.General) blas64.General {
					return blas64.General{Rows: rows, Cols: x.Cols, Stride: x.Stride, Data: x.Data[at*x.Stride:]}
				}
				Gemm(blas.NoTrans, blas.NoTrans, 1, sub(a), b, 0, sub(part))
			}
			for i, x := range all.Data {
				if x != part.Data[i] {
					t.Fatalf("%d×%d×%d: row %d has %g among all, %g among few", m, s[0], s[1], i/s[1], x, part.Data[i])
				}
			}
		}
	})
}

func TestGemmPropagatesNaNAndInf(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		if current == plain {
			t.Skip("gonum leaves out products with zeros of A")
		}
		r := rand.New(rand.NewPCG(7, 8))
		a, b, c := random(r, 9, 13, 13), random(r, 13, 29, 29), random(r, 9, 29, 29)
		a.Data[4*13+3], b.Data[5*29+28] = math.NaN(), math.Inf(1)
		Gemm(blas.NoTrans, blas.NoTrans, 1, a, b, 0, c)
		for i := range 9 {
			for j := range 29 {
				x := c.Data[i*29+j]
				if i == 4 != math.IsNaN(x) || (i != 4 && j == 28) != math.IsInf(x, 0) {
					t.Fatalf("c[%d,%d] = %v", i, j, x)
				}
			}
		}
	})
}

func TestGemmKeepsDenormals(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		a := blas64.General{Rows: 1, Cols: 1, Stride: 1, Data: []float64{math.SmallestNonzeroFloat64}}
		b := blas64.General{Rows: 1, Cols: 9, Stride: 9, Data: []float64{1, 2, 3, 4, 5, 6, 7, 8, 9}}
		c := blas64.General{Rows: 1, Cols: 9, Stride: 9, Data: make([]float64, 9)}
		Gemm(blas.NoTrans, blas.NoTrans, 1, a, b, 0, c)
		for j, x := range c.Data {
			if want := float64(j+1) * math.SmallestNonzeroFloat64; x != want {
				t.Errorf("c[%d] = %g; want %g", j, x, want)
			}
		}
	})
}

// leastTime runs f b.N times and returns the seconds of the fastest: whatever else the
// machine does only adds.
func leastTime(b *testing.B, f func()) float64 {
	least := math.Inf(1)
	for b.Loop() {
		start := time.Now()
		f()
		least = min(least, time.Since(start).Seconds())
	}
	return least
}

func BenchmarkPeak(b *testing.B) {
	var flops float64
	least := leastTime(b, func() { flops = Peak() })
	b.ReportMetric(1e-9*flops/least, "GFLOP/s")
}

// BenchmarkGemm runs the shapes of the learners: m×k·k×n.
func BenchmarkGemm(b *testing.B) {
	r := rand.New(rand.NewPCG(11, 12))
	for _, s := range []struct {
		m, k, n int
		tA, tB  blas.Transpose
	}{
		{200, 200, 1510, blas.NoTrans, blas.NoTrans},
		{200, 1510, 200, blas.NoTrans, blas.Trans},
		{440, 440, 5419, blas.NoTrans, blas.NoTrans},
		{440, 5419, 440, blas.NoTrans, blas.Trans},
		{1024, 1024, 2600, blas.NoTrans, blas.NoTrans},
		{1024, 2600, 1024, blas.NoTrans, blas.Trans},
		{513, 2, 2329, blas.NoTrans, blas.NoTrans},
		{513, 10, 2329, blas.NoTrans, blas.NoTrans},
		{10, 513, 2329, blas.Trans, blas.NoTrans},
		{513, 2329, 10, blas.NoTrans, blas.Trans},
		{513, 100, 2329, blas.NoTrans, blas.NoTrans},
		{513, 2329, 100, blas.NoTrans, blas.Trans},
		{100, 513, 2329, blas.Trans, blas.NoTrans},
	} {
		b.Run(fmt.Sprintf("%c%c_%dx%dx%d", s.tA, s.tB, s.m, s.k, s.n), func(b *testing.B) {
			x, y := random(r, s.m, s.k, s.k), random(r, s.k, s.n, s.n)
			if s.tA != blas.NoTrans {
				x = random(r, s.k, s.m, s.m)
			}
			if s.tB != blas.NoTrans {
				y = random(r, s.n, s.k, s.k)
			}
			c := random(r, s.m, s.n, s.n)
			least := leastTime(b, func() { Gemm(s.tA, s.tB, 1, x, y, 0, c) })
			b.ReportMetric(2e-9*float64(s.m)*float64(s.k)*float64(s.n)/least, "GFLOP/s")
		})
	}
}
