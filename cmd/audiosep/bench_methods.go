package main

import (
	"context"
	"fmt"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/factorizers"
	"github.com/audiosep/audiosep/separators"
	"github.com/audiosep/audiosep/transforms"
)

// The sound of the rows of methods.
const methodRate, methodSeconds = 44100, 30

// methodRows times what separates without being told anything: from the sound to the stems, or
// to the factors.
func methodRows() []benchRow {
	return []benchRow{
		methodRow("methods/hpss", "hpss", func(ctx context.Context, x audiosep.Spectra) error {
			s, err := separators.NewHPSS(separators.DefaultHPSS())
			if err != nil {
				return err
			}
			return drain(ctx, s.Separate(x))
		}),
		backgroundRow("repet", "repet", func() (backgroundStage, error) { return separators.NewREPET(separators.DefaultREPET()) }),
		backgroundRow("repet_sim", "repet_sim, 100 frames a second apart", func() (backgroundStage, error) { return separators.NewREPETSim(separators.DefaultREPETSim()) }),
		backgroundRow("ft2d", "ft2d", func() (backgroundStage, error) { return separators.NewFT2D(separators.DefaultFT2D()) }),
		backgroundRow("rpca", "rpca, 20 iterations", func() (backgroundStage, error) {
			p := separators.DefaultRPCA()
			p.Iterations, p.Tol = 20, 0
			return separators.NewRPCA(p)
		}),
		methodRow("methods/nmfd", "nmfd, 3 components of 8 columns, 30 iterations", func(ctx context.Context, x audiosep.Spectra) error {
			p := factorizers.DefaultNMFD()
			p.Taps, p.Iterations, p.Tol = 8, 30, 0
			s, err := factorizers.NewNMFD(p)
			if err != nil {
				return err
			}
			_, err = s.Run(ctx, audiosep.Env{Seed: 1}, factorizers.NMFDIn{Power: audiosep.PowerOf(x, nil)})
			return err
		}),
		methodRow("methods/online_nmf", "online_nmf, Itakura-Saito, K 10, batches of 256, 30 iterations each", func(ctx context.Context, x audiosep.Spectra) error {
			p := factorizers.DefaultOnlineNMF()
			p.Rank, p.Batch, p.Warm = 10, 256, 0
			s, err := factorizers.NewOnlineNMF(p)
			if err != nil {
				return err
			}
			_, err = s.Run(ctx, audiosep.Env{Seed: 1}, factorizers.OnlineNMFIn{Power: []audiosep.Power{audiosep.PowerOf(x, nil)}})
			return err
		}),
	}
}

func methodRow(name, doc string, work func(ctx context.Context, x audiosep.Spectra) error) benchRow {
	return benchRow{
		name: name, doc: fmt.Sprintf("%s, of %d s of mono at %g kHz, frames of 2048 every 512", doc, methodSeconds, methodRate/1000.0),
		work: benchWork{sound: methodSeconds},
		prepare: func(ctx context.Context) (func() (benchRun, error), error) {
			x, err := transforms.STFT(ctx, music(1, methodRate, 1, methodSeconds*methodRate), transforms.Frame(2048, 0.75, "hann"))
			return func() (benchRun, error) { return benchRun{}, work(ctx, x) }, err
		},
	}
}

// backgroundStage is any of the stages that tell background from foreground.
type backgroundStage interface {
	Run(context.Context, audiosep.Env, separators.BackgroundIn) (separators.BackgroundOut, error)
}

func backgroundRow(name, doc string, build func() (backgroundStage, error)) benchRow {
	return methodRow("methods/"+name, doc, func(ctx context.Context, x audiosep.Spectra) error {
		s, err := build()
		if err != nil {
			return err
		}
		out, err := s.Run(ctx, audiosep.Env{Seed: 1}, separators.BackgroundIn{Coefs: x})
		if err != nil {
			return err
		}
		return drain(ctx, out.Sources)
	})
}

// drain computes stems and keeps nothing.
func drain(ctx context.Context, s audiosep.Stems) error {
	return s.Each(ctx, func(int, [][]float64) error { return nil })
}
