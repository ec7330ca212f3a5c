package main

import (
	"context"
	"fmt"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
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
		methodRow("methods/kam", "kam, one iteration", func(ctx context.Context, x audiosep.Spectra) error {
			p := separators.DefaultKAM()
			p.Iterations = 1
			s, err := separators.NewKAM(p)
			if err != nil {
				return err
			}
			return drain(ctx, s.Separate(x))
		}),
		ensembleRow(), mdctRow(), highPassRow(),
		methodRow("methods/nmf2d", "nmf2d, 2 instruments, 30 iterations", func(ctx context.Context, x audiosep.Spectra) error {
			p := factorizers.DefaultNMF2D()
			p.Restarts, p.Iterations, p.Tol = 1, 30, 0
			s, err := factorizers.NewNMF2D(p)
			if err != nil {
				return err
			}
			_, err = s.Run(ctx, audiosep.Env{Seed: 1}, factorizers.NMF2DIn{Power: audiosep.PowerOf(x, nil)})
			return err
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

// mdctRow cuts a recording into frames, transforms them, and joins them again.
func mdctRow() benchRow {
	return benchRow{
		name: "methods/mdct", doc: fmt.Sprintf("mdct and its inverse, of %d s of mono at %g kHz, frames of 2048 every 1024", methodSeconds, methodRate/1000.0),
		work: benchWork{sound: methodSeconds},
		prepare: func(ctx context.Context) (func() (benchRun, error), error) {
			x := music(1, methodRate, 1, methodSeconds*methodRate)
			h, err := x.Head(ctx)
			if err != nil {
				return nil, err
			}
			f, err := transforms.Frame(2048, 0.5, "sine").Framing(ctx, h)
			if err != nil {
				return nil, err
			}
			out, err := transforms.MDCT{}.Run(ctx, audiosep.Env{}, transforms.MDCTIn{Frames: &audiosep.Framed{Source: x, Framing: f}})
			all := func(_ context.Context, dst [][]audiosep.Coefs, x *audiosep.Spectrogram, _, _ int) error {
				for l, mix := range x.Layers {
					copy(dst[0][l].Re, mix.Re)
				}
				return nil
			}
			return func() (benchRun, error) {
				return benchRun{}, drain(ctx, audiosep.Separated(out.Coefs, []string{"all"}, 0, all))
			}, err
		},
	}
}

// highPassRow filters a recording.
func highPassRow() benchRow {
	return benchRow{
		name: "methods/high_pass", doc: fmt.Sprintf("high_pass at 100 Hz, of %d s of mono at %g kHz", methodSeconds, methodRate/1000.0),
		work: benchWork{sound: methodSeconds},
		prepare: func(ctx context.Context) (func() (benchRun, error), error) {
			x := music(1, methodRate, 1, methodSeconds*methodRate)
			return func() (benchRun, error) {
				s, err := audio.NewHighPass(audio.PassParams{Frequency: 100})
				if err != nil {
					return benchRun{}, err
				}
				out, err := s.Run(ctx, audiosep.Env{}, audio.In{Audio: x})
				if err != nil {
					return benchRun{}, err
				}
				block := [][]float64{make([]float64, 1<<16)}
				for at := 0; at < len(x.Data[0]); at += len(block[0]) {
					if err := out.Audio.ReadAt(ctx, block, at); err != nil {
						return benchRun{}, err
					}
				}
				return benchRun{}, nil
			}, nil
		},
	}
}

// ensembleRow takes the medians of three separations that have their stems in other orders.
func ensembleRow() benchRow {
	return benchRow{
		name: "methods/ensemble", doc: fmt.Sprintf("ensemble, medians of 3 separations into 4 stems, of %d s of mono at %g kHz", methodSeconds, methodRate/1000.0),
		work: benchWork{sound: methodSeconds},
		prepare: func(context.Context) (func() (benchRun, error), error) {
			names, all := []string{"a", "b", "c", "d"}, make([]audiosep.Stems, 3)
			for i := range all {
				var signals []*audiosep.Signal
				for j := range names {
					signals = append(signals, music(uint64(1+(i+j)%len(names)), methodRate, 1, methodSeconds*methodRate))
				}
				var err error
				if all[i], err = audiosep.NewStems(names, signals); err != nil {
					return nil, err
				}
			}
			return func() (benchRun, error) {
				stems, _, err := separators.Combine(context.Background(), separators.EnsembleParams{Combine: "median"}, all)
				if err != nil {
					return benchRun{}, err
				}
				return benchRun{}, drain(context.Background(), stems)
			}, nil
		},
	}
}

// drain computes stems and keeps nothing.
func drain(ctx context.Context, s audiosep.Stems) error {
	return s.Each(ctx, func(int, [][]float64) error { return nil })
}
