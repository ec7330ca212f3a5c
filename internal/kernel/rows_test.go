package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/blas/blas64"
)

// long returns a matrix of rows of cols numbers that are padded with zeros.
func long(r *rand.Rand, rows, cols int) blas64.General {
	g := blas64.General{Rows: rows, Cols: Padded(cols), Stride: Padded(cols) + DotUnit*r.IntN(2)}
	g.Data = make([]float64, rows*g.Stride)
	for i := range rows {
		for j := range cols {
			g.Data[i*g.Stride+j] = r.NormFloat64()
		}
	}
	return g
}

func at(g blas64.General, i, j int) float64 { return g.Data[i*g.Stride+j] }

func close12(t *testing.T, what string, got, want, size float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 1e-12*size) {
		t.Fatalf("%s: %v; want %v", what, got, want)
	}
}

// eitherLong returns x as it is, or has it in float32 and makes x what that is.
func eitherLong(r *rand.Rand, x blas64.General) Long {
	if r.IntN(2) == 0 {
		return LongOf(x)
	}
	const scale = 1.0 / 3
	low := make([]float32, x.Rows*x.Cols)
	for i := range x.Rows {
		for j := range x.Cols {
			low[i*x.Cols+j] = float32(at(x, i, j) / scale)
			x.Data[i*x.Stride+j] = float64(low[i*x.Cols+j]) * scale
		}
	}
	return SingleLong(low, x.Rows, x.Cols, scale)
}

// TestLongInSinglePrecisionIsThatInDouble: a matrix in float32 makes the bits that the same numbers in
// float64 make.
func TestLongInSinglePrecisionIsThatInDouble(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		r, rows := rand.New(rand.NewPCG(6, 7)), new(Rows)
		for i := range 30 {
			c, n, cols := 1+i%9, 1+r.IntN(4), 1+r.IntN(700)
			low := make([]float32, 2*c*Padded(cols))
			for j := range low {
				low[j] = float32(r.NormFloat64())
			}
			x := SingleLong(low, 2*c, Padded(cols), 0.7)
			double := x.Double(make([]float64, len(low)+r.IntN(5)))
			for j, v := range low {
				if want := float64(v) * 0.7; double.Data[j] != want {
					t.Fatalf("number %d is %v; want %v", j, double.Data[j], want)
				}
			}
			phi, a := long(r, n, cols), random(r, 2*n, 2*c, 2*c)
			var u [2][]float64
			var p [2]blas64.General
			for k, x := range []Long{x, LongOf(double)} {
				u[k], p[k] = make([]float64, c*c*n), blas64.General{Rows: n, Cols: Padded(cols), Stride: Padded(cols), Data: make([]float64, n*Padded(cols))}
				rows.Gram(u[k], x, phi, x.Half(0))
				rows.Powers(p[k], a, x, false, x.Half(1))
			}
			if !slices.Equal(u[0], u[1]) || !slices.Equal(p[0].Data, p[1].Data) {
				t.Fatalf("%d rows of %d numbers: sums or powers differ with the precision", 2*c, cols)
			}
		}
	})
}

func TestGramAgainstFormula(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		r, rows := rand.New(rand.NewPCG(1, 7)), new(Rows)
		for i := range 30 {
			c, n, cols := 1+i%9, 1+r.IntN(8), 1+r.IntN(700)
			x, phi := long(r, 2*c, cols), long(r, n, cols)
			u := make([]float64, c*c*n)
			rows.Gram(u, eitherLong(r, x), phi, Ahead{})
			next := c
			for a := range c {
				for b := a; b < c; b++ {
					for k := range n {
						var sum complex128
						for j := range cols {
							y, z := complex(at(x, a, j), at(x, c+a, j)), complex(at(x, b, j), -at(x, c+b, j))
							sum += complex(at(phi, k, j), 0) * y * z
						}
						if a == b {
							close12(t, "a power", u[a*n+k], real(sum), float64(10*cols))
							continue
						}
						close12(t, "a real part", u[next*n+k], real(sum), float64(10*cols))
						close12(t, "an imaginary part", u[(next+1)*n+k], imag(sum), float64(10*cols))
					}
					if a < b {
						next += 2
					}
				}
			}
		}
	})
}

// TestCrossProductsAgainstFormula: every path rounds each product as two fused steps do, to the bit,
// from any column on, and writes nothing beside it.
func TestCrossProductsAgainstFormula(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		r, rows := rand.New(rand.NewPCG(5, 7)), new(Rows)
		for i := range 30 {
			c := 1 + i%9
			x := long(r, 2*c, 1+r.IntN(700))
			from := DotUnit * r.IntN(x.Cols/DotUnit)
			n := DotUnit * (1 + r.IntN((x.Cols-from)/DotUnit))
			dst := random(r, c*c, n, n+DotUnit*r.IntN(2))
			want := append([]float64(nil), dst.Data...)
			next := c
			for a := range c {
				for b := a; b < c; b++ {
					for j := range n {
						re, im := at(x, a, from+j), at(x, c+a, from+j)
						p, q := at(x, b, from+j), at(x, c+b, from+j)
						if a == b {
							want[a*dst.Stride+j] = math.FMA(im, im, re*re)
							continue
						}
						want[next*dst.Stride+j] = math.FMA(im, q, re*p)
						want[(next+1)*dst.Stride+j] = math.FMA(-re, q, im*p)
					}
					if a < b {
						next += 2
					}
				}
			}
			rows.crossProducts(dst.Data, dst.Stride, x, from, n)
			for j, w := range want {
				if dst.Data[j] != w {
					t.Fatalf("%d rows, columns %d to %d: number %d of row %d is %v; want %v", c, from, from+n, j%dst.Stride, j/dst.Stride, dst.Data[j], w)
				}
			}
		}
	})
}

func TestPowersAgainstFormula(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		r, rows := rand.New(rand.NewPCG(2, 7)), new(Rows)
		for i := range 30 {
			c, n, cols := 1+i%9, 1+r.IntN(6), 1+r.IntN(700)
			x, w := long(r, 2*c, cols), random(r, n, 2*c, 2*c)
			a := blas64.General{Rows: 2 * n, Cols: 2 * c, Stride: 2 * c, Data: make([]float64, 4*n*c)}
			for k := range n {
				for j := range c {
					p, q := at(w, k, j), at(w, k, c+j)
					a.Data[k*2*c+j], a.Data[k*2*c+c+j] = p, -q
					a.Data[(n+k)*2*c+j], a.Data[(n+k)*2*c+c+j] = q, p
				}
			}
			got, more := long(r, n, cols), long(r, n, cols)
			before := append([]float64(nil), more.Data...)
			l := eitherLong(r, x)
			rows.Powers(got, a, l, false, l.Half(1))
			rows.Powers(more, a, l, true, Ahead{})
			for k := range n {
				for j := range x.Cols {
					var y complex128
					for l := range c {
						y += complex(at(w, k, l), at(w, k, c+l)) * complex(at(x, l, j), at(x, c+l, j))
					}
					want := real(y)*real(y) + imag(y)*imag(y)
					close12(t, "a power", at(got, k, j), want, 100)
					close12(t, "a power that is added", at(more, k, j), before[k*more.Stride+j]+want, 100)
				}
			}
		}
	})
}

func TestSumsOfLongRowsAgainstFormula(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		r, rows := rand.New(rand.NewPCG(3, 7)), new(Rows)
		for range 30 {
			m, n, cols := 1+r.IntN(20), 1+r.IntN(20), 1+r.IntN(700)
			a, b, w := long(r, m, cols), long(r, n, cols), random(r, m, n, n)
			dots, outer, only := random(r, m, n, n), long(r, n, cols), long(r, n, cols)
			before := append([]float64(nil), outer.Data...)
			wantDots, wantOuter := append([]float64(nil), dots.Data...), append([]float64(nil), outer.Data...)
			for i := range m {
				for k := range n {
					for j := range a.Cols {
						wantDots[i*n+k] += at(a, i, j) * at(b, k, j)
						wantOuter[k*outer.Stride+j] += at(w, i, k) * at(a, i, j)
					}
				}
			}
			rows.AddDots(dots.Data, a, b)
			rows.Outer(outer, w, a, true)
			rows.Outer(only, w, a, false)
			for i, want := range wantDots {
				close12(t, "a dot product", dots.Data[i], want, float64(10*cols))
			}
			for i, want := range wantOuter {
				close12(t, "a sum of rows", outer.Data[i], want, float64(10*m))
			}
			for k := range n {
				for j := range a.Cols {
					close12(t, "a sum of rows by itself", at(only, k, j), wantOuter[k*outer.Stride+j]-before[k*outer.Stride+j], float64(10*m))
				}
			}
		}
	})
}

func TestQuotientsAgainstFormula(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		r, rows := rand.New(rand.NewPCG(4, 7)), new(Rows)
		for range 30 {
			m, k, cols := 1+r.IntN(20), 1+r.IntN(12), 1+r.IntN(700)
			w, h, v := positive(r, m, k), long(r, k, cols), long(r, m, cols)
			floor := make([]float64, h.Cols)
			for j := range floor {
				floor[j] = 1e-3 * float64(1+j%3)
				if j >= cols {
					floor[j] = 1
				}
			}
			for i, x := range h.Data {
				h.Data[i] = x * x
			}
			for i, x := range v.Data {
				if v.Data[i] = x * x; i%7 == 0 {
					v.Data[i] = 0
				}
			}
			p := blas64.General{Rows: m, Cols: h.Cols, Stride: h.Cols, Data: make([]float64, m*h.Cols)}
			q, inverse := p, p
			q.Data, inverse.Data = make([]float64, m*h.Cols), make([]float64, m*h.Cols)
			rows.Quotients(p, q, v, w, h, floor)
			logs := rows.Inverses(inverse, w, h, floor)
			var want float64
			for i := range m {
				for j := range h.Cols {
					y := floor[j]
					for l := range k {
						y += at(w, i, l) * at(h, l, j)
					}
					want += math.Log(y)
					what := fmt.Sprintf("element %d,%d of %d×%d, rank %d", i, j, m, cols, k)
					close12(t, what, at(p, i, j), at(v, i, j)/y/y, at(v, i, j)/y/y)
					close12(t, what, at(q, i, j), 1/y, 1/y)
					close12(t, what, at(inverse, i, j), 1/y, 1/y)
				}
			}
			close12(t, "the sum of logarithms", logs, want, float64(100*m*cols))
		}
	})
}

func TestRowsRefuseUnpadded(t *testing.T) {
	x := blas64.General{Rows: 2, Cols: 23, Stride: 23, Data: make([]float64, 46)}
	for name, try := range map[string]func(){
		"in float64": func() { LongOf(x) },
		"in float32": func() { SingleLong(make([]float32, 46), 2, 23, 1) },
		"of weights": func() { new(Rows).Gram(make([]float64, 2), Long{rows: 2, cols: 23}, x, Ahead{}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("rows of 23 numbers %s are taken; want a panic, since the kernels check no bounds", name)
				}
			}()
			try()
		}()
	}
}
