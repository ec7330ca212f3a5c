// Command audiosep-plugin-gain makes a recording louder or softer.
package main

import (
	"context"
	"math"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/plugins"
)

type gain struct {
	DB float64 `json:"db" min:"-120" max:"120" unit:"dB" doc:"How much louder, or softer if it is negative."`
}

type audio struct {
	Audio audiosep.Source `port:"audio"`
}

// Run says what is to be done; it is done when the samples are read.
func (g gain) Run(_ context.Context, _ audiosep.Env, in audio) (audio, error) {
	return audio{louder{in.Audio, math.Pow(10, g.DB/20)}}, nil
}

type louder struct {
	audiosep.Source // its head is that of the recording
	by              float64
}

func (l louder) ReadAt(ctx context.Context, dst [][]float64, at int) error {
	if err := l.Source.ReadAt(ctx, dst, at); err != nil {
		return err
	}
	for _, layer := range dst {
		for i := range layer {
			layer[i] *= l.by
		}
	}
	return nil
}

func main() {
	build := func(g gain) (gain, error) { return g, nil }
	plugins.Serve(audiosep.Define("gain", "Multiplies all samples by one number.", gain{DB: -6}, build, audiosep.Lazy, audiosep.Local))
}
