package stagetest_test

import (
	"testing"

	"github.com/audiosep/audiosep/factorizers"
	"github.com/audiosep/audiosep/pipeline/contract"
	"github.com/audiosep/audiosep/pipeline/stagetest"
	"github.com/audiosep/audiosep/transforms"
)

// variants are the parameters with which built-in stages are tried; those not named
// here are tried with their defaults. Few iterations keep long runs short.
var variants = map[string][]string{
	"dct":                   {`{"type": 1}`, `{"type": 2}`, `{"type": 3}`, `{"type": 4}`},
	"matrix":                nil, // it needs a file
	"stft":                  {``, `{"size": 128}`},
	"joint_diagonalization": {`{"iterations": 5}`},
	"is_nmf":                {`{"rank": 2, "iterations": 5}`},
	"kl_nmf":                {`{"rank": 2, "iterations": 5}`},
	"euclidean_nmf":         {`{"rank": 2, "iterations": 5}`},
	"beta_nmf":              {`{"rank": 2, "iterations": 5}`},
	"tl_nmf":                {`{"rank": 2, "iterations": 3}`},
}

func TestBuiltInStages(t *testing.T) {
	for _, def := range append(transforms.Stages, factorizers.Stages...) {
		params, ok := variants[def.Name]
		if !ok {
			params = []string{``}
		}
		for _, p := range params {
			t.Run(def.Name+p, func(t *testing.T) {
				stagetest.With(t, def, contract.Options{Params: []byte(p), Many: 20000})
			})
		}
	}
}
