package main

import (
	"os"
	"path/filepath"
	"testing"
)

// Of four notes of a piano transcribe hears most, and what it hears is worth almost what the score
// is, told, by register or by sound.
func TestTranscription(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	folder := filepath.Join(os.Getenv("AUDIOSEP_DATA"), "audio", "piano4_allpairs")
	if _, err := os.Stat(folder); os.Getenv("AUDIOSEP_DATA") == "" || err != nil {
		t.Skip("AUDIOSEP_DATA has no recording piano4_allpairs")
	}
	it, err := open(folder)
	if err != nil {
		t.Fatal(err)
	}
	row, err := it.measure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !(row[1] >= 0.85 && row[4] >= row[3]-2 && row[5] >= row[3]-2 && row[6] >= row[3]-3) {
		t.Errorf("F and SI-SDRi are %.2f; want 0.85 of the notes, and at most 2, 2 and 3 dB less than with the score", row)
	}
}
