package metrics

import (
	"math"
	"testing"

	"github.com/audiosep/audiosep"
)

// bursts are references that sound one after the other.
func bursts(channels, samples int) []audiosep.Source {
	a, b := noise(channels, samples, 1), noise(channels, samples, 2)
	return []audiosep.Source{silenced(a, samples/2, samples), silenced(b, 0, samples/2)}
}

func readAll(t *testing.T, s audiosep.Source, from, n, step int) [][]float64 {
	t.Helper()
	h, err := s.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out := planes[float64](h.Channels, n)
	for at := 0; at < n; at += step {
		part := make([][]float64, h.Channels)
		for c := range part {
			part[c] = out[c][at:min(n, at+step)]
		}
		if err := s.ReadAt(t.Context(), part, from+at); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// Estimates of ideal masks sum to the mixture, are the same bits in whatever pieces they
// are read, and are better than the mixture.
func TestIdeal(t *testing.T) {
	const samples = 9001
	refs := []audiosep.Source{noise(2, samples, 1), asImage(bursts(1, samples)[0], 2, 2, false), noise(2, samples, 3)}
	mixture := mix([]float64{1, 1, 1, 0.1}, append(refs, noise(2, samples, 4))...)
	for _, mask := range []IdealMask{IBM, IRM} {
		for _, given := range []audiosep.Source{nil, mixture} {
			ests, err := Ideal(t.Context(), refs, given, mask)
			if err != nil {
				t.Fatal(err)
			}
			want := given
			if want == nil {
				want = mix([]float64{1, 1, 1}, refs...)
			}
			sum := planes[float64](2, samples+200)
			for _, e := range ests {
				whole, pieces := readAll(t, e, -100, samples+200, samples+200), readAll(t, e, -100, samples+200, 777)
				for c := range sum {
					for i, x := range whole[c] {
						sum[c][i] += x
						if x != pieces[c][i] {
							t.Fatalf("%s: sample %d is %v in pieces; want %v", mask, i-100, pieces[c][i], x)
						}
					}
				}
			}
			for c, d := range readAll(t, want, -100, samples+200, 5000) {
				for i, x := range d {
					if math.Abs(sum[c][i]-x) > 1e-12 {
						t.Fatalf("%s: the estimates sum to %v at %d; want %v", mask, sum[c][i], i-100, x)
					}
				}
			}
			r, err := Evaluate(t.Context(), refs, ests, want, Options{Convention: SI, Match: MatchGiven})
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range r.Sources {
				if x := s.Metrics[0].MedianImprovement(); !(x > 1) || s.Estimates[0] != string(mask) {
					t.Errorf("%s of %s: %v dB over the mixture; want more than 1", s.Estimates[0], s.Name, x)
				}
			}
		}
	}
}

// Sources that do not overlap in time are found nearly whole by either mask.
func TestIdealOfBursts(t *testing.T) {
	refs := bursts(1, 40*idealHop)
	for _, mask := range []IdealMask{IBM, IRM} {
		ests, err := Ideal(t.Context(), refs, nil, mask)
		if err != nil {
			t.Fatal(err)
		}
		r := evaluate(t, refs, ests, Options{Convention: SI, Match: MatchGiven})
		for j := range refs {
			if x := value(t, r, j, "SI-SDR"); x < 15 {
				t.Errorf("%s: SI-SDR is %v; want much", mask, x)
			}
		}
	}
	if _, err := Ideal(t.Context(), refs, nil, "best"); err == nil {
		t.Error("a mask that there is not is taken")
	}
}
