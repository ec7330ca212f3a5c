package models

import (
	"context"

	"github.com/audiosep/audiosep"
)

// LoadParams are the parameters of the stage load_model.
type LoadParams struct {
	File string `json:"file" file:"in" doc:"A model that save_model wrote, or NumPy in the same layout."`
}

var loadStage = audiosep.Define("load_model",
	"Reads a model: a transform, a dictionary and its activations, or some of them.",
	LoadParams{}, NewLoader)

// NewLoader returns what reads the model in p.File, with [Load].
func NewLoader(p LoadParams) (audiosep.ModelReader, error) {
	if err := audiosep.CheckStruct(p); err != nil {
		return nil, err
	}
	return loader(p), nil
}

type loader LoadParams

func (l loader) ReadModel(ctx context.Context) (audiosep.Model, error) {
	if err := ctx.Err(); err != nil {
		return audiosep.Model{}, err
	}
	return Load(l.File)
}
