package factorizers_test

import (
	"testing"

	"github.com/audiosep/audiosep/factorizers"
	"github.com/audiosep/audiosep/pipeline/stagetest"
)

func TestContract(t *testing.T) {
	for _, def := range factorizers.Stages {
		if def.Name == "tl_nmf" { // has a test of its own
			continue
		}
		params := `{"iterations": 3}`
		if def.Name == "painted_nmf" {
			params = `{"iterations": 3, "components": 3, "sources": ["a", "b"]}`
		}
		if def.Name == "ilrta" {
			params = `{"iterations": 2, "rank": 0}` // which take long, above all under -race
		}
		if def.Name == "join_factors" {
			params = ``
		}
		if def.Name == "nmf2d" {
			params = `{"pitches": 4, "per_octave": 5, "lowest": 300, "iterations": 3}`
		}
		if def.Name == "nmfd" {
			params = `{"rank": 2, "taps": 4, "iterations": 3}`
		}
		if def.Name == "online_nmf" {
			params = `{"rank": 6, "steps": 3, "warm": 3}`
		}
		t.Run(def.Name, func(t *testing.T) { stagetest.Stage(t, def, params) })
	}
}
