package main

import (
	"context"
	"fmt"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/factorizers"
	"github.com/audiosep/audiosep/multichannel"
	"github.com/audiosep/audiosep/nets"
	"github.com/audiosep/audiosep/notes"
	"github.com/audiosep/audiosep/pipeline"
	"github.com/audiosep/audiosep/presets"
	"github.com/audiosep/audiosep/separators"
	"github.com/audiosep/audiosep/transforms"
)

// separation is what a method does: it returns the names of stems and the stems.
type separation = func(ctx context.Context, it *item) ([]string, []*audiosep.Signal, error)

// preset runs the pipeline of a name, as audiosep run NAME does, with options that depend on the
// recording.
func preset(name string, options func(it *item) map[string]string) separation {
	return func(ctx context.Context, it *item) ([]string, []*audiosep.Signal, error) {
		text, ok := presets.Read(name)
		if !ok {
			return nil, nil, fmt.Errorf("there is no preset %q", name)
		}
		spec, err := pipeline.Parse(name, text)
		if err != nil {
			return nil, nil, err
		}
		spec.SetInput("mix", "mix.wav") // which is in memory
		for option, value := range options(it) {
			for _, o := range spec.Options {
				if o.Name == option {
					spec.SetOption(o, value)
				}
			}
		}
		p, err := pipeline.Check(spec, pipeline.NewRegistry(audio.Stages, transforms.Stages, factorizers.Stages, separators.Stages, multichannel.Stages, notes.Stages, nets.Stages))
		if err != nil {
			return nil, nil, err
		}
		r, err := p.RunInMemory(ctx, it.Mix, pipeline.Options{})
		if err != nil {
			return nil, nil, err
		}
		return r.Names, r.Stems, nil
	}
}

func noOptions(*item) map[string]string { return nil }

// blindOptions are those of the preset blind: it knows the number of stems.
func blindOptions(it *item) map[string]string {
	n := len(it.Stems)
	return map[string]string{"sources": fmt.Sprint(n), "components": fmt.Sprint(5 * n)}
}

// denoised takes speech from all else.
func denoised(ctx context.Context, it *item) ([]string, []*audiosep.Signal, error) {
	names, stems, err := preset("denoise", noOptions)(ctx, it)
	for i, name := range names { // the other stem is called as it is here
		if name == "rest" && len(it.Names) == 2 {
			names = append([]string(nil), names...)
			if names[i] = it.Names[0]; names[i] == "speech" {
				names[i] = it.Names[1]
			}
		}
	}
	return names, stems, err
}

// demixed separates by several microphones.
func demixed(build func() (demixer, error)) separation {
	return func(ctx context.Context, it *item) ([]string, []*audiosep.Signal, error) {
		length, overlap := 192.0, 0.75
		frame := transforms.DefaultFrame()
		frame.LengthMS, frame.Overlap, frame.Window = &length, &overlap, "hann"
		x, err := transforms.STFT(ctx, it.Mix, frame)
		if err != nil {
			return nil, nil, err
		}
		s, err := build()
		if err != nil {
			return nil, nil, err
		}
		out, err := s.Run(ctx, audiosep.Env{}, multichannel.In{Coefs: x})
		if err != nil {
			return nil, nil, err
		}
		stems, err := audiosep.Collect(ctx, out.Sources)
		return out.Sources.Names(), stems, err
	}
}

type demixer interface {
	Run(context.Context, audiosep.Env, multichannel.In) (multichannel.Out, error)
}

// ofRooms separate recordings of several microphones.
var ofRooms = []method{
	{name: "the first microphone alone, how many: `blind`", match: true, mono: true, run: preset("blind", blindOptions)},
	{name: "`iva`", match: true, run: demixed(func() (demixer, error) { return multichannel.NewIVA(multichannel.DefaultIVA()) })},
	{name: "`ilrma`", match: true, run: demixed(func() (demixer, error) { return multichannel.NewILRMA(multichannel.DefaultILRMA()) })},
	{name: "`fast_mnmf`", match: true, run: demixed(func() (demixer, error) { return multichannel.NewFastMNMF(multichannel.DefaultFastMNMF()) })},
}
