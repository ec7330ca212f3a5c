package separators_test

import (
	"testing"

	"github.com/audiosep/audiosep/pipeline/contract"
	"github.com/audiosep/audiosep/pipeline/stagetest"
	"github.com/audiosep/audiosep/separators"
)

func TestContract(t *testing.T) {
	for _, def := range separators.Stages {
		all := []string{``, `{"sources": 2}`, `{"groups": [[1, 4], [2]], "names": ["a", "b"], "residual": true}`}
		if def.Name == "ensemble" {
			all = []string{``, `{"combine": "median"}`}
		}
		if def.Name == "hpss" {
			all = []string{``, `{"frames": 7, "bins": 5, "margin": 2, "power": 1}`}
		}
		for _, params := range all {
			t.Run(def.Name+params, func(t *testing.T) {
				stagetest.With(t, def, contract.Options{Params: []byte(params), Many: 1000})
			})
		}
	}
}

// Run with 100000 frames.
func TestContractOfLongRuns(t *testing.T) { stagetest.Stage(t, separators.Stages[0], ``) }
