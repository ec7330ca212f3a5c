package multichannel_test

import (
	"testing"

	"github.com/audiosep/audiosep/multichannel"
	"github.com/audiosep/audiosep/pipeline/stagetest"
)

func TestContract(t *testing.T) {
	for _, def := range multichannel.Stages {
		params := `{"iterations": 3}`
		if def.Name == "mix_room" {
			params = `{"t60": 0.05}`
		}
		t.Run(def.Name, func(t *testing.T) { stagetest.Stage(t, def, params) })
	}
}
