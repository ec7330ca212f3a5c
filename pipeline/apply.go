package pipeline

import (
	"fmt"
	"slices"

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
	for _, c := range []struct {
		what      string
		is, wants int
	}{
		{"the sample rate", f.Rate, learnt.Rate},
		{"the hop", f.Hop, learnt.Hop},
		{"the number of frames that share an activation", f.Share, learnt.Share},
	} {
		if c.is != c.wants {
			return fmt.Errorf("%s is %d; want %d, as where the transform was learnt", c.what, c.is, c.wants)
		}
	}
	if !slices.Equal(f.Analysis, learnt.Analysis) {
		return fmt.Errorf("the window is another than where the transform was learnt; want the same window, shape and scale")
	}
	return nil
}
