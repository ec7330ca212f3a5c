package main

import (
	"context"
	"fmt"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/nets"
)

// The size of the rows of networks.
const netSeconds, netRate = 30, 16000

// netRows times what networks make of one channel.
func netRows() []benchRow {
	sound := func() *audiosep.Signal { // when it is run, as rows are made for -h too
		return &audiosep.Signal{Rate: netRate, Data: [][]float64{noise(1, netSeconds*netRate)}}
	}
	return []benchRow{{
		name: "net/denoise", doc: fmt.Sprintf("GTCRN, %d s of one channel at %d kHz", netSeconds, netRate/1000),
		work: benchWork{sound: netSeconds},
		prepare: func(ctx context.Context) (func() (benchRun, error), error) {
			s, err := nets.NewDenoise(nets.DefaultDenoise())
			if err != nil {
				return nil, err
			}
			stems, err := s.Separate(ctx, sound())
			return func() (benchRun, error) { return benchRun{}, drain(ctx, stems) }, err
		},
	}, {
		name: "net/transcribe", doc: fmt.Sprintf("Basic Pitch, %d s", netSeconds),
		work: benchWork{sound: netSeconds},
		prepare: func(ctx context.Context) (func() (benchRun, error), error) {
			s, err := nets.NewTranscribe(nets.DefaultTranscribe())
			sound := sound()
			return func() (benchRun, error) {
				_, err := s.Notes(ctx, audiosep.Env{}, sound)
				return benchRun{}, err
			}, err
		},
	}}
}
