package resample

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// reader reads x, zeros outside, and remembers which samples were asked for.
func reader(x []float64, first, last *int) Reader {
	return func(_ context.Context, dst [][]float64, at int) error {
		*first, *last = min(*first, at), max(*last, at+len(dst[0])-1)
		for i := range dst[0] {
			dst[0][i] = 0
			if n := at + i; n >= 0 && n < len(x) {
				dst[0][i] = x[n]
			}
		}
		return nil
	}
}

// Any run of samples has the bits of the whole, is made of what Reach says, and what lies outside
// is zero.
func TestRead(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	x := make([]float64, 4000)
	for i := range x {
		x[i] = r.NormFloat64()
	}
	for _, rates := range [][2]int{{44100, 16000}, {16000, 44100}, {8000, 16000}, {48000, 47999}} {
		f := New(rates[0], rates[1])
		n := f.Samples(len(x))
		if want := int(math.Ceil(float64(len(x)) * float64(rates[1]) / float64(rates[0]))); n != want {
			t.Fatalf("%v: %d samples; want %d", rates, n, want)
		}
		var first, last int
		whole := [][]float64{make([]float64, n)}
		if err := f.Read(t.Context(), whole, 0, n, reader(x, &first, &last)); err != nil {
			t.Fatal(err)
		}
		for range 20 {
			at, size := r.IntN(n+40)-20, 1+r.IntN(300)
			part := [][]float64{slices.Repeat([]float64{math.NaN()}, size)}
			first, last = math.MaxInt, math.MinInt
			if err := f.Read(t.Context(), part, at, n, reader(x, &first, &last)); err != nil {
				t.Fatal(err)
			}
			for i, v := range part[0] {
				want := 0.0
				if k := at + i; k >= 0 && k < n {
					want = whole[0][k]
				}
				if v != want {
					t.Fatalf("%v: sample %d of a run from %d is %v; want %v", rates, at+i, at, v, want)
				}
			}
			if from, to := max(at, 0), min(at+size, n); from < to {
				a, _ := f.Reach(from)
				_, b := f.Reach(to - 1)
				if _, end := f.Reach(from); end-a+1 != 2*f.half {
					t.Fatalf("%v: a sample reaches from %d to %d; want %d samples", rates, a, end, 2*f.half)
				}
				if first != a || last != b {
					t.Fatalf("%v: samples %d to %d are read; want %d to %d", rates, first, last, a, b)
				}
			}
		}
	}
}

// Rates that differ by a factor beyond 256 are refused; either way, and where one is none.
func TestCheck(t *testing.T) {
	for rates, want := range map[[2]int]bool{
		{44100, 16000}: true, {16000, 44100}: true, {63, 16000}: true, {62, 16000}: false, {1, 256}: true, {256, 1}: true, {257, 1}: false,
		{1, 48000}: false, {10_000_000, 1}: false, {0, 16000}: false, {16000, -1}: false,
	} {
		if err := Check(rates[0], rates[1]); (err == nil) != want {
			t.Errorf("%v: %v; want %v", rates, err, want)
		}
	}
}

// Work is in proportion to samples and layers but for the making of the filter, nothing at the same rate, and much more
// where weights are computed anew.
func TestWork(t *testing.T) {
	work := func(from, to, samples, layers int) float64 {
		return Work(from, to, samples, layers) - Work(from, to, 0, layers)
	}
	for _, to := range []int{16000, 44101, 96000} {
		one := work(44100, to, 1_000_000, 1)
		if ten := work(44100, to, 10_000_000, 1); !(one > 1e8) || math.Abs(ten/one-10) > 1e-6 {
			t.Errorf("to %d Hz: %g, and %g for ten times as many samples", to, one, ten)
		}
		if more := work(44100, to, 1_000_000, 10); !(more > one) {
			t.Errorf("to %d Hz: %g, and %g for ten layers; want more", to, one, more)
		}
	}
	if tabled, anew := work(44100, 48000, 1_000_000, 1), work(44100, 48001, 1_000_000, 1); !(anew > 100*tabled) {
		t.Errorf("%g with weights of a table, %g without; want much more", tabled, anew)
	}
	if same := Work(44100, 44100, 1_000_000, 2); same != 0 {
		t.Errorf("%g at the same rate; want 0", same)
	}
}

// A tone at a lower frequency than both rates allow stays what it is, at its place.
func TestTone(t *testing.T) {
	for _, rates := range [][2]int{{44100, 16000}, {16000, 48000}} {
		tone := func(rate, n int) float64 { return math.Sin(2 * math.Pi * 3000 * float64(n) / float64(rate)) }
		x := make([]float64, 8000)
		for i := range x {
			x[i] = tone(rates[0], i)
		}
		f := New(rates[0], rates[1])
		n := f.Samples(len(x))
		y := [][]float64{make([]float64, n)}
		var first, last int
		if err := f.Read(t.Context(), y, 0, n, reader(x, &first, &last)); err != nil {
			t.Fatal(err)
		}
		for i := n / 3; i < 2*n/3; i++ {
			if d := y[0][i] - tone(rates[1], i); math.Abs(d) > 1e-5 {
				t.Fatalf("%v: sample %d is off by %g", rates, i, d)
			}
		}
	}
}
