package transforms

import (
	"context"
	"fmt"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/counted"
)

var applyStage = audiosep.Define("apply",
	"Uses a transform made elsewhere, such as that of a loaded model, on other frames. The frames must be cut as those were from which it was learnt.",
	struct{}{}, func(struct{}) (Apply, error) { return Apply{}, nil }, audiosep.Lazy, audiosep.Local)

// Apply is the stage that uses a transform made elsewhere.
type Apply struct{}

// ApplyIn is what it takes.
type ApplyIn struct {
	Frames    *audiosep.Framed          `port:"frames"`
	Transform *audiosep.FittedTransform `port:"transform"`
}

// ApplyOut is what it makes.
type ApplyOut struct {
	Coefs audiosep.Spectra `port:"coefs"`
	Power audiosep.Power   `port:"power"`
}

// Run refuses a transform for other frames than those it is given.
func (Apply) Run(_ context.Context, env audiosep.Env, in ApplyIn) (out ApplyOut, err error) {
	t, f := in.Transform.Transform, in.Frames.Framing
	if t.Len() != f.Length {
		return out, &audiosep.ShapeError{What: "the frame", Is: fmt.Sprintf("%s long", counted.Of(f.Length, "sample")), Want: fmt.Sprintf("%d, as the transform", t.Len())}
	}
	if in.Transform.Framing != nil {
		if err := f.Fits(*in.Transform.Framing); err != nil {
			return out, err
		}
	}
	x, err := audiosep.NewSpectra(in.Frames, t)
	if err != nil {
		return out, err
	}
	return ApplyOut{x, audiosep.PowerOf(x, env.Report)}, nil
}
