//go:build !race

package audio

import (
	"runtime"
	"testing"

	"github.com/audiosep/audiosep"
)

// What stages between a recording and others leave as garbage is what they say; what they have in use aside.
func TestNeedsAreTaken(t *testing.T) {
	x := &audiosep.Signal{Rate: 48000, Channels: 6, Data: make([][]float64, 6)}
	for c := range x.Data {
		x.Data[c] = make([]float64, 480000)
	}
	h, err := x.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	resample, err := NewResample(ResampleParams{Rate: 16000})
	if err != nil {
		t.Fatal(err)
	}
	for name, stage := range map[string]interface {
		audiosep.Sizer
		Source(audiosep.Source) audiosep.Source
	}{
		"downmix":  stageOf{Downmix{}, func(in In) (Out, error) { return Downmix{}.Run(t.Context(), audiosep.Env{}, in) }},
		"resample": stageOf{resample, func(in In) (Out, error) { return resample.Run(t.Context(), audiosep.Env{}, in) }},
	} {
		y := stage.Source(x)
		at, err := y.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		dst := make([][]float64, at.Layers())
		for l := range dst {
			dst[l] = make([]float64, at.Samples)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if err := y.ReadAt(t.Context(), dst, 0); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		needs := stage.Needs(audiosep.Extent{Head: h})
		took, told := float64(after.TotalAlloc-before.TotalAlloc), float64(needs.Garbage+needs.Streams)
		if told < 0.9*took || told > 1.1*took {
			t.Errorf("%s: %.0f bytes; it says %.0f", name, took, told)
		}
	}
}

// stageOf is a stage that makes a recording of another.
type stageOf struct {
	audiosep.Sizer
	run func(In) (Out, error)
}

func (s stageOf) Source(x audiosep.Source) audiosep.Source {
	out, err := s.run(In{Audio: x})
	if err != nil {
		panic(err)
	}
	return out.Audio
}
