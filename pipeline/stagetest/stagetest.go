// Package stagetest runs the contract of a stage's kind as tests:
//
//	func TestContract(t *testing.T) {
//		for _, def := range Stages {
//			t.Run(def.Name, func(t *testing.T) { stagetest.Stage(t, def, `{}`) })
//		}
//	}
//
// It is apart from package contract, which holds the checks, so that programs which
// run the checks do not carry the flags of package testing.
package stagetest

import (
	"encoding/json"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/pipeline/contract"
)

// Stage checks the stage that def makes of params, a JSON object or nothing at all,
// each promise in a subtest. Few iterations make it quick. What is no more than advice for a
// plugin is wanted here.
func Stage(t *testing.T, def audiosep.Definition, params string) {
	t.Helper()
	With(t, def, contract.Options{Params: json.RawMessage(params)})
}

// With is Stage for a stage that needs other fixtures.
func With(t *testing.T, def audiosep.Definition, o contract.Options) {
	t.Helper()
	for _, r := range contract.Check(t.Context(), def, o) {
		t.Run(r.Check, func(t *testing.T) {
			switch {
			case r.Skipped != "":
				t.Skip(r.Skipped)
			case !r.OK() || r.Advice != "":
				t.Error(r)
			}
		})
	}
}
