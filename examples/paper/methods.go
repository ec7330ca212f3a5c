package main

import (
	"context"
	"embed"
	"fmt"
	"sync"

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
	source, sink := &spec.Stages[0], &spec.Stages[len(spec.Stages)-1]
	source.Use, source.Params = "recordings", nil
	sink.Use, sink.Params = "keep", nil

	kept := &keeper{rate: recordings.Rate}
	registry := pipeline.NewRegistry(audio.Stages, transforms.Stages, factorizers.Stages, separators.Stages, []audiosep.Definition{
		audiosep.Define("recordings", "Recordings in memory.", struct{}{},
			func(struct{}) (audiosep.Source, error) { return recordings, nil }),
		audiosep.Define("keep", "Keeps the sources in memory.", struct{}{},
			func(struct{}) (audiosep.Sink, error) { return kept, nil }),
	})
	p, err := pipeline.Check(spec, registry)
	if err != nil {
		return nil, err
	}
	if err := p.Run(ctx, pipeline.Options{Watcher: kept}); err != nil {
		return nil, fmt.Errorf("%s: %w", m.Name, err)
	}
	return &kept.outcome, nil
}

// keeper is a sink that keeps the sources, and a watcher that keeps what was learnt.
type keeper struct {
	rate int
	mu   sync.Mutex
	outcome
}

func (k *keeper) Create(_ context.Context, _ audiosep.Env, h audiosep.Head, sources []string) error {
	for range sources {
		k.Sources = append(k.Sources, &audiosep.Signal{Rate: k.rate, Channels: h.Channels, Data: make([][]float64, h.Layers())})
	}
	return nil
}

func (k *keeper) Write(_ context.Context, source int, block [][]float64) error {
	for layer, samples := range block {
		data := k.Sources[source].Data
		data[layer] = append(data[layer], samples...)
	}
	return nil
}

func (k *keeper) Commit(context.Context) error { return nil }
func (k *keeper) Close() error                 { return nil }

func (k *keeper) Step(string, audiosep.Step) {}

// Port keeps the last transform and the last factors of a pipeline, which are those
// that its separator uses.
func (k *keeper) Port(_ pipeline.Ref, _ audiosep.Cargo, value any) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch v := value.(type) {
	case audiosep.Framing:
		k.Framing = v
	case *audiosep.Factors:
		k.Model.Factors = v
	case audiosep.Transform:
		k.Model.Transform = v
	}
}
