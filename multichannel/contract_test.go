package multichannel_test

import (
	"testing"

	"github.com/audiosep/audiosep/multichannel"
	"github.com/audiosep/audiosep/pipeline/stagetest"
)

func TestContract(t *testing.T) {
	for _, def := range multichannel.Stages {
		params, ok := map[string]string{
			"iva":       `{"iterations": 3}`,
			"fdica":     `{"iterations": 3}`,
			"duet":      `{"sources": 3}`,
			"ilrma":     `{"iterations": 3, "warm": 2, "restarts": 2}`,
			"fast_mnmf": `{"iterations": 3, "warm": 2, "sources": 3}`,
			"mwf_em":    `{"iterations": 2}`,
			"mix_room":  `{"t60": 0.05}`,
		}[def.Name]
		if !ok {
			t.Errorf("say how to try %s quickly", def.Name)
		}
		t.Run(def.Name, func(t *testing.T) { stagetest.Stage(t, def, params) })
	}
}
