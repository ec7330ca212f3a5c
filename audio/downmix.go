package audio

import (
	"context"

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
	m := &downmixed{in.Audio, h, h}
	m.head.Channels, m.head.Speakers = 1, 0
	return Out{m}, nil
}

// Needs says what it takes: all channels of what is read, which are garbage then.
func (Downmix) Needs(e audiosep.Extent) audiosep.Needs {
	return audiosep.Needs{Garbage: 8 * int64(e.Layers()) * int64(e.Samples)}
}

type downmixed struct {
	src      audiosep.Source
	in, head audiosep.Head
}

func (m *downmixed) Head(context.Context) (audiosep.Head, error) { return m.head, nil }

func (m *downmixed) ReadAt(ctx context.Context, dst [][]float64, at int) error {
	all := make([][]float64, m.in.Layers())
	for l := range all {
		all[l] = make([]float64, len(dst[0]))
	}
	if err := m.src.ReadAt(ctx, all, at); err != nil {
		return err
	}
	c := m.in.Channels
	for r, d := range dst {
		for i := range d {
			sum := 0.0
			for _, x := range all[r*c : (r+1)*c] {
				sum += x[i]
			}
			d[i] = sum / float64(c)
		}
	}
	return nil
}
