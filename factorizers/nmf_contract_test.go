package factorizers_test

import (
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/factorizers"
	"github.com/audiosep/audiosep/pipeline/stagetest"
)

func TestContract(t *testing.T) {
	for _, def := range factorizers.Stages {
		if def.Kind != audiosep.KindFactorizer && def.Kind != audiosep.KindActivator {
			continue
		}
		t.Run(def.Name, func(t *testing.T) { stagetest.Stage(t, def, `{"iterations": 3}`) })
	}
}
