package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
)

// A folder whose stems are known has its tables: here of speech and then silence, under a hiss of a
// tenth of the power of the speech, from its beginning to its end.
func TestTables(t *testing.T) {
	data := t.TempDir()
	heard, err := audio.Open("../../nets/testdata/gtcrn-in.wav")
	if err != nil {
		t.Fatal(err)
	}
	defer heard.Close()
	talk, err := audiosep.ReadAll(t.Context(), heard)
	if err != nil {
		t.Fatal(err)
	}
	n := len(talk.Data[0])
	speech, hiss := append(slices.Clone(talk.Data[0]), make([]float64, n)...), make([]float64, 2*n)
	var power [2]float64
	state := uint32(1)
	for i := range hiss {
		state = state*1664525 + 1013904223
		hiss[i] = float64(state)/(1<<32) - 0.5
		power[0], power[1] = power[0]+speech[i]*speech[i], power[1]+hiss[i]*hiss[i]
	}
	mix := slices.Clone(speech)
	for i := range hiss {
		hiss[i] *= math.Sqrt(power[0] / power[1] / 10)
		mix[i] += hiss[i]
	}
	for name, x := range map[string][]float64{"mix": mix, "stems/speech": speech, "stems/hiss": hiss} {
		file := filepath.Join(data, "hissed", name+".wav")
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
	t.Log("\n" + out.String())
	lines := strings.Split(out.String(), "\n")
	if len(lines) != 9 {
		t.Fatalf("there are %d lines; want 9", len(lines))
	}
	var mixture, gtcrn, rnnoise, found, rest float64
	if _, err := fmt.Sscanf(lines[2], "| hissed | %f | %f | %f | %f %% | %f %% |", &mixture, &gtcrn, &rnnoise, &found, &rest); err != nil {
		t.Fatalf("%v: %s", err, lines[2])
	}
	if !(math.Abs(mixture-10) < 0.1) { // what speech and hiss have in common by chance
		t.Errorf("the SI-SDR of the mixture is %v dB; want 10, as the hiss has a tenth of the power", mixture)
	}
	if !(found > 90 && rest < 10) {
		t.Errorf("%v %% of the speech is found and %v %% of the rest; want above 90 and below 10", found, rest)
	}
	if err := run(t.Context(), &out, t.TempDir()); err == nil || !strings.Contains(err.Error(), "no recording") {
		t.Errorf("of an empty folder it is said: %v", err)
	}
}
