package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
)

// A folder whose stems are known has its tables: here of a hiss, half of which is called speech.
func TestTables(t *testing.T) {
	data := t.TempDir()
	noise := [2][]float64{make([]float64, 16000), make([]float64, 16000)}
	state := uint32(1)
	for i := range noise[0] {
		for s := range noise {
			state = state*1664525 + 1013904223
			noise[s][i] = float64(state)/(1<<32) - 0.5
		}
	}
	mix := slices.Clone(noise[0])
	for i, x := range noise[1] {
		mix[i] += x
	}
	for name, x := range map[string][]float64{"mix": mix, "stems/speech": noise[0], "stems/hiss": noise[1]} {
		file := filepath.Join(data, "hisses", name+".wav")
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := audio.WriteFile(file, &audiosep.Signal{Rate: 16000, Data: [][]float64{x}}, "float32"); err != nil {
			t.Fatal(err)
		}
	}
	var out strings.Builder
	if err := run(t.Context(), &out, data); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	if len(lines) != 9 || !strings.HasPrefix(lines[2], "| hisses | ") || strings.Contains(out.String(), "NaN") {
		t.Errorf("the tables are\n%s", &out)
	}
	if err := run(t.Context(), &out, t.TempDir()); err == nil || !strings.Contains(err.Error(), "no recording") {
		t.Errorf("of an empty folder it is said: %v", err)
	}
}
