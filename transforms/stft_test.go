package transforms

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/audiosep/audiosep"
)

func newSTFT(t testing.TB, m, size int) audiosep.Transform {
	t.Helper()
	p := STFTParams{}
	if size > 0 {
		p.Size = &size
	}
	maker, err := NewSTFT(p)
	if err != nil {
		t.Fatal(err)
	}
	s, err := maker.Transform(context.Background(), m)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSTFTIsItsSum(t *testing.T) {
	for _, c := range [][2]int{{1, 0}, {2, 0}, {3, 0}, {8, 0}, {9, 16}, {5, 8}, {29, 0}, {58, 0}, {200, 0}, {200, 257}, {1009, 0}, {30, 62}} {
		s := newSTFT(t, c[0], c[1])
		size := max(c[0], c[1])
		x, got := noise(c[0]), audiosep.MakeCoefs(s, 1)
		if s.Bins() != size/2+1 || !s.Complex() {
			t.Fatalf("%d bins, complex %v; want %d, true", s.Bins(), s.Complex(), size/2+1)
		}
		if err := s.Forward(context.Background(), got, x); err != nil {
			t.Fatal(err)
		}
		var power, want float64
		for k := range s.Bins() {
			var re, im float64
			for n, y := range x {
				sin, cos := math.Sincos(2 * math.Pi * float64(k*n%size) / float64(size))
				re, im = re+y*cos, im-y*sin
			}
			re, im = re/math.Sqrt(float64(size)), im/math.Sqrt(float64(size))
			if e := math.Hypot(re-got.Re[k], im-got.Im[k]); !(e <= 1e-12) {
				t.Errorf("M = %d, size %d: bin %d is off by %.3g", c[0], size, k, e)
			}
			both := 2.0
			if k == 0 || 2*k == size {
				both = 1
			}
			power += both * (re*re + im*im)
		}
		for _, y := range x {
			want += y * y
		}
		if e := math.Abs(power - want); !(e <= 1e-12*want) {
			t.Errorf("M = %d, size %d: power %v; want %v", c[0], size, power, want)
		}
		back := make([]float64, c[0])
		if err := s.Inverse(context.Background(), back, got); err != nil {
			t.Fatal(err)
		}
		if e := distance(back, x); !(e <= 1e-12) {
			t.Errorf("M = %d, size %d: the inverse is off by %.3g", c[0], size, e)
		}
	}
}

func TestSTFTAgainstNumPy(t *testing.T) {
	s := newSTFT(t, 5, 8)
	got := audiosep.MakeCoefs(s, 1)
	if err := s.Forward(context.Background(), got, []float64{1, 2, 4, -3, 0.5}); err != nil {
		t.Fatal(err)
	}
	if e := max(distance(got.Re, goldenSTFT[0]), distance(got.Im, goldenSTFT[1])); !(e <= 1e-15) {
		t.Errorf("off by %.3g", e)
	}
}

func TestSTFTRefuses(t *testing.T) {
	zero, four := 0, 4
	if _, err := NewSTFT(STFTParams{Size: &zero}); err == nil {
		t.Error("a DFT of no samples is taken")
	}
	maker, _ := NewSTFT(STFTParams{Size: &four})
	_, err := maker.Transform(context.Background(), 5)
	if want := "parameter size is 4; want at least 5 samples, the length of a frame"; err == nil || err.Error() != want {
		t.Errorf("error %v; want %s", err, want)
	}
}

func BenchmarkSTFT(b *testing.B) {
	for _, m := range []int{1024, 2048} {
		b.Run(fmt.Sprint(m), func(b *testing.B) { benchmarkForward(b, newSTFT(b, m, 0)) })
	}
}
