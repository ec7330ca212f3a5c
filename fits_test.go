package audiosep_test

import (
	"testing"

	"github.com/audiosep/audiosep"
)

// TestFits changes what may differ between frames and the frames learnt from, and what may not.
func TestFramingFits(t *testing.T) {
	learnt := audiosep.Framing{Head: audiosep.Head{Rate: 8000, Samples: 5, Channels: 1, Realisations: 2}, Length: 2, Hop: 1, Pad: 1, Share: 1, Analysis: []float64{0.5, 1}, Synthesis: []float64{0.5, 1}}
	for _, c := range []struct {
		change func(f *audiosep.Framing)
		want   string
	}{
		{func(*audiosep.Framing) {}, ""},
		{func(f *audiosep.Framing) { f.Samples, f.Channels, f.Realisations, f.Pad = 99, 2, 1, 0 }, ""},
		{func(f *audiosep.Framing) { f.Analysis = []float64{0.5 + 1e-10, 1} }, ""},
		{func(f *audiosep.Framing) { f.Rate = 44100 }, "the sample rate is 44100 Hz; want 8000, as the model was learnt: the stage resample gives a recording that rate"},
		{func(f *audiosep.Framing) { f.Length = 4 }, "the length of a frame is 4 samples; want 2, as the model was learnt"},
		{func(f *audiosep.Framing) { f.Share = 2 }, "the hop of an activation is 2 samples; want 1, as the model was learnt"},
		{func(f *audiosep.Framing) { f.Analysis = []float64{1, 2} }, "the window is another than the model was learnt with; want the same shape, form and scale"},
	} {
		f := learnt
		c.change(&f)
		if err := f.Fits(learnt); (err == nil) != (c.want == "") || err != nil && err.Error() != c.want {
			t.Errorf("error %v; want %q", err, c.want)
		}
	}
}
