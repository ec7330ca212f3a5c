package stages_test

import (
	"context"
	"fmt"
	"math"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/pipeline"
	"github.com/audiosep/audiosep/stages"
)

// absolute is a stage of a program's own: its parameters, then what it takes and gives, then what it does.
type absolute struct {
	Floor float64 `json:"floor" min:"0" max:"1" doc:"Samples below are 0."`
}

type sound struct {
	Audio audiosep.Source `port:"audio"`
}

func (p absolute) Run(ctx context.Context, _ audiosep.Env, in sound) (sound, error) {
	s, err := audiosep.ReadAll(ctx, in.Audio)
	if err != nil {
		return sound{}, err
	}
	for _, channel := range s.Data {
		for i, v := range channel {
			if channel[i] = math.Abs(v); channel[i] < p.Floor {
				channel[i] = 0
			}
		}
	}
	return sound{s}, nil
}

// A program runs a pipeline of stages that audiosep has and of one of its own.
func Example() {
	mine := []audiosep.Definition{audiosep.Define("absolute", "The absolute values of all samples.", absolute{Floor: 0.01},
		func(p absolute) (absolute, error) { return p, nil })}
	registry := pipeline.NewRegistry(stages.All(), mine)
	spec, err := pipeline.Parse("pipeline.json", []byte(`{
		"audiosep": 1,
		"stages": [
			{"use": "synth_notes", "params": {"realisations": 1}},
			{"use": "absolute", "params": {"floor": 0.5}},
			{"use": "frame", "params": {"length_ms": 40}},
			{"use": "stft"},
			{"use": "hpss"},
			{"use": "write_audio", "params": {"pattern": "{source}.wav"}}
		]
	}`))
	if err != nil {
		fmt.Println(err) // every fault, with line and column
		return
	}
	p, err := pipeline.Check(spec, registry)
	if err != nil {
		fmt.Println(err)
		return
	}
	// p.Run(ctx, pipeline.Options{}) writes the stems to files; here they stay in memory.
	result, err := p.RunInMemory(context.Background(), nil, pipeline.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.Names)
	// Output: [harmonic percussive]
}
