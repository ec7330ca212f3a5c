package main

import (
	"bytes"
	"os"
	"testing"
)

// TestStagesFresh holds STAGES.md to what the definitions say.
func TestStagesFresh(t *testing.T) {
	want, err := os.ReadFile("../../STAGES.md")
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := writeMarkdown(&got, registry().Stages()); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got.Bytes()) {
		t.Error("STAGES.md is stale; run: go run ./cmd/audiosep describe --markdown > STAGES.md")
	}
}
