package pipeline

import (
	"fmt"

	"github.com/audiosep/audiosep"
)

// applyStage is the one stage built into pipelines: it needs nothing but the wiring.
var applyStage = audiosep.Define("apply",
	"Uses a transform made elsewhere, such as that of a loaded model, on other frames. The frames must be cut as those were from which it was learnt.",
	struct{}{}, func(struct{}) (audiosep.Applier, error) { return apply{}, nil })

type apply struct{}

// Usable says why a transform of m samples, learnt from frames cut as learnt says (nil:
// not known), does not suit frames cut as f says.
func (apply) Usable(t audiosep.Transform, learnt *audiosep.Framing, f audiosep.Framing) error {
	if t.Len() != f.Length {
		return &audiosep.ShapeError{What: "the frame", Is: fmt.Sprintf("%d samples long", f.Length), Want: fmt.Sprintf("%d, as the transform", t.Len())}
	}
	if learnt == nil {
		return nil
	}
	return f.Fits(*learnt)
}
