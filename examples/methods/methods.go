package main

import (
	"context"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/factorizers"
	"github.com/audiosep/audiosep/metrics"
	"github.com/audiosep/audiosep/separators"
	"github.com/audiosep/audiosep/transforms"
)

// method makes two parts of a recording. An ideal one is told the true ones; a slow one runs when
// it is named.
type method struct {
	name  string
	ideal bool
	slow  bool
	run   func(ctx context.Context, mix *audiosep.Signal, refs []audiosep.Source) ([]*audiosep.Signal, error)
}

// all are the methods, each with its defaults where nothing is said.
var all = []method{
	{name: "hpss", run: direct(func() (separator, error) {
		s, err := separators.NewHPSS(separators.DefaultHPSS())
		return func(ctx context.Context, x audiosep.Spectra) (audiosep.Stems, error) { return s.Separate(x), nil }, err
	})},
	{name: "kam", run: direct(func() (separator, error) {
		p := separators.DefaultKAM()
		p.Sources = []string{"harmonic", "percussive"}
		s, err := separators.NewKAM(p)
		return func(ctx context.Context, x audiosep.Spectra) (audiosep.Stems, error) { return s.Separate(x), nil }, err
	})},
	{name: "repet", run: direct(func() (separator, error) { return background(separators.NewREPET(separators.DefaultREPET())) })},
	{name: "repet_sim", run: direct(func() (separator, error) { return background(separators.NewREPETSim(separators.DefaultREPETSim())) })},
	{name: "ft2d", run: direct(func() (separator, error) { return background(separators.NewFT2D(separators.DefaultFT2D())) })},
	{name: "rpca", run: direct(func() (separator, error) { return background(separators.NewRPCA(separators.DefaultRPCA())) })},
	{name: "kl_nmf", run: direct(func() (separator, error) { return factored(klNMF, 2), nil })},
	{name: "online_nmf", run: direct(func() (separator, error) { return factored(onlineNMF, 1), nil })},
	{name: "nmfd", run: direct(func() (separator, error) { return factored(nmfd, 2), nil })},
	{name: "nmf2d", slow: true, run: direct(func() (separator, error) { return factored(nmf2d, 2), nil })},
	{name: "ideal", ideal: true, run: ideal},
}

// separator makes stems of spectra.
type separator func(ctx context.Context, x audiosep.Spectra) (audiosep.Stems, error)

// direct separates the STFT of a recording, frames of 46 ms.
func direct(build func() (separator, error)) func(context.Context, *audiosep.Signal, []audiosep.Source) ([]*audiosep.Signal, error) {
	return func(ctx context.Context, mix *audiosep.Signal, _ []audiosep.Source) ([]*audiosep.Signal, error) {
		length, overlap := 46.44, 0.75 // 2048 samples at 44.1 kHz
		frame := transforms.DefaultFrame()
		frame.LengthMS, frame.Overlap, frame.Window = &length, &overlap, "hann"
		x, err := transforms.STFT(ctx, mix, frame)
		if err != nil {
			return nil, err
		}
		separate, err := build()
		if err != nil {
			return nil, err
		}
		stems, err := separate(ctx, x)
		if err != nil {
			return nil, err
		}
		return audiosep.Collect(ctx, stems)
	}
}

// background separates by one of the stages that tell background from foreground.
func background[S interface {
	Run(context.Context, audiosep.Env, separators.BackgroundIn) (separators.BackgroundOut, error)
}](s S, err error) (separator, error) {
	return func(ctx context.Context, x audiosep.Spectra) (audiosep.Stems, error) {
		out, err := s.Run(ctx, audiosep.Env{Seed: 1}, separators.BackgroundIn{Coefs: x})
		return out.Sources, err
	}, err
}

// factored separates by masks of factors, whose powers have an exponent in them.
func factored(factorize func(ctx context.Context, p audiosep.Power) (*audiosep.Factors, error), exponent float64) separator {
	return func(ctx context.Context, x audiosep.Spectra) (audiosep.Stems, error) {
		f, err := factorize(ctx, audiosep.PowerOf(x, nil))
		if err != nil {
			return nil, err
		}
		p := separators.DefaultWiener()
		p.Exponent = exponent
		s, err := separators.NewWiener(p)
		if err != nil {
			return nil, err
		}
		return audiosep.Separate(ctx, audiosep.Env{}, s, x, f)
	}
}

func klNMF(ctx context.Context, v audiosep.Power) (*audiosep.Factors, error) {
	p := factorizers.DefaultKLNMF()
	p.Rank, p.Power = 2, 1
	s, err := factorizers.NewNMF(1, p)
	if err != nil {
		return nil, err
	}
	return audiosep.Factorize(ctx, audiosep.Env{Seed: 1}, s, v, nil)
}

// onlineNMF is IS-NMF in batches, and the activations of its spectra.
func onlineNMF(ctx context.Context, v audiosep.Power) (*audiosep.Factors, error) {
	p := factorizers.DefaultOnlineNMF()
	p.Rank = 2
	s, err := factorizers.NewOnlineNMF(p)
	if err != nil {
		return nil, err
	}
	out, err := s.Run(ctx, audiosep.Env{Seed: 1}, factorizers.OnlineNMFIn{Power: []audiosep.Power{v}})
	if err != nil {
		return nil, err
	}
	a, err := factorizers.NewActivations(factorizers.DefaultActivations())
	if err != nil {
		return nil, err
	}
	return audiosep.Activate(ctx, audiosep.Env{}, a, v, out.Factors)
}

func nmfd(ctx context.Context, v audiosep.Power) (*audiosep.Factors, error) {
	p := factorizers.DefaultNMFD()
	p.Rank = 2
	s, err := factorizers.NewNMFD(p)
	if err != nil {
		return nil, err
	}
	out, err := s.Run(ctx, audiosep.Env{Seed: 1}, factorizers.NMFDIn{Power: v})
	return out.Factors, err
}

func nmf2d(ctx context.Context, v audiosep.Power) (*audiosep.Factors, error) {
	s, err := factorizers.NewNMF2D(factorizers.DefaultNMF2D())
	if err != nil {
		return nil, err
	}
	out, err := s.Run(ctx, audiosep.Env{Seed: 1}, factorizers.NMF2DIn{Power: v})
	return out.Factors, err
}

// ideal separates by the mask of the true parts' powers.
func ideal(ctx context.Context, mix *audiosep.Signal, refs []audiosep.Source) ([]*audiosep.Signal, error) {
	masked, err := metrics.Ideal(ctx, refs, mix, metrics.IRM)
	if err != nil {
		return nil, err
	}
	var parts []*audiosep.Signal
	for _, m := range masked {
		s, err := audiosep.ReadAll(ctx, m)
		if err != nil {
			return nil, err
		}
		parts = append(parts, s)
	}
	return parts, nil
}
