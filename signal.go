package audiosep

import (
	"context"
	"fmt"

	"github.com/audiosep/audiosep/internal/counted"
)

// Signal is a recording in memory: a [Source] for tests, for synthetic sound and
// for programs that have their samples already.
type Signal struct {
	Rate     int         // Hz
	Channels int         // C; 0 means 1
	Data     [][]float64 // [layer][sample], all of one length
}

// Head describes the signal. It is an error if the layers differ in length or do
// not make whole realisations of Channels each.
func (s *Signal) Head(context.Context) (Head, error) {
	c := max(1, s.Channels)
	if len(s.Data) == 0 || len(s.Data)%c != 0 {
		return Head{}, &ShapeError{"the signal", counted.Of(len(s.Data), "layer"), fmt.Sprintf("a multiple of its %s", counted.Of(c, "channel"))}
	}
	for l, d := range s.Data {
		if len(d) != len(s.Data[0]) {
			return Head{}, &ShapeError{fmt.Sprintf("layer %d", l), counted.Of(len(d), "sample"), fmt.Sprint(len(s.Data[0]))}
		}
	}
	return Head{Rate: s.Rate, Samples: len(s.Data[0]), Channels: c, Realisations: len(s.Data) / c}, nil
}

// ReadAt fills dst[layer] with the samples from at on, zeros outside the recording.
func (s *Signal) ReadAt(_ context.Context, dst [][]float64, at int) error {
	for l, d := range dst {
		clear(d)
		if from := max(0, -at); from < len(d) && at+from < len(s.Data[l]) {
			copy(d[from:], s.Data[l][at+from:])
		}
	}
	return nil
}

// ReadAll reads a whole recording into memory.
func ReadAll(ctx context.Context, src Source) (*Signal, error) {
	h, err := src.Head(ctx)
	if err != nil {
		return nil, err
	}
	s := &Signal{Rate: h.Rate, Channels: h.Channels, Data: resize(nil, h.Layers(), h.Samples)}
	if err := src.ReadAt(ctx, s.Data, 0); err != nil {
		return nil, err
	}
	return s, nil
}
