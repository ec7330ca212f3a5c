package notes_test

import (
	"fmt"
	"testing"

	"github.com/audiosep/audiosep/notes"
)

// A pitch is a MIDI number or the name of a key, which go up together: each octave has its twelve, and accidentals move
// by semitones.
func TestPitchNames(t *testing.T) {
	pitch := func(text string) float64 {
		t.Helper()
		n, err := notes.Parse([]byte("stem,onset,offset,pitch\nx,0,1," + text + "\n"))
		if err != nil {
			t.Fatal(err)
		}
		return n[0].Pitch
	}
	midi := 0
	for octave := -1; octave <= 9; octave++ {
		for _, name := range []string{"C", "C#", "D", "Eb", "E", "F", "F♯", "G", "A♭", "A", "Bb", "B"} {
			if midi > 127 {
				break
			}
			if got := pitch(fmt.Sprintf("%s%d", name, octave)); got != float64(midi) {
				t.Errorf("%s%d is %v; want %d", name, octave, got, midi)
			}
			midi++
		}
	}
	for name, want := range map[string]float64{"C4": 60, "c4": 60, "60": 60, "B#3": 60, "Cb4": 59, "b4": 71, "bb4": 70, "Bbb4": 69, "Fx4": 67, "F##4": 67, "A4": 69} {
		if got := pitch(name); got != want {
			t.Errorf("%s is %v; want %v", name, got, want)
		}
	}
}
