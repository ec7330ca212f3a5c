// Package stages has every stage that audiosep is built with, for programs that run pipelines of any of them:
//
//	registry := pipeline.NewRegistry(stages.All(), mine)
//	spec, err := pipeline.Parse("pipeline.json", text)
//	…
//	p, err := pipeline.Check(spec, registry)
//	…
//	err = p.Run(ctx, pipeline.Options{})
//
// A program that needs a few is smaller with the lists of their packages: [transforms.Stages], [separators.Stages].
package stages

import (
	"slices"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/factorizers"
	"github.com/audiosep/audiosep/models"
	"github.com/audiosep/audiosep/multichannel"
	"github.com/audiosep/audiosep/nets"
	"github.com/audiosep/audiosep/notes"
	"github.com/audiosep/audiosep/separators"
	"github.com/audiosep/audiosep/transforms"
)

// All returns the definitions of all stages, package by package.
func All() []audiosep.Definition {
	return slices.Concat(audio.Stages, transforms.Stages, factorizers.Stages, separators.Stages, multichannel.Stages, models.Stages, notes.Stages, nets.Stages)
}
