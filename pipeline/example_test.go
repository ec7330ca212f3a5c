package pipeline_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/factorizers"
	"github.com/audiosep/audiosep/pipeline"
	"github.com/audiosep/audiosep/separators"
	"github.com/audiosep/audiosep/transforms"
)

// A program chooses the stages that its pipelines may use, reads a spec, and runs it.
func Example() {
	dir, err := os.MkdirTemp("", "stems")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)

	text := []byte(`{
		"audiosep": 1,
		"seed": 1,
		"stages": [
			{"use": "synth_notes", "params": {"realisations": 1}},
			{"use": "frame", "params": {"length_ms": 40}},
			{"use": "dct"},
			{"use": "is_nmf", "params": {"rank": 2, "iterations": 20}},
			{"use": "wiener"},
			{"use": "write_audio", "params": {"pattern": "note-{source}.wav"}}
		]
	}`)
	spec, err := pipeline.Parse("notes.json", text)
	if err != nil {
		fmt.Println(err) // every fault, with line and column
		return
	}
	spec.Out = dir
	registry := pipeline.NewRegistry(audio.Stages, transforms.Stages, factorizers.Stages, separators.Stages)
	p, err := pipeline.Check(spec, registry)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(p.Wiring())
	if err := p.Run(context.Background(), pipeline.Options{}); err != nil {
		fmt.Println(err)
		return
	}
	stems, _ := filepath.Glob(filepath.Join(dir, "*.wav"))
	for _, s := range stems {
		fmt.Println(filepath.Base(s))
	}
	// Output:
	// synth_notes  synth_notes
	// frame        frame        audio <- synth_notes.audio
	// dct          dct          frames <- frame.frames
	// is_nmf       is_nmf       power <- dct.power
	// wiener       wiener       coefs <- dct.coefs, factors <- is_nmf.factors
	// write_audio  write_audio  sources <- wiener.sources
	// note-1.wav
	// note-2.wav
}

// A stage of one's own is a value like any other: define it and add it to the registry.
func ExampleRegistry_Add() {
	reverse := audiosep.Define("reverse", "Turns each frame around.", struct{}{},
		func(struct{}) (audiosep.Transformer, error) {
			return audiosep.PerFrame(func(m int) (forward, inverse func(dst, src []float64), err error) {
				turn := func(dst, src []float64) {
					for i, y := range src {
						dst[m-1-i] = y
					}
				}
				return turn, turn, nil
			}), nil
		})
	registry := pipeline.NewRegistry(transforms.Stages)
	if err := registry.Add(reverse); err != nil {
		fmt.Println(err)
	}
	d, _ := registry.Lookup("reverse")
	fmt.Println(d.Name, d.In[0].Cargo, d.Out[0].Cargo)
	// Output: reverse frames coefs
}
