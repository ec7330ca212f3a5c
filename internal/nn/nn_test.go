package nn

import (
	"fmt"
	"math"
	"os"
	"testing"

	"github.com/audiosep/audiosep/internal/kernel"
)

// layers are the arrays that testdata/make.py computed.
func layers(t *testing.T) *Weights {
	t.Helper()
	text, err := os.ReadFile("testdata/layers.npz")
	if err != nil {
		t.Fatal(err)
	}
	w, err := ReadWeights(text)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Err(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// onEveryPath runs f with each of the kernels of this machine.
func onEveryPath(t *testing.T, f func(t *testing.T)) {
	for _, path := range []string{"avx512", "avx2", "neon", "go"} {
		if restore, ok := kernel.Use(path); ok {
			t.Run(path, f)
			restore()
		}
	}
}

// planes puts numbers into planes with margins that they need.
func planes(x []float64, c, r, n, margin, side int) *Planes {
	p := NewPlanes(c, r, n, margin, side)
	for i := range c {
		for j := range r {
			copy(p.Row(i, j), x[(i*r+j)*n:])
		}
	}
	return p
}

// equal holds planes against NumPy's numbers.
func equal(t *testing.T, name string, p *Planes, want []float64) {
	t.Helper()
	if len(want) != p.C*p.R*p.N {
		t.Fatalf("%s has %d numbers; want %d", name, p.C*p.R*p.N, len(want))
	}
	for c := range p.C {
		for r := range p.R {
			for n, x := range p.Row(c, r) {
				if y := want[(c*p.R+r)*p.N+n]; math.Abs(x-y) > 1e-12*(1+math.Abs(y)) {
					t.Fatalf("%s: channel %d, row %d, column %d is %v; want %v", name, c, r, n, x, y)
				}
			}
		}
	}
}

func TestConv(t *testing.T) {
	w := layers(t)
	onEveryPath(t, func(t *testing.T) {
		var sums kernel.Overlapping
		for _, s := range []struct {
			name                              string
			out, in, rows, cols, groups, step int
		}{{"plain", 5, 3, 3, 1, 1, 1}, {"one", 4, 6, 1, 1, 1, 1}, {"grouped", 4, 2, 5, 1, 2, 2}, {"wide", 3, 2, 3, 5, 1, 1}} {
			c := Conv{Out: s.out, In: s.in, Rows: s.rows, Cols: s.cols, Groups: s.groups, Step: s.step, First: -(s.rows / 2), Left: -(s.cols / 2)}
			c.W, c.B = w.Take(s.name+".w", s.out, s.in, s.rows, s.cols), w.Take(s.name+".b", s.out)
			y := 8/s.step + 1
			want := w.Take(s.name+".y", s.out, y, 8)
			for _, more := range []int{0, 3} { // the input may be some of many channels, and have a side that is not needed
				x := planes(w.Take(s.name+".x", s.in*s.groups, 9, 8), s.in*s.groups, 9, 8, 2, 2)
				if s.cols == 1 && more == 0 {
					x = planes(w.Take(s.name+".x", s.in*s.groups, 9, 8), s.in*s.groups, 9, 8, 2, 0)
				}
				if more > 0 {
					wider := NewPlanes(more+x.C, x.R, x.N, x.margin, x.side)
					copy(wider.data[more*x.channel():], x.data)
					x = wider
				}
				dst := NewPlanes(s.out, y, 8, 1, 0)
				c.Apply(&sums, dst, x, more)
				equal(t, s.name, dst, want)
			}
			// With To and ToStep the rows between are left alone.
			spread := NewPlanes(s.out, 2*y, 8, 0, 0)
			for i := range spread.data {
				spread.data[i] = 7
			}
			c.To, c.ToStep = 1, 2
			c.Apply(&sums, spread, planes(w.Take(s.name+".x", s.in*s.groups, 9, 8), s.in*s.groups, 9, 8, 2, 2), 0)
			dst := NewPlanes(s.out, y, 8, 0, 0)
			for i := range dst.C {
				for r := range y {
					copy(dst.Row(i, r), spread.Row(i, 2*r+1))
					if spread.Row(i, 2*r)[0] != 7 {
						t.Fatalf("%s: row %d has changed", s.name, 2*r)
					}
				}
			}
			equal(t, s.name+", spread", dst, want)
		}
	})
}

func TestDepthwise(t *testing.T) {
	w := layers(t)
	d := Depthwise{W: w.Take("depth.w", 3, 3, 3), B: w.Take("depth.b", 3), Dilation: 2}
	x := planes(w.Take("depth.past", 3, 4, 4), 3, 4, 4, 1, 4)
	long := NewPlanes(3, 4, 8, 1, 4)
	for c := range 3 {
		for r := range 4 {
			copy(long.from(c, r, -4), x.Row(c, r))
			copy(long.Row(c, r), w.Take("depth.x", 3, 4, 8)[(4*c+r)*8:])
		}
	}
	y := NewPlanes(3, 4, 8, 0, 0)
	d.Apply(y, long)
	equal(t, "depthwise", y, w.Take("depth.y", 3, 4, 8))
	d.Remember(long)
	for c := range 3 {
		for r := range 4 {
			for i, v := range long.from(c, r, -4)[:4] {
				if v != long.Row(c, r)[4+i] {
					t.Fatal("the last columns are not remembered")
				}
			}
		}
	}
}

func TestGRU(t *testing.T) {
	w := layers(t)
	onEveryPath(t, func(t *testing.T) {
		var sums kernel.Overlapping
		for _, n := range []int{1, 3, 8} {
			g := w.GRU(fmt.Sprint("gru", n), 4, 5)
			gates := NewPlanes(15, 6, n, 0, 0)
			g.X.Apply(&sums, gates, planes(w.Take(fmt.Sprint("gru", n, ".x"), 4, 6, n), 4, 6, n, 0, 0), 0)
			h, scratch := make([]float64, 5*n), make([]float64, g.Scratch(n))
			y := NewPlanes(6, 5, n, 0, 0)
			for step := range 6 {
				g.Step(&sums, scratch, h, gates, step)
				copy(y.Rows(step), h)
			}
			equal(t, fmt.Sprint(n, " sequences"), y, w.Take(fmt.Sprint("gru", n, ".y"), 6, 5, n))
		}
	})
}

func TestGRUBefore(t *testing.T) {
	w := layers(t)
	onEveryPath(t, func(t *testing.T) {
		var sums kernel.Overlapping
		for _, units := range []int{16, 5} {
			name := fmt.Sprint("before", units)
			g := w.GRUBefore(name, 4, units)
			gates := NewPlanes(3*units, 1, 6, 0, 0)
			g.X.Apply(&sums, gates, planes(w.Take(name+".x", 4, 6), 4, 1, 6, 0, 0), 0)
			h, scratch, of := make([]float64, units), make([]float64, g.Scratch()), make([]float64, 3*units)
			y := NewPlanes(6, units, 1, 0, 0)
			for step := range 6 {
				for i := range of {
					of[i] = gates.Row(i, 0)[step]
				}
				g.Step(&sums, scratch, h, of)
				copy(y.Rows(step), h)
			}
			equal(t, name, y, w.Take(name+".y", 6, units))
		}
	})
}

// Scaled weights are as many times what they were.
func TestWeightsScale(t *testing.T) {
	w, scaled := layers(t), layers(t)
	scaled.Scale(1.0 / 256)
	for i, x := range scaled.Take("act.x", 10) {
		if want := w.Take("act.x", 10)[i] / 256; x != want {
			t.Fatalf("number %d is %v; want %v", i, x, want)
		}
	}
}

func TestLayerNorm(t *testing.T) {
	w := layers(t)
	l := LayerNorm{W: w.Take("norm.w", 3, 4), B: w.Take("norm.b", 3, 4), Eps: 0.01}
	x := planes(w.Take("norm.x", 3, 4, 8), 3, 4, 8, 1, 0)
	l.Apply(x, make([]float64, 8), make([]float64, 8))
	equal(t, "layer norm", x, w.Take("norm.y", 3, 4, 8))
}

func TestActivations(t *testing.T) {
	w := layers(t)
	onEveryPath(t, func(t *testing.T) {
		for name, f := range map[string]func([]float64){"sigmoid": Sigmoid, "tanh": Tanh, "relu": func(x []float64) { ReLU(x, 0.25) }} {
			x := append([]float64(nil), w.Take("act.x", 10)...)
			f(x)
			equal(t, name, planes(x, 1, 1, 10, 0, 0), w.Take("act."+name, 10))
		}
	})
}

// What is not there, or of another shape, is told.
func TestWeightsMissing(t *testing.T) {
	for _, shape := range [][]int{{10, 1}, {9}} {
		text, _ := os.ReadFile("testdata/layers.npz")
		w, err := ReadWeights(text)
		if err != nil {
			t.Fatal(err)
		}
		w.Take("act.x", 10)
		if w.Err() != nil {
			t.Fatal(w.Err())
		}
		if got := w.Take("act.x", shape...); len(got) == 0 || w.Err() == nil {
			t.Errorf("the shape %v is taken for [10]: %v", shape, w.Err())
		}
	}
	if _, err := ReadWeights([]byte("no archive")); err == nil {
		t.Error("what is no archive is read")
	}
}
