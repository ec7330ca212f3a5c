//go:build !race

package separators

import (
	"context"
	"runtime"
	"testing"

	"github.com/audiosep/audiosep"
)

// blockStems are two stems of zeros, in blocks of n samples.
type blockStems struct {
	head audiosep.Head
	n    int
}

func (s blockStems) Head() audiosep.Head { return s.head }
func (s blockStems) Names() []string     { return []string{"a", "b"} }
func (s blockStems) Each(ctx context.Context, write func(int, [][]float64) error) error {
	block := [][]float64{make([]float64, s.n)}
	for at := 0; at < s.head.Samples; at += s.n {
		for j := range 2 {
			if err := write(j, block); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// Blocks of separations that are taken together are written into memory of those before, whether
// the writer or the reader is faster.
func TestTogetherLeavesNoGarbage(t *testing.T) {
	const n, blocks, many = 4096, 200, 5
	s := blockStems{audiosep.Head{Rate: 1, Channels: 1, Realisations: 1, Samples: n * blocks}, n}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := together(t.Context(), []audiosep.Stems{s, s, s, s, s}, func([][][]float64) error { return nil }); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	const chunk = 2 * 8 * n
	if made := after.TotalAlloc - before.TotalAlloc; made > 6*many*chunk {
		t.Errorf("%d bytes were allocated; want no more than %d, six chunks of each separation", made, 6*many*chunk)
	}
}
