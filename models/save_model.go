package models

import (
	"context"
	"path/filepath"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/whole"
)

// SaveParams are the parameters of the stage save_model.
type SaveParams struct {
	File      string `json:"file" file:"out" doc:"The .npz file to write. numpy.load reads it: phi, w, h, objective, windows."`
	Overwrite bool   `json:"overwrite" doc:"Replace a file that exists; otherwise the run is refused before its work begins."`
}

var saveStage = audiosep.Define("save_model",
	"Keeps a real transform as its matrix Φ, factors W and H, and the framing they were learnt under. A complex transform, such as stft, is not kept: give this stage factors alone, and name the transform again where they are loaded.",
	SaveParams{}, NewSaver)

// NewSaver returns what writes a model to p.File, as [Write] does.
func NewSaver(p SaveParams) (audiosep.ModelWriter, error) {
	if err := audiosep.CheckStruct(p); err != nil {
		return nil, err
	}
	return &saver{p: p}, nil
}

type saver struct {
	p   SaveParams
	set whole.Set
}

// Prepare refuses a run whose model could not be kept at its end.
func (s *saver) Prepare(_ context.Context, plan audiosep.Plan) error {
	return whole.Allowed(s.p.File, s.p.Overwrite, plan.Inputs)
}

func (s *saver) WriteModel(ctx context.Context, m audiosep.Model) error {
	s.set.Overwrite = s.p.Overwrite
	return writeTo(ctx, &s.set, s.p.File, m)
}

// Writes returns the file.
func (s *saver) Writes() []string { return []string{filepath.Clean(s.p.File)} }

func (s *saver) Commit(ctx context.Context) error   { return s.set.Commit(ctx) }
func (s *saver) Withdraw(ctx context.Context) error { return s.set.Withdraw() }
func (s *saver) Close() error                       { return s.set.Close() }
