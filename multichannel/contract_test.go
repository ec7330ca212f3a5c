package multichannel_test

import (
	"testing"

	"github.com/audiosep/audiosep/multichannel"
	"github.com/audiosep/audiosep/pipeline/stagetest"
)

func TestContract(t *testing.T) {
	for _, def := range multichannel.Stages {
		t.Run(def.Name, func(t *testing.T) { stagetest.Stage(t, def, `{"iterations": 3}`) })
	}
}
