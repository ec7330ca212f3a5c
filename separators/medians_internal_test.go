package separators

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// Medians by the network are those of the sorted window that slides, which longer ones are found by.
func TestMediansOfRowsAreSliding(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	for _, bins := range []int{1, 5, 130, 300} {
		for _, length := range []int{1, 3, 17, 31, 63} {
			line, m := make([]float64, bins+length-1), new(medians)
			for i := range line {
				if line[i] = rng.ExpFloat64(); rng.IntN(4) == 0 {
					line[i] = float64(rng.IntN(2))
				}
			}
			got, want := make([]float64, bins), make([]float64, bins)
			m.ofRows(got, length, func(k int) []float64 { return line[k : k+bins] })
			if m.slide(want, line, length); !slices.Equal(got, want) {
				t.Fatalf("%d medians of %d: %v; want %v", bins, length, got, want)
			}
		}
	}
}
