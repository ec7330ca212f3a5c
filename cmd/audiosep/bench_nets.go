package main

import (
	"context"
	"fmt"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/nets"
)

// The size of the rows of networks.
const netSeconds, netRate = 30, 16000

// netSound is what networks hear. It is made when it is run, as rows are made for -h too.
func netSound(rate int) *audiosep.Signal {
	return &audiosep.Signal{Rate: rate, Data: [][]float64{noise(1, netSeconds*rate)}}
}

// netRows times what networks make of one channel.
func netRows() []benchRow {
	return []benchRow{denoiseRow("net/denoise", "GTCRN", "gtcrn", netRate), denoiseRow("net/rnnoise", "RNNoise", "rnnoise", 3*netRate), {
		name: "net/transcribe", doc: fmt.Sprintf("Basic Pitch, %d s", netSeconds),
		work: benchWork{sound: netSeconds},
		prepare: func(ctx context.Context) (func() (benchRun, error), error) {
			s, err := nets.NewTranscribe(nets.DefaultTranscribe())
			sound := netSound(netRate)
			return func() (benchRun, error) {
				_, err := s.Notes(ctx, audiosep.Env{}, sound)
				return benchRun{}, err
			}, err
		},
	}}
}

// denoiseRow times denoise with a model.
func denoiseRow(name, called, model string, rate int) benchRow {
	return benchRow{
		name: name, doc: fmt.Sprintf("%s, %d s of one channel at %d kHz", called, netSeconds, rate/1000),
		work: benchWork{sound: netSeconds},
		prepare: func(ctx context.Context) (func() (benchRun, error), error) {
			p := nets.DefaultDenoise()
			p.Model = model
			s, err := nets.NewDenoise(p)
			if err != nil {
				return nil, err
			}
			stems, err := s.Separate(ctx, netSound(rate))
			return func() (benchRun, error) { return benchRun{}, drain(ctx, stems) }, err
		},
	}
}
