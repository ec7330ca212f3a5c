package audio_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/pipeline/contract"
	"github.com/audiosep/audiosep/pipeline/stagetest"
)

func TestContract(t *testing.T) {
	in, out := t.TempDir(), t.TempDir()
	takes := []string{write(t, in, "a.wav", "int24", recording(1, 2, 200000)), write(t, in, "b.wav", "float32", recording(2, 2, 200000))}
	for _, c := range []struct {
		stage  string
		params map[string]any
	}{
		{"read_audio", map[string]any{"files": takes, "realisations": true}},
		{"synth_notes", map[string]any{}},
		{"synth_notes", map[string]any{"part": "2", "realisations": 1, "envelope": "decay"}},
		{"crop", map[string]any{"start": 0.1, "duration": 0.2}},
		{"downmix", map[string]any{}},
		{"resample", map[string]any{"rate": 44100}},
		{"resample", map[string]any{"rate": 3000}},
		{"stem", map[string]any{"source": "second"}},
		{"stem", map[string]any{"source": "second", "rest": true}},
		{"high_pass", map[string]any{"frequency": 500}},
		{"low_pass", map[string]any{"frequency": 900, "width": 1200}},
		{"write_audio", map[string]any{"pattern": filepath.Join(out, "{input}-{source}.wav"), "overwrite": true}},
	} {
		raw, err := json.Marshal(c.params)
		if err != nil {
			t.Fatal(err)
		}
		for _, def := range audio.Stages {
			if def.Name == c.stage {
				t.Run(fmt.Sprint(c.stage, c.params), func(t *testing.T) {
					stagetest.With(t, def, contract.Options{Params: raw, Folder: out})
				})
			}
		}
	}
}
