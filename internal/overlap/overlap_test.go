package overlap

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The weight that is found from sums is that of the frames over a sample.
func TestAbout(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		samples, length := 1+rng.IntN(60), 1+rng.IntN(20)
		hop, pad := 1+rng.IntN(length), rng.IntN(length)
		var analysis, synthesis []float64
		for range length {
			analysis, synthesis = append(analysis, rng.Float64()), append(synthesis, rng.Float64())
		}
		n := 1 + max(0, samples+2*pad-length+hop-1)/hop // as audiosep.Framing has it
		f := New(analysis, synthesis, hop, pad, n)
		for s := range samples {
			if got, want := f.About(s), f.Weight(s); math.Abs(got-want) > 1e-12 {
				t.Fatalf("sample %d of %d, frames of %d, %d apart, %d zeros before: %g; want %g", s, samples, length, hop, pad, got, want)
			}
		}
	}
}
