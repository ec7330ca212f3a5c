package main

import (
	"context"
	"embed"
	"fmt"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/factorizers"
	"github.com/audiosep/audiosep/pipeline"
	"github.com/audiosep/audiosep/separators"
	"github.com/audiosep/audiosep/transforms"
)

// A method is one of the pipelines beside this program, with a few parameters set.
type method struct {
	Name string
	File string
	Set  []string // STAGE.PARAMETER=VALUE
}

// with returns m under another name with more parameters set.
func (m method) with(name string, set ...string) method {
	return method{name, m.File, append(append([]string(nil), m.Set...), set...)}
}

// Command returns what runs the method by itself.
func (m method) Command() string {
	s := "audiosep run examples/paper/" + m.File
	for _, set := range m.Set {
		s += " --set " + set
	}
	return s
}

//go:embed *.json
var specs embed.FS

// outcome is what a method makes of recordings.
type outcome struct {
	Framing audiosep.Framing
	Model   audiosep.Model
	Sources []*audiosep.Signal // estimates, one layer a realisation
}

// run separates recordings. The pipeline is that of the file, but for its two ends: the
// recordings come from memory and the sources stay there.
func (m method) run(ctx context.Context, seed uint64, recordings *audiosep.Signal) (*outcome, error) {
	text, err := specs.ReadFile(m.File)
	if err != nil {
		return nil, err
	}
	spec, err := pipeline.Parse(m.File, text)
	if err != nil {
		return nil, err
	}
	for _, set := range m.Set {
		spec.Set(set)
	}
	spec.Seed = seed
	p, err := pipeline.Check(spec, pipeline.NewRegistry(audio.Stages, transforms.Stages, factorizers.Stages, separators.Stages))
	if err != nil {
		return nil, err
	}
	result, err := p.RunInMemory(ctx, recordings, pipeline.Options{})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.Name, err)
	}
	out := &outcome{Sources: result.Stems}
	out.Framing, _ = pipeline.Last[audiosep.Framing](result)
	out.Model.Factors, _ = pipeline.Last[*audiosep.Factors](result)
	out.Model.Transform, _ = pipeline.Last[audiosep.Transform](result)
	return out, nil
}
