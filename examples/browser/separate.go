// Command browser makes a page that separates recordings in the browser, by presets, with
// nothing but static files: what is opened never leaves the machine.
package main

import (
	"bytes"
	"context"
	"fmt"
	"slices"

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

// offered are the presets that read one recording, write its stems alone, and are told nothing by
// files.
var offered = []string{"hpss", "denoise", "blind", "notes", "stereo", "talkers"}

// load returns the pipeline of a preset that is offered.
func load(name string) (*pipeline.Spec, error) {
	text, ok := presets.Read(name)
	if !ok || !slices.Contains(offered, name) {
		return nil, fmt.Errorf("preset %q is not offered here; want one of %q", name, offered)
	}
	return pipeline.Parse(name+".json", text)
}

// stem is a file that was made.
type stem struct {
	name string
	file []byte
}

// separate runs a preset on a sound file and returns its stems as WAV files of 32-bit floats.
func separate(ctx context.Context, preset, file string, content []byte, options map[string]string, o pipeline.Options) ([]stem, error) {
	x, _, err := audio.Decode(bytes.NewReader(content), int64(len(content)), file)
	if err != nil {
		return nil, err
	}
	spec, err := load(preset)
	if err != nil {
		return nil, err
	}
	spec.SetInput("recording", file)
	for _, option := range spec.Options {
		if value := options[option.Name]; value != "" {
			spec.SetOption(option, value)
		}
	}
	p, err := pipeline.Check(spec, pipeline.NewRegistry(audio.Stages, transforms.Stages, factorizers.Stages, separators.Stages, multichannel.Stages, notes.Stages, nets.Stages))
	if err != nil {
		return nil, err
	}
	result, err := p.RunInMemory(ctx, x, o)
	if err != nil {
		return nil, err
	}
	return encoded(audio.Names([]string{file})[0], result)
}

// encoded makes files of stems.
func encoded(recording string, r *pipeline.Result) (stems []stem, err error) {
	for i, s := range r.Stems {
		name := fmt.Sprintf("%s-%s.wav", recording, r.Names[i])
		file, err := audio.Encode(name, s, "float32")
		if err != nil {
			return nil, err
		}
		stems = append(stems, stem{name, file})
	}
	return stems, nil
}

// watcher hands on how far a run has come.
type watcher func(stage string, done, of int)

func (w watcher) Port(pipeline.Ref, audiosep.Cargo, any) {}

func (w watcher) Step(stage string, s audiosep.Step) { w(stage, s.Done, s.Of) }
