package nets

import (
	"context"
	"errors"
	"testing"

	"github.com/audiosep/audiosep"
)

// broken is a recording that cannot be read from a sample on.
type broken struct {
	*audiosep.Signal
	from  int
	fault func() error
}

func (b *broken) ReadAt(ctx context.Context, dst [][]float64, at int) error {
	if at+len(dst[0]) > b.from {
		return b.fault()
	}
	return b.Signal.ReadAt(ctx, dst, at)
}

// A recording that cannot be read to its end is never taken for a shorter one, whoever comes first: those who
// hear that there is no further chunk, or those who hear why.
func TestDenoiseTellsWhyItEnds(t *testing.T) {
	bad := errors.New("bad")
	s, err := NewDenoise(DefaultDenoise())
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range []func() error{func() error { return bad }, func() error { panic(bad) }} {
		for range 100 {
			x := &audiosep.Signal{Rate: 16000, Channels: 1, Data: [][]float64{make([]float64, 6000)}}
			stems, err := s.Separate(t.Context(), &broken{x, 0, fault})
			if err != nil {
				t.Fatal(err)
			}
			if err := stems.Each(t.Context(), func(int, [][]float64) error { return nil }); err == nil {
				t.Fatal("it ends without a word")
			}
		}
	}
	stems, err := s.Separate(t.Context(), &audiosep.Signal{Rate: 16000, Channels: 1, Data: [][]float64{make([]float64, 6000)}})
	if err != nil {
		t.Fatal(err)
	}
	if mark, err := stems.(audiosep.ResumableStems).Mark(); mark != nil || err != nil {
		t.Errorf("before the first block there is the mark %v, %v; want none", mark, err)
	}
}
