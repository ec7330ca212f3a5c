package separators

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/audiosep/audiosep"
)

// The beat spectrum is its definition, over several segments, for any bins and lags.
func TestBeatSpectrumAgainstDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, c := range []struct{ frames, bins, lags int }{{1500, 3, 400}, {1100, 2, 1}, {1300, 1, 433}, {2000, 5, 650}, {7, 4, 3}} {
		s := &audiosep.Signal{Rate: 8000, Channels: 2, Data: [][]float64{make([]float64, c.frames*c.bins), make([]float64, c.frames*c.bins)}}
		power := make([]float64, c.frames*c.bins)
		for _, x := range s.Data {
			for i := range x {
				x[i] = rng.NormFloat64()
				power[i] += x[i] * x[i] / 2
			}
		}
		copied := audiosep.PerFrame(func(int) (forward, inverse func(dst, src []float64), err error) {
			return func(dst, src []float64) { copy(dst, src) }, func(dst, src []float64) { copy(dst, src) }, nil
		})
		x, err := audiosep.Analyse(t.Context(), s, sideBySide(c.bins), copied)
		if err != nil {
			t.Fatal(err)
		}
		got, err := beatSpectrum(t.Context(), x, c.lags)
		if err != nil || len(got) != c.lags {
			t.Fatal(len(got), err)
		}
		for l := range got {
			var want float64
			for i := range power[l*c.bins:] {
				want += power[i] * power[i+l*c.bins]
			}
			if want /= float64((c.frames - l) * c.bins); math.Abs(got[l]-want) > 1e-11 {
				t.Errorf("%+v: lag %d has %v; want %v", c, l, got[l], want)
				break
			}
		}
	}
}

// The medians of the network are those of a sort, however many repetitions there are, and where the
// last is shorter.
func TestMediansOfRepetitions(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 1))
	for count := 1; count <= networkUpTo+3; count++ {
		for _, size := range []int{1, 7, 131} {
			for _, last := range []int{size, (size + 1) / 2} {
				values := make([]float64, (count-1)*size+last)
				for i := range values {
					values[i] = float64(rng.IntN(count))
				}
				want, got := make([]float64, size), make([]float64, size)
				for i := range want {
					var line []float64
					for j := i; j < len(values); j += size {
						line = append(line, values[j])
					}
					if want[i] = 0; len(line) > 0 {
						want[i] = medianAny(line)
					}
				}
				if count == 1 {
					want, got = want[:last], got[:last]
				}
				(&repeated{}).medians(got, values, len(got))
				if !slices.Equal(got, want) {
					t.Fatalf("%d repetitions of %d numbers, the last of %d: %v; want %v", count, size, last, got, want)
				}
			}
		}
	}
}

// sideBySide cuts frames of so many samples without overlap.
type sideBySide int

func (n sideBySide) Framing(_ context.Context, h audiosep.Head) (audiosep.Framing, error) {
	ones := make([]float64, n)
	for i := range ones {
		ones[i] = 1
	}
	return audiosep.Framing{Head: h, Length: int(n), Hop: int(n), Share: 1, Analysis: ones, Synthesis: ones}, nil
}
