package transforms

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/audiosep/audiosep"
)

// mdctOf returns the coefficients of a recording of 8 kHz.
func mdctOf(t testing.TB, y []float64, frame string) (audiosep.Spectra, error) {
	t.Helper()
	src := &audiosep.Signal{Rate: 8000, Data: [][]float64{y}}
	h, err := src.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out, err := MDCT{}.Run(t.Context(), audiosep.Env{}, MDCTIn{&audiosep.Framed{Source: src, Framing: framing(t, frame, h)}})
	return out.Coefs, err
}

// coefsOf returns all coefficients of x.
func coefsOf(t testing.TB, x audiosep.Spectra) audiosep.Coefs {
	t.Helper()
	var s audiosep.Spectrogram
	if err := x.Read(t.Context(), &s, 0, x.Framing().Frames()); err != nil {
		t.Fatal(err)
	}
	return s.Layers[0]
}

// Each frame is folded and transformed by SciPy.
func TestMDCTAgainstSciPy(t *testing.T) {
	x, err := mdctOf(t, goldenMDCTSignal, `{"length": 8, "window": "sine"}`)
	if err != nil {
		t.Fatal(err)
	}
	if got := coefsOf(t, x).Re; !(distance(got, slices.Concat(goldenMDCT...)) <= 1e-14) {
		t.Errorf("coefficients %v; want %v", got, goldenMDCT)
	}
}

// Whatever the frames, the signal comes back where its frames are joined, in runs of any length.
func TestMDCTRestores(t *testing.T) {
	for _, frame := range []string{
		`{"length": 2}`, `{"length": 8}`, `{"length": 10}`, `{"length": 882, "window": "kbd"}`, `{"length": 320, "window": "kbd", "beta": 12}`,
		`{"length": 64, "window": "hann", "symmetry": "symmetric", "overlap": 0.75}`, `{"length": 24, "hop": 4, "scale": "sum"}`, `{"length": 24, "hop": 1}`,
		`{"length": 422, "window": "tukey", "symmetry": "symmetric"}`,
	} {
		for _, samples := range []int{1, 7, 1501} {
			y := noise(samples)
			x, err := mdctOf(t, y, frame)
			if err != nil {
				t.Fatalf("%s: %v", frame, err)
			}
			stems, err := audiosep.Collect(t.Context(), audiosep.Separated(x, []string{"all"}, 0,
				func(_ context.Context, dst [][]audiosep.Coefs, x *audiosep.Spectrogram, _, _ int) error {
					copy(dst[0][0].Re, x.Layers[0].Re)
					return nil
				}))
			if err != nil {
				t.Fatal(err)
			}
			if e := distance(stems[0].Data[0], y); !(e <= 1e-12) {
				t.Errorf("%s: %d samples come back %.3g away", frame, samples, e)
			}
		}
	}
}

// Where the squares of windows add to 1 the transform of the whole recording is orthonormal: as
// much power in coefficients as in samples.
func TestMDCTKeepsPower(t *testing.T) {
	square := func(x []float64) (sum float64) {
		for _, v := range x {
			sum += v * v
		}
		return sum
	}
	for _, frame := range []string{`{"length": 64}`, `{"length": 66}`, `{"length": 64, "window": "kbd", "beta": 4}`} {
		y := noise(1000)
		x, err := mdctOf(t, y, frame)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := square(coefsOf(t, x).Re), square(y); !(math.Abs(got-want) <= 1e-12*want) {
			t.Errorf("%s: power %v; want %v", frame, got, want)
		}
	}
}

// A tone is loudest in the bin that Frequencies says.
func TestMDCTFrequencies(t *testing.T) {
	for _, length := range []int{64, 66} {
		for _, bin := range []int{3, 20} {
			y := make([]float64, 4000)
			for i := range y {
				y[i] = math.Sin(2 * math.Pi * (float64(bin) + 0.5) / float64(length) * float64(i))
			}
			x, err := mdctOf(t, y, fmt.Sprintf(`{"length": %d}`, length))
			if err != nil {
				t.Fatal(err)
			}
			power := audiosep.PowerOf(x, nil)
			v, err := power.V(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			sums := make([]float64, power.Bins())
			for f := range sums {
				for n := 3; n < 60; n++ {
					sums[f] += v.At(f, n)
				}
			}
			if most := slices.Index(sums, slices.Max(sums)); most != bin || math.Abs(power.Hz()[bin]-8000*(float64(bin)+0.5)/float64(length)) > 1e-9 {
				t.Errorf("frames of %d: a tone of bin %d is loudest in bin %d, %v Hz", length, bin, most, power.Hz()[most])
			}
		}
	}
}

func TestMDCTRefuses(t *testing.T) {
	for _, c := range []struct{ frame, want string }{
		{`{"length": 9, "overlap": 0.6}`, "frames are 9 samples long; want an even number"},
		{`{"length": 12, "overlap": 0.25}`, "of which half a frame, 6, is no multiple; want an overlap of 0.5"},
		{`{"length": 12, "grids": 3}`, "want 10, so that its first samples are in as many frames as others: use grids 1"},
		{`{"length": 12, "window": "hann"}`, "mirror images of an MDCT do not cancel"},
		{`{"length": 12, "synthesis": "rectangular"}`, "mirror images of an MDCT do not cancel"},
	} {
		if _, err := mdctOf(t, noise(100), c.frame); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v; want %s", c.frame, err, c.want)
		}
	}
}
