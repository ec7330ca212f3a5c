package models

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/audiosep/audiosep"
)

// SaveParams are the parameters of the stage save_model.
type SaveParams struct {
	File      string `json:"file" file:"out" doc:"The .npz file to write. numpy.load reads it: phi, w, h, objective, windows."`
	Overwrite bool   `json:"overwrite" doc:"Replace a file that exists; otherwise the run is refused before its work begins."`
}

var saveStage = audiosep.Define("save_model",
	"Keeps a real transform as its matrix Φ, factors W and H, and the framing they were learnt under. A complex transform, such as stft, is not kept: give this stage factors alone, and name the transform again where they are loaded.",
	SaveParams{}, NewSaver)

// NewSaver returns what writes a model to p.File, with [Save].
func NewSaver(p SaveParams) (audiosep.ModelWriter, error) {
	if p.File == "" {
		return nil, missingFile()
	}
	return saver(p), nil
}

type saver SaveParams

// Prepare refuses a run whose model could not be kept at its end.
func (s saver) Prepare(context.Context, audiosep.Head, []string) error {
	if s.Overwrite {
		return nil
	}
	switch _, err := os.Lstat(s.File); {
	case err == nil:
		return existsError(s.File)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return nil
}

func (s saver) WriteModel(ctx context.Context, m audiosep.Model) error {
	return Save(ctx, s.File, m, s.Overwrite)
}

func existsError(path string) error {
	return fmt.Errorf("%s exists already; set overwrite, or choose another file: %w", path, fs.ErrExist)
}
