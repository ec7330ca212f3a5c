package pipeline

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/counted"
)

// Result is what a run in memory leaves.
type Result struct {
	Names  []string           // of the sources
	Stems  []*audiosep.Signal // one for each name
	Passed []Passed           // what passed the outputs of stages, in order
}

// Passed is a value that passed an output, as a [Watcher] is given it.
type Passed struct {
	Ref   Ref
	Cargo audiosep.Cargo
	Value any
}

// Last returns the last value of type T that passed an output, such as the factors that a
// mask used, and whether there was one.
func Last[T any](r *Result) (value T, ok bool) {
	for _, p := range slices.Backward(r.Passed) {
		if value, ok = p.Value.(T); ok {
			return value, true
		}
	}
	return value, false
}

// RunInMemory is Run with other ends: src takes the place of the one stage that makes audio
// of nothing, and what the one stage that takes sources would write is returned. A nil src
// leaves the first as it is.
func (p *Pipeline) RunInMemory(ctx context.Context, src audiosep.Source, o Options) (*Result, error) {
	kept := &keeper{next: o.Watcher}
	ends := &Pipeline{Name: p.Name, Seed: p.Seed, byID: map[string]*stage{}, states: p.states}
	sources, sinks := 0, 0
	for _, st := range p.stages {
		own := *st
		switch {
		case src != nil && makesAudio(st.def):
			sources++
			replace(&own, src)
		case takesSources(st.def):
			sinks++
			replace(&own, audiosep.Sink(kept))
		}
		ends.stages = append(ends.stages, &own)
		ends.byID[own.id] = &own
	}
	if sinks != 1 || src != nil && sources != 1 {
		return nil, fmt.Errorf("the pipeline has %s that make audio and %d that write sources; want one of each to put memory in their places", counted.Of(sources, "stage"), sinks)
	}
	o.Watcher = kept
	if src != nil {
		o.Cache = nil // it would take src for the files that the spec names
	}
	if err := ends.Run(ctx, o); err != nil {
		return nil, err
	}
	return &kept.Result, nil
}

// replace puts another stage, of the interface S, in the place of st.
func replace[S any](st *stage, impl S) {
	shape, err := audiosep.ShapeOf[S]()
	if err != nil {
		panic(err)
	}
	st.def.Shape, st.impl = shape, impl
}

// makesAudio tells whether a stage makes audio of nothing.
func makesAudio(d audiosep.Definition) bool {
	return len(d.In) == 0 && len(d.Out) == 1 && d.Out[0].Cargo == audiosep.CargoAudio
}

// takesSources tells whether a stage takes sources and makes nothing.
func takesSources(d audiosep.Definition) bool {
	return len(d.Out) == 0 && len(d.In) == 1 && d.In[0].Cargo == audiosep.CargoSources
}

// keeper is the sink and the watcher of a run in memory.
type keeper struct {
	next Watcher
	mu   sync.Mutex
	Result
}

func (k *keeper) Create(_ context.Context, _ audiosep.Env, h audiosep.Head, sources []string) error {
	k.Names = sources
	for range sources {
		s := &audiosep.Signal{Rate: h.Rate, Channels: h.Channels, Data: make([][]float64, h.Layers())}
		for l := range s.Data {
			s.Data[l] = make([]float64, 0, h.Samples)
		}
		k.Stems = append(k.Stems, s)
	}
	return nil
}

func (k *keeper) Write(_ context.Context, source int, block [][]float64) error {
	for l, x := range block {
		k.Stems[source].Data[l] = append(k.Stems[source].Data[l], x...)
	}
	return nil
}

func (k *keeper) Commit(context.Context) error { return nil }
func (k *keeper) Close() error                 { return nil }

func (k *keeper) Port(r Ref, c audiosep.Cargo, value any) {
	k.mu.Lock()
	k.Passed = append(k.Passed, Passed{r, c, value})
	k.mu.Unlock()
	if k.next != nil {
		k.next.Port(r, c, value)
	}
}

func (k *keeper) Step(stage string, s audiosep.Step) {
	if k.next != nil {
		k.next.Step(stage, s)
	}
}
