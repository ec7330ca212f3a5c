package audio

import (
	"context"
	"slices"
	"sync"

	"github.com/audiosep/audiosep"
)

var downmixStage = audiosep.Define("downmix", "Takes the mean of the channels, so that one is left.", struct{}{},
	func(struct{}) (Downmix, error) { return Downmix{}, nil }, audiosep.Lazy)

// Downmix is the stage downmix.
type Downmix struct{}

// Run returns the mean of the channels of each realisation.
func (Downmix) Run(ctx context.Context, _ audiosep.Env, in In) (Out, error) {
	h, err := in.Audio.Head(ctx)
	if err != nil {
		return Out{}, err
	}
	m := &downmixed{src: in.Audio, in: h, head: h}
	m.head.Channels, m.head.Speakers = 1, 0
	return Out{m}, nil
}

// downmixPiece is how many samples of all channels are read at a time at most.
const downmixPiece = 1 << 13

// addingWork is what it takes to read and add a sample, measured, in operations as audiosep.Needs counts them.
const addingWork = 150

// Needs says what it takes: for each thread a piece of all channels.
func (Downmix) Needs(e audiosep.Extent) audiosep.Needs {
	return audiosep.Needs{
		Streams:    int64(max(1, e.Threads)) * 8 * int64(e.Layers()) * int64(min(downmixPiece, e.Samples)),
		Operations: addingWork * float64(e.Layers()) * float64(e.Samples),
	}
}

type downmixed struct {
	src      audiosep.Source
	in, head audiosep.Head
	pieces   sync.Pool // of *[][]float64, all channels of what is read
}

func (m *downmixed) Head(context.Context) (audiosep.Head, error) { return m.head, nil }

func (m *downmixed) ReadAt(ctx context.Context, dst [][]float64, at int) error {
	all, ok := m.pieces.Get().(*[][]float64)
	if !ok {
		all = new(make([][]float64, m.in.Layers()))
	}
	defer m.pieces.Put(all)
	c := m.in.Channels
	for from := 0; from < len(dst[0]); from += downmixPiece {
		n := min(downmixPiece, len(dst[0])-from)
		for l, x := range *all {
			(*all)[l] = slices.Grow(x[:0], n)[:n]
		}
		if err := m.src.ReadAt(ctx, *all, at+from); err != nil {
			return err
		}
		for r, d := range dst {
			for i := range n {
				sum := 0.0
				for _, x := range (*all)[r*c : (r+1)*c] {
					sum += x[i]
				}
				d[from+i] = sum / float64(c)
			}
		}
	}
	return nil
}
