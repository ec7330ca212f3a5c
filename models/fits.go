package models

import (
	"fmt"
	"math"

	"github.com/audiosep/audiosep"
)

// Fits says why what was learnt from frames cut as learnt says is of no use for frames
// cut as f says, or nil. The rate, the length, the hop of an activation (Hop·Share) and
// the analysis window must agree, the window to 1e-9 of its greatest weight. How many
// grids share an activation, the zeros before the recording, its length, channels and
// realisations may differ.
func Fits(learnt, f audiosep.Framing) error {
	for _, c := range []struct {
		what, unit string
		have, want int
	}{
		{"the sample rate", "Hz", f.Rate, learnt.Rate},
		{"the length of a frame", "samples", f.Length, learnt.Length},
		{"the hop of an activation", "samples", f.Hop * f.Share, learnt.Hop * learnt.Share},
	} {
		if c.have != c.want {
			return fmt.Errorf("%s is %d %s; want %d, as the model was learnt", c.what, c.have, c.unit, c.want)
		}
	}
	var most float64
	for _, a := range learnt.Analysis {
		most = max(most, math.Abs(a))
	}
	for i, a := range learnt.Analysis {
		if i >= len(f.Analysis) || !(math.Abs(f.Analysis[i]-a) <= 1e-9*most) {
			return fmt.Errorf("the window is another than the model was learnt with; want the same shape, form and scale")
		}
	}
	return nil
}
