package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/audiosep/audiosep/pipeline"
)

// TestSchema holds every example against the schema that the program prints, and then
// broken pipelines, which it must refuse.
func TestSchema(t *testing.T) {
	text, err := json.Marshal(pipeline.Schema(registry()))
	if err != nil {
		t.Fatal(err)
	}
	var s jsonschema.Schema
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	schema, err := s.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	validate := func(text []byte) error {
		var spec any
		if err := json.Unmarshal(text, &spec); err != nil {
			t.Fatal(err)
		}
		return schema.Validate(spec)
	}
	examples, err := filepath.Glob("../../examples/*/*.json")
	if err != nil || len(examples) < 5 {
		t.Fatalf("%d examples, %v", len(examples), err)
	}
	for _, file := range examples {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := validate(text); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	for _, broken := range []string{
		`{}`,
		`{"audiosep": 2, "stages": [{"use": "dct"}]}`,
		`{"audiosep": 1, "stages": []}`,
		`{"audiosep": 1, "colour": 1, "stages": [{"use": "dct"}]}`,
		`{"audiosep": 1, "seed": -1, "stages": [{"use": "dct"}]}`,
		`{"audiosep": 1, "stages": [{"use": "dtc"}]}`,
		`{"audiosep": 1, "stages": [{"id": "dct"}]}`,
		`{"audiosep": 1, "stages": [{"use": "dct", "params": {"type": 5}}]}`,
		`{"audiosep": 1, "stages": [{"use": "dct", "params": {"typ": 2}}]}`,
		`{"audiosep": 1, "stages": [{"use": "is_nmf", "params": {"rank": 2.5}}]}`,
		`{"audiosep": 1, "stages": [{"use": "frame", "params": {"window": "round"}}]}`,
		`{"audiosep": 1, "stages": [{"use": "wiener", "in": {"coef": "dct"}}]}`,
		`{"audiosep": 1, "stages": [{"use": "read_audio", "params": {"files": []}}]}`,
	} {
		if validate([]byte(broken)) == nil {
			t.Errorf("the schema allows %s", broken)
		}
	}
}
