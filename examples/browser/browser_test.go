package main

import (
	"bytes"
	"math"
	"os"
	"testing"

	"gonum.org/v1/gonum/floats"

	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/pipeline"
)

// Every preset that is offered runs on a file in memory, and its stems sum to it.
func TestSeparate(t *testing.T) {
	x, _, err := audio.ReadFile("../piano/mix.wav")
	if err != nil {
		t.Fatal(err)
	}
	x.Data[0] = x.Data[0][:x.Rate]
	stereo := *x
	stereo.Channels, stereo.Data = 2, [][]float64{x.Data[0], make([]float64, x.Rate)}
	floats.AddScaled(stereo.Data[1], 0.7, x.Data[0])
	for i, v := range x.Data[0][:x.Rate-40] { // another place for what comes later
		stereo.Data[1][i+40] += 0.3 * v
	}
	for i, preset := range offered {
		if testing.Short() && i > 1 {
			break
		}
		s := &stereo
		if preset == "notes" {
			s = x
		}
		file, err := audio.Encode("a.wav", s, "float32")
		if err != nil {
			t.Fatal(err)
		}
		steps := 0
		stems, err := separate(t.Context(), preset, "a.wav", file, nil, pipeline.Options{Watcher: watcher(func(string, int, int) { steps++ })})
		if err != nil {
			t.Errorf("%s: %v", preset, err)
			continue
		}
		if len(stems) < 2 || steps == 0 {
			t.Errorf("%s: %d stems, %d steps were told; want two stems or more, and steps", preset, len(stems), steps)
		}
		sum := make([]float64, x.Rate)
		for _, st := range stems {
			y, _, err := audio.Decode(bytes.NewReader(st.file), int64(len(st.file)), st.name)
			if err != nil {
				t.Fatal(err)
			}
			floats.Add(sum, y.Data[0])
		}
		floats.Sub(sum, s.Data[0])
		if off := floats.Norm(sum, math.Inf(1)); off > 1e-6 {
			t.Errorf("%s: the stems sum to the recording but for %v; want 1e-6", preset, off)
		}
	}
}

// What is no sound, and a preset that is not offered, are refused with words.
func TestSeparateRefuses(t *testing.T) {
	if _, err := separate(t.Context(), "hpss", "a.txt", []byte("text"), nil, pipeline.Options{}); err == nil {
		t.Error("text is separated")
	}
	file, err := os.ReadFile("../piano/mix.wav")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := separate(t.Context(), "score", "a.wav", file, nil, pipeline.Options{}); err == nil {
		t.Error("a preset that needs files runs")
	}
}
