package transforms

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/audiosep/audiosep"
	"gonum.org/v1/gonum/mat"
)

func newDCT(t testing.TB, typ, m int) audiosep.MatrixTransform {
	t.Helper()
	maker, err := NewDCT(DCTParams{Type: typ})
	if err != nil {
		t.Fatal(err)
	}
	d, err := maker.Transform(context.Background(), m)
	if err != nil {
		t.Fatal(err)
	}
	return d.(audiosep.MatrixTransform)
}

func noise(n int) []float64 {
	rng := rand.New(rand.NewPCG(1, uint64(n)))
	x := make([]float64, n)
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	return x
}

// distance returns the greatest difference of two slices.
func distance(a, b []float64) float64 {
	worst := math.Inf(1)
	if len(a) == len(b) {
		worst = 0
	}
	for i := range min(len(a), len(b)) {
		worst = max(worst, math.Abs(a[i]-b[i]))
	}
	return worst
}

// dctSum is the definition, term by term, for one coefficient.
func dctSum(typ, m, k int, x []float64) float64 {
	e := func(at bool) float64 {
		if at {
			return math.Sqrt(0.5)
		}
		return 1
	}
	turn := func(a, b int) float64 { return math.Cos(math.Pi * float64(a%(2*b)) / float64(b)) }
	var sum float64
	for n, y := range x {
		switch typ {
		case 1:
			sum += y * math.Sqrt(2/float64(m-1)) * e(k == 0 || k == m-1) * e(n == 0 || n == m-1) * turn(k*n, m-1)
		case 2:
			sum += y * math.Sqrt(2/float64(m)) * e(k == 0) * turn(k*(2*n+1), 2*m)
		case 3:
			sum += y * math.Sqrt(2/float64(m)) * e(n == 0) * turn(n*(2*k+1), 2*m)
		case 4:
			sum += y * math.Sqrt(2/float64(m)) * turn((2*k+1)*(2*n+1), 4*m)
		}
	}
	return sum
}

func TestDCTIsItsSum(t *testing.T) {
	lengths := []int{200, 257, 441, 1009, 1024, 2048, 2018}
	if testing.Short() {
		lengths = lengths[:3]
	}
	for m := 1; m <= 64; m++ {
		lengths = append(lengths, m)
	}
	for typ := 1; typ <= 4; typ++ {
		for _, m := range lengths {
			if typ == 1 && m == 1 {
				continue
			}
			d, x := newDCT(t, typ, m), noise(m)
			got, want := audiosep.MakeCoefs(d, 1), make([]float64, m)
			for k := range want {
				want[k] = dctSum(typ, m, k, x)
			}
			if err := d.Forward(context.Background(), got, x); err != nil {
				t.Fatal(err)
			}
			if e := distance(got.Re, want); !(e <= 1e-12) {
				t.Errorf("type %d, M = %d: off by %.3g", typ, m, e)
			}
			back := make([]float64, m)
			if err := d.Inverse(context.Background(), back, got); err != nil {
				t.Fatal(err)
			}
			if e := distance(back, x); !(e <= 1e-12) {
				t.Errorf("type %d, M = %d: the inverse is off by %.3g", typ, m, e)
			}
		}
	}
}

// scipy 1.10.1: scipy.fft.dct([1, 2, 4, -3, 0.5], type, norm="ortho").
func TestDCTAgainstScipy(t *testing.T) {
	golden := goldenDCT
	for typ, want := range golden {
		d := newDCT(t, typ+1, 5)
		got := audiosep.MakeCoefs(d, 1)
		if err := d.Forward(context.Background(), got, []float64{1, 2, 4, -3, 0.5}); err != nil {
			t.Fatal(err)
		}
		if e := distance(got.Re, want); !(e <= 1e-14) {
			t.Errorf("type %d: %v; want %v", typ+1, got.Re, want)
		}
	}
}

func TestDCTMatrix(t *testing.T) {
	for typ := 1; typ <= 4; typ++ {
		for _, m := range []int{2, 7, 48, 200} {
			d := newDCT(t, typ, m)
			phi := d.Phi()
			if e := audiosep.OrthogonalityError(phi); !(e <= 1e-13) {
				t.Errorf("type %d, M = %d: |ΦΦᵀ - I| = %.3g", typ, m, e)
			}
			x, got := noise(m), audiosep.MakeCoefs(d, 1)
			if err := d.Forward(context.Background(), got, x); err != nil {
				t.Fatal(err)
			}
			var want mat.VecDense
			want.MulVec(phi, mat.NewVecDense(m, x))
			if e := distance(got.Re, want.RawVector().Data); !(e <= 1e-13) {
				t.Errorf("type %d, M = %d: Forward is off Φy by %.3g", typ, m, e)
			}
		}
	}
}

func TestDCTRefuses(t *testing.T) {
	for _, typ := range []int{0, 5} {
		if _, err := NewDCT(DCTParams{Type: typ}); err == nil {
			t.Errorf("type %d is taken", typ)
		}
	}
	one, _ := NewDCT(DCTParams{Type: 1})
	if _, err := one.Transform(context.Background(), 1); err == nil {
		t.Error("a DCT-I of one sample is taken")
	}
	two, _ := NewDCT(DCTParams{Type: 2})
	if _, err := two.Transform(context.Background(), 0); err == nil {
		t.Error("frames of no samples are taken")
	}
}

func BenchmarkDCT(b *testing.B) {
	for _, m := range []int{200, 1009, 1024, 2048} {
		b.Run(fmt.Sprint(m), func(b *testing.B) { benchmarkForward(b, newDCT(b, 2, m)) })
	}
}

// benchmarkForward transforms 1024 frames at once and reports the time of one.
func benchmarkForward(b *testing.B, t audiosep.Transform) {
	const frames = 1024
	x, dst := noise(frames*t.Len()), audiosep.MakeCoefs(t, frames)
	b.ReportAllocs()
	b.SetBytes(int64(8 * len(x)))
	for b.Loop() {
		if err := t.Forward(context.Background(), dst, x); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*frames), "ns/frame")
}
