package fft

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/audiosep/audiosep/internal/kernel"
)

// onEveryPath runs f once for each path of this machine.
func onEveryPath(t *testing.T, f func(t *testing.T)) {
	for _, name := range []string{"avx512", "avx2", "neon", "go"} {
		restore, ok := kernel.Use(name)
		if !ok {
			continue
		}
		t.Run(name, f)
		restore()
	}
}

func lengths() []int {
	n := []int{67, 127, 200, 211, 223, 256, 360, 441, 2 * 211, 512, 8 * 67, 7 * 101, 1024}
	for i := range 35 {
		n = append(n, i+1)
	}
	return n
}

func noise(r *rand.Rand, n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = r.NormFloat64()
	}
	return x
}

// near compares with what the definition gives, relative to the frame's norm.
func near(t *testing.T, what string, got, want []float64) {
	t.Helper()
	var norm float64
	for _, x := range want {
		norm = math.Hypot(norm, x)
	}
	for i := range want {
		if !(math.Abs(got[i]-want[i]) <= 4e-15*norm) {
			t.Fatalf("%s: number %d is %v; want %v (norm %v)", what, i, got[i], want[i], norm)
		}
	}
}

// summed is the sum of the definition.
func summed(re, im []float64) (outRe, outIm []float64) {
	n := len(re)
	w := make([]complex128, n)
	for k := range w {
		w[k] = root(k, n)
	}
	outRe, outIm = make([]float64, n), make([]float64, n)
	for k := range n {
		var sum complex128
		for t := range n {
			sum += complex(re[t], im[t]) * w[k*t%n]
		}
		outRe[k], outIm[k] = real(sum), imag(sum)
	}
	return outRe, outIm
}

func TestComplexAgainstSum(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 5))
		for _, n := range lengths() {
			re, im := noise(r, n), noise(r, n)
			gotRe, gotIm := make([]float64, n), make([]float64, n)
			NewComplex(n, 1).Run(gotRe, gotIm, re, im)
			wantRe, wantIm := summed(re, im)
			near(t, fmt.Sprint("re of ", n), gotRe, wantRe)
			near(t, fmt.Sprint("im of ", n), gotIm, wantIm)
			NewComplexInverse(n, 1/float64(n)).Run(gotRe, gotIm, gotRe, gotIm)
			near(t, fmt.Sprint("inverse re of ", n), gotRe, re)
			near(t, fmt.Sprint("inverse im of ", n), gotIm, im)
		}
	})
}

func TestQuick(t *testing.T) {
	for n := 1; n < 3000; n++ {
		size := Quick(n)
		rest := size
		for _, p := range []int{2, 3, 5} {
			for rest%p == 0 {
				rest /= p
			}
		}
		if size < n || size >= 2*n || rest != 1 {
			t.Fatalf("a quick length of at least %d is %d", n, size)
		}
	}
}

func TestColumnsAreFrames(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(7, 5))
		for _, n := range lengths() {
			c := NewColumns(n)
			lanes := c.Lanes()
			before := noise(r, 2*n*lanes+1)
			block := slices.Clone(before)
			// column returns one of a block, parts 0 real and 1 imaginary, or the other way round.
			column := func(block []float64, i, part int) (re, im []float64) {
				re, im = make([]float64, n), make([]float64, n)
				for k := range n {
					re[k], im[k] = block[(2*k+part)*lanes+i], block[(2*k+1-part)*lanes+i]
				}
				return re, im
			}
			c.Run(block)
			for i := range 2 {
				wantRe, wantIm := summed(column(before, i, 0))
				gotRe, gotIm := column(block, i, 0)
				near(t, fmt.Sprint("re of ", n), gotRe, wantRe)
				near(t, fmt.Sprint("im of ", n), gotIm, wantIm)
			}
			swapped := slices.Clone(block)
			for k := range 2 * n {
				copy(swapped[k*lanes:(k+1)*lanes], block[(k^1)*lanes:])
			}
			c.Run(swapped)
			for i := range lanes {
				gotRe, gotIm := column(swapped, i, 1)
				for k := range n {
					gotRe[k], gotIm[k] = gotRe[k]/float64(n), gotIm[k]/float64(n)
				}
				wantRe, wantIm := column(before, i, 0)
				near(t, fmt.Sprint("inverse re of ", n), gotRe, wantRe)
				near(t, fmt.Sprint("inverse im of ", n), gotIm, wantIm)
			}
			if last := len(before) - 1; block[last] != before[last] || swapped[last] != before[last] {
				t.Fatalf("%d: a number beyond the block was written", n)
			}
		}
	})
}

// A grid is its definition, and keeping all of it brings the numbers back, whatever their count.
func TestGridAgainstSum(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(8, 5))
		for _, c := range [][2]int{{1, 1}, {2, 1}, {1, 2}, {5, 7}, {16, 9}, {17, 8}, {33, 33}, {18, 23}, {31, 16}} {
			frames, bins := c[0], c[1]
			x, got := make([]float64, frames*bins), make([]float64, frames*bins)
			var norm float64
			for i := range x {
				x[i] = r.ExpFloat64()
				norm = math.Hypot(norm, x[i])
			}
			g := NewGrid(frames, bins)
			half := frames / 2 &^ 1
			g.Rows(half, x[half*bins:])
			g.Rows(0, x[:half*bins])
			for i := range g.Blocks() {
				g.Along(i)
			}
			for k := range frames {
				re, im, wantRe, wantIm := make([]float64, bins/2+1), make([]float64, bins/2+1), make([]float64, bins/2+1), make([]float64, bins/2+1)
				for q := range re {
					at := 2*k*g.Lanes() + q%g.Lanes()
					re[q], im[q] = g.Block(q / g.Lanes())[at], g.Block(q / g.Lanes())[at+g.Lanes()]
					for i, v := range x {
						w := root(k*(i/bins)*bins+q*(i%bins)*frames, frames*bins)
						wantRe[q], wantIm[q] = wantRe[q]+v*real(w), wantIm[q]+v*imag(w)
					}
				}
				scale := math.Sqrt(float64(frames*bins)) * norm // of the whole transform
				near(t, fmt.Sprint("re of ", c), append(re, scale), append(wantRe, scale))
				near(t, fmt.Sprint("im of ", c), append(im, scale), append(wantIm, scale))
			}
			all := make([]int, frames*g.Lanes())
			for i := range all {
				all[i] = i
			}
			for i := range g.Blocks() {
				g.Keep(i, all)
			}
			g.Back(0, got)
			near(t, fmt.Sprint("inverse of ", c), got, x)
			for from := range frames {
				some := make([]float64, min(3, frames-from)*bins)
				if g.Back(from, some); !slices.Equal(some, got[from*bins:][:len(some)]) {
					t.Fatalf("%v: frames from %d on have other bits than in a longer run", c, from)
				}
			}
		}
	})
}

func TestRealAgainstSum(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(2, 5))
		for _, n := range lengths() {
			m := n - r.IntN(min(n, 5))
			x := append(noise(r, m), make([]float64, n-m)...)
			re, im := make([]float64, n/2+1), make([]float64, n/2+1)
			NewReal(m, n, 1).Run(re, im, x[:m], nil)
			wantRe, wantIm := summed(x, make([]float64, n))
			near(t, fmt.Sprint("re of ", n), re, wantRe[:n/2+1])
			near(t, fmt.Sprint("im of ", n), im, wantIm[:n/2+1])
			back := make([]float64, m)
			im[0] = 17 // is not looked at
			NewRealInverse(m, n, 1/float64(n)).Run(back, nil, re, im)
			near(t, fmt.Sprint("inverse of ", n), back, x[:m])
		}
	})
}

func TestDCTAgainstFormula(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(3, 5))
		for _, m := range lengths() {
			for typ := 1; typ <= 4; typ++ {
				if typ == 1 && m == 1 || m > 250 && typ%2 == 1 {
					continue
				}
				x := noise(r, m)
				got, want := make([]float64, m), make([]float64, m)
				NewDCT(typ, m).Run(got, nil, x, nil)
				for k := range m {
					for n := range m {
						want[k] += dctEntry(typ, m, k, n) * x[n]
					}
				}
				near(t, fmt.Sprintf("DCT %d of %d", typ, m), got, want)
			}
		}
	})
}

func TestMDCTAgainstFormula(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(6, 5))
		for _, m := range lengths() {
			if m > 250 && m%4 != 0 {
				continue
			}
			x := noise(r, 2*m)
			got, back := make([]float64, m), make([]float64, 2*m)
			NewMDCT(m).Run(got, nil, x, nil)
			NewMDCTInverse(m).Run(back, nil, got, nil)
			want, folded := make([]float64, m), make([]float64, 2*m)
			for k := range m {
				for n := range 2 * m {
					want[k] += math.Sqrt(2/float64(m)) * real(root((2*n+1+m)*(2*k+1), 8*m)) * x[n]
				}
			}
			for n := range m {
				folded[n], folded[m+n] = x[n]-x[m-1-n], x[m+n]+x[2*m-1-n]
			}
			near(t, fmt.Sprint("MDCT of ", 2*m), got, want)
			near(t, fmt.Sprint("its inverse of ", 2*m), back, folded)
		}
	})
}

// dctEntry is the matrix of NewDCT's formula.
func dctEntry(typ, m, k, n int) float64 {
	end := func(at bool) float64 {
		if at {
			return math.Sqrt2 / 2
		}
		return 1
	}
	cos := func(a, b int) float64 { return real(root(a, 2*b)) } // cos(π·a/b)
	switch typ {
	case 1:
		return math.Sqrt(2/float64(m-1)) * end(k == 0 || k == m-1) * end(n == 0 || n == m-1) * cos(k*n, m-1)
	case 2:
		return math.Sqrt(2/float64(m)) * end(k == 0) * cos(k*(2*n+1), 2*m)
	case 3:
		return dctEntry(2, m, n, k)
	default:
		return math.Sqrt(2/float64(m)) * cos((2*k+1)*(2*n+1), 4*m)
	}
}

func TestFrameAloneHasTheSameBits(t *testing.T) {
	onEveryPath(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(4, 5))
		for _, n := range lengths() {
			const frames = 19
			p, x := NewReal(n, n, 1), noise(r, frames*n)
			bins := n/2 + 1
			re, im := make([]float64, frames*bins), make([]float64, frames*bins)
			p.Run(re, im, x, nil)
			for i := range frames {
				oneRe, oneIm := make([]float64, bins), make([]float64, bins)
				p.Run(oneRe, oneIm, x[i*n:(i+1)*n], nil)
				if !slices.Equal(oneRe, re[i*bins:(i+1)*bins]) || !slices.Equal(oneIm, im[i*bins:(i+1)*bins]) {
					t.Fatalf("frame %d of %d samples has other bits alone", i, n)
				}
			}
		}
	})
}

func TestRootIsExactWhereItCanBe(t *testing.T) {
	for _, c := range []struct {
		a, b int
		want complex128
	}{
		{0, 5, 1}, {1, 4, -1i}, {2, 4, -1}, {3, 4, 1i}, {-1, 4, 1i}, {7, 7, 1},
	} {
		if got := root(c.a, c.b); got != c.want {
			t.Errorf("root(%d, %d) = %v; want %v", c.a, c.b, got, c.want)
		}
	}
	for a := range 360 {
		got, want := root(a, 360), complex(math.Cos(2*math.Pi*float64(a)/360), -math.Sin(2*math.Pi*float64(a)/360))
		if d := got - want; math.Hypot(real(d), imag(d)) > 2e-15 { // the error of the argument
			t.Errorf("root(%d, 360) = %v; want %v", a, got, want)
		}
	}
}

// BenchmarkFrames prints the time of one frame in runs of 256.
func BenchmarkFrames(b *testing.B) {
	r := rand.New(rand.NewPCG(5, 5))
	for _, n := range []int{200, 440, 441, 1024, 2048} {
		x := noise(r, 256*n)
		re, im := make([]float64, 256*n), make([]float64, 256*n)
		bins := 256 * (n/2 + 1)
		for _, c := range []struct {
			name string
			plan *Plan
			run  func(p *Plan)
		}{
			{"real", NewReal(n, n, 1), func(p *Plan) { p.Run(re[:bins], im[:bins], x, nil) }},
			{"inverse", NewRealInverse(n, n, 1), func(p *Plan) { p.Run(x, nil, re[:bins], im[:bins]) }},
			{"complex", NewComplex(n, 1), func(p *Plan) { p.Run(re, im, x, x) }},
			{"dct2", NewDCT(2, n), func(p *Plan) { p.Run(re, nil, x, nil) }},
			{"dct4", NewDCT(4, n), func(p *Plan) { p.Run(re, nil, x, nil) }},
		} {
			b.Run(fmt.Sprintf("%d_%s", n, c.name), func(b *testing.B) {
				least := time.Hour // whatever else the machine does only adds
				for b.Loop() {
					start := time.Now()
					c.run(c.plan)
					least = min(least, time.Since(start))
				}
				b.ReportMetric(float64(least.Nanoseconds())/256/1e3, "µs/frame")
			})
		}
	}
}
