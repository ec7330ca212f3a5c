//go:build !race

package nets

// With the race detector a sync.Pool forgets at random.

import (
	"runtime"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/allocs"
)

func TestDenoiseAllocatesNothing(t *testing.T) {
	for name, model := range denoisers {
		s, err := model.new(1)
		if err != nil {
			t.Fatal(err)
		}
		x, dst := [][]float64{talk(t).Data[0][:model.chunk]}, [][]float64{make([]float64, 0, 2*model.chunk)}
		if n := allocs.PerRun(10, func() { dst[0] = dst[0][:0]; s.run(dst, x) }); n >= 1 {
			t.Errorf("%s: %d samples allocate %v times; want 0", name, model.chunk, n)
		}
	}
}

// What a network is said to take is what it takes, and not twice as much.
func TestDenoiseMemory(t *testing.T) {
	for name, model := range denoisers {
		for _, channels := range []int{1, 6} {
			if _, err := model.new(channels); err != nil { // and the weights, and the tables that all share
				t.Fatal(err)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			s, err := model.new(channels)
			if err != nil {
				t.Fatal(err)
			}
			runtime.ReadMemStats(&after)
			runtime.KeepAlive(s)
			shared := &Denoise{DenoiseParams{name, "shared"}}
			took, told := int64(after.TotalAlloc-before.TotalAlloc), shared.Needs(audiosep.Extent{Head: audiosep.Head{Channels: channels, Realisations: 1}}).Streams
			if took > told || told > 2*took {
				t.Errorf("%s: %d channels take %d bytes; the needs of denoise are %d", name, channels, took, told)
			}
		}
	}
}
