package main

import (
	"context"
	"fmt"

	"gonum.org/v1/gonum/floats"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/multichannel"
	"github.com/audiosep/audiosep/transforms"
)

// The size of the rows of several microphones.
const roomChannels, roomSeconds, roomRate, roomIterations, fastIterations, roomRank = 4, 30, 16000, 30, 10, 4

// roomRows times what learns to demix.
func roomRows() []benchRow {
	var rows []benchRow
	for _, update := range []string{"ip1", "ip2", "iss1"} {
		p := multichannel.DefaultIVA()
		p.Update, p.Iterations = update, roomIterations
		rows = append(rows, roomRow("iva/"+update, "AuxIVA of model gauss", roomIterations, func() (learner, error) { return multichannel.NewIVA(p) }))
	}
	for _, update := range []string{"ip1", "iss1"} {
		p := multichannel.DefaultILRMA()
		p.Update, p.Iterations, p.Rank, p.Warm, p.Restarts = update, roomIterations, roomRank, 0, 1
		rows = append(rows, roomRow("ilrma/"+update, fmt.Sprintf("ILRMA, K %d", roomRank), roomIterations, func() (learner, error) { return multichannel.NewILRMA(p) }))
	}
	for _, update := range []string{"ip1", "ip2"} {
		p := multichannel.DefaultFastMNMF()
		p.Update, p.Iterations, p.Rank, p.Warm = update, fastIterations, roomRank, 0
		rows = append(rows, roomRow("fast_mnmf/"+update, fmt.Sprintf("FastMNMF2, K %d", roomRank), fastIterations, func() (learner, error) { return multichannel.NewFastMNMF(p) }))
	}
	return rows
}

// learner is what has learnt all when it has run.
type learner interface {
	Run(context.Context, audiosep.Env, multichannel.In) (multichannel.Out, error)
}

func roomRow(name, what string, iterations int, build func() (learner, error)) benchRow {
	return benchRow{
		name: name, doc: fmt.Sprintf("%s, %d iterations from the STFT of %d channels, %d s at %d kHz, frames of 2048 every 512", what, iterations, roomChannels, roomSeconds, roomRate/1000),
		prepare: func(ctx context.Context) (func() (benchRun, error), error) {
			s, err := roomMixture(ctx)
			if err != nil {
				return nil, err
			}
			x, err := transforms.STFT(ctx, s, transforms.Frame(2048, 0.75, "hann"))
			if err != nil {
				return nil, err
			}
			stage, err := build()
			return func() (benchRun, error) {
				_, err := stage.Run(ctx, audiosep.Env{Seed: 1}, multichannel.In{Coefs: x})
				return benchRun{}, err
			}, err
		},
	}
}

// roomMixture is as many sources of noise as microphones in the room that mix_room has by default.
func roomMixture(ctx context.Context) (*audiosep.Signal, error) {
	p := multichannel.DefaultMixRoom()
	p.Microphones = roomChannels
	var dry [][]float64
	for c := range roomChannels {
		dry = append(dry, noise(uint64(c), roomSeconds*roomRate))
	}
	images, err := p.Images(ctx, dry, roomRate)
	if err != nil {
		return nil, err
	}
	sum := images[0]
	for _, im := range images[1:] {
		for c, x := range im.Data {
			floats.Add(sum.Data[c], x)
		}
	}
	return sum, nil
}
