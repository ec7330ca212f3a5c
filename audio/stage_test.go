package audio_test

import (
	"encoding/json"
	"testing"

	"github.com/audiosep/audiosep/audio"
)

// build builds a stage as a pipeline does.
func build(t *testing.T, name, params string) (any, error) {
	t.Helper()
	for _, d := range audio.Stages {
		if d.Name == name {
			return d.Build(json.RawMessage(params))
		}
	}
	t.Fatalf("there is no stage %s", name)
	return nil, nil
}
