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
		if own, ok := map[string][]string{
			"hpss":      {``, `{"frames": 7, "bins": 5, "margin": 2, "power": 1}`},
			"repet":     {`{"min_period": 0.02, "max_period": 0.1, "margin": 2}`},
			"repet_sim": {`{"similar": 10, "apart": 0.02, "within": 0.1, "least": 0.3}`},
			"ft2d":      {`{"rates": 5, "scales": 3, "below": 0}`},
			"rpca":      {`{"iterations": 5}`},
			"kam":       {`{"sources": ["repeating", "harmonic", "smooth"], "period": 0.01, "repeats": 2, "frames": 5, "cross": 3, "iterations": 2}`},
		}[def.Name]; ok {
			all = own
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
