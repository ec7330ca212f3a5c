package audiosep

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The weight that is found from sums is that of the frames over a sample.
func TestAboutWeight(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		f := Framing{Head: Head{Samples: 1 + rng.IntN(60)}, Length: 1 + rng.IntN(20), Share: 1}
		f.Hop, f.Pad = 1+rng.IntN(f.Length), rng.IntN(f.Length)
		for range f.Length {
			f.Analysis, f.Synthesis = append(f.Analysis, rng.Float64()), append(f.Synthesis, rng.Float64())
		}
		sums, n := f.weightSums(), f.Frames()
		for s := range f.Samples {
			if got, want := f.aboutWeight(sums, s, n), f.weight(s, n); math.Abs(got-want) > 1e-12 {
				t.Fatalf("sample %d of %d, frames of %d, %d apart, %d zeros before: %g; want %g", s, f.Samples, f.Length, f.Hop, f.Pad, got, want)
			}
		}
	}
}
