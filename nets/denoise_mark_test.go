package nets

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/audiosep/audiosep"
)

// What goes on from a mark, in another process perhaps, has the bits of what began at the beginning.
func TestDenoiseGoesOn(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	x := talk(t)
	rng := rand.New(rand.NewPCG(1, 2))
	long := &audiosep.Signal{Rate: 44100, Channels: 2, Data: make([][]float64, 2)}
	for c := range long.Data {
		for range 37 + 2*(1-c) {
			long.Data[c] = append(long.Data[c], x.Data[0]...)
		}
	}
	for len(long.Data[1]) < len(long.Data[0]) { // noise alone
		long.Data[1] = append(long.Data[1], 0.01*rng.NormFloat64())
	}
	for c := range long.Data { // a voice that glides, and silence, which the networks pass over
		for i := range long.Data[c] {
			at := float64(i) / 44100
			long.Data[c][i] += 0.1 * math.Pow(math.Sin(math.Pi*(90+10*at)*at), 9)
		}
		clear(long.Data[c][20000:32345])
	}
	for _, p := range []DenoiseParams{{"gtcrn", "each"}, {"rnnoise", "shared"}, {"rnnoise", "each"}} {
		stems := func() audiosep.ResumableStems {
			s, err := NewDenoise(p)
			if err != nil {
				t.Fatal(err)
			}
			stems, err := s.Separate(t.Context(), long)
			if err != nil {
				t.Fatal(err)
			}
			return stems.(audiosep.ResumableStems)
		}
		var marks [][]byte
		var at []int
		whole, done, first := make([][]float64, 4), 0, stems()
		err := first.Each(t.Context(), func(source int, block [][]float64) error {
			for c, y := range block {
				whole[2*source+c] = append(whole[2*source+c], y...)
			}
			if source == 0 {
				return nil
			}
			mark, err := first.Mark()
			done += len(block[0])
			marks, at = append(marks, mark), append(at, done)
			return err
		})
		if err != nil || len(marks) < keepEvery+3 {
			t.Fatalf("%+v: %d marks, %v; want more", p, len(marks), err)
		}
		last := len(marks) - 1
		if at[last] != len(long.Data[0]) || marks[0] != nil || marks[keepEvery] == nil || !bytes.Equal(marks[keepEvery], marks[keepEvery+1]) {
			t.Errorf("%+v: the last mark is at sample %d of %d, or marks are not of each %dth chunk", p, at[last], len(long.Data[0]), keepEvery)
		}
		for _, i := range []int{0, 1, keepEvery - 1, keepEvery, keepEvery + 1, last - 1} {
			from, got := at[i], make([][]float64, 4)
			err := stems().EachFrom(t.Context(), from, marks[i], func(source int, block [][]float64) error {
				for c, y := range block {
					got[2*source+c] = append(got[2*source+c], y...)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			for r := range got {
				if !slices.Equal(got[r], whole[r][from:]) {
					t.Errorf("%+v: from sample %d on source %d, channel %d is another", p, from, r/2, r%2)
				}
			}
		}
		if err := stems().EachFrom(t.Context(), at[last], marks[last][:len(marks[last])/2], nil); err == nil {
			t.Errorf("%+v: half a mark is taken", p)
		}
	}
}
