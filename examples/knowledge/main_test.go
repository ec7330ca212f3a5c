package main

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A score is worth what docs/knowledge.md says, errors in it cost little, and align_notes finds
// a score that is elsewhere.
func TestScores(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	data := os.Getenv("AUDIOSEP_DATA")
	files, _ := filepath.Glob(filepath.Join(data, "audio", "*", "notes.csv"))
	if data == "" || len(files) == 0 {
		t.Skip("AUDIOSEP_DATA has no recordings with notes.csv")
	}
	var mean float64
	for _, file := range files {
		it, err := open(filepath.Dir(file))
		if err != nil {
			t.Fatal(err)
		}
		worth := map[string]float64{}
		for _, m := range ofWhole {
			if !m.scored || strings.HasPrefix(m.name, "without") || m.name == "it is 300 ms late" {
				continue
			}
			if worth[m.name], err = it.measure(t.Context(), m); err != nil {
				t.Fatalf("%s, %s: %v", it.name, m.name, err)
			}
		}
		score := worth["the score"]
		mean += score / float64(len(files))
		if !(score >= 10) {
			t.Errorf("%s: a score is worth %.1f dB; want 10", it.name, score)
		}
		for name, x := range worth {
			if !(score-x <= 1) {
				t.Errorf("%s: %s costs %.1f dB; want at most 1", it.name, name, score-x)
			}
		}
	}
	if !(mean >= 17) {
		t.Errorf("scores are worth %.2f dB; want 17", mean)
	}
}

// A mean over rows of which one is missing is none.
func TestMeans(t *testing.T) {
	var b strings.Builder
	means(&b, "mean", [][]float64{{1, math.NaN()}, {3, 2}, {100, 100}}, func(i int) bool { return i < 2 })
	if got, want := b.String(), "| **mean** | 2.0 | – |\n"; got != want {
		t.Errorf("it prints %q; want %q", got, want)
	}
}
