package audiosep

import (
	"fmt"
	"math"
)

// Note is a tone, or a stroke, of one source.
type Note struct {
	Onset, Offset float64 // in s from the recording's beginning, Onset < Offset
	Pitch         float64 // MIDI number, fractions allowed: 69 is 440 Hz; NaN has none
	Source        string  // whose it is: a part of the score
	Velocity      float64 // 0 to 1
}

// Notes are those of a recording: what is known of it, or was heard in it.
type Notes []Note

// Validate says which note is none.
func (n Notes) Validate() error {
	for i, note := range n {
		switch {
		case !(note.Onset < note.Offset) || math.IsInf(note.Onset, 0) || math.IsInf(note.Offset, 0):
			return fmt.Errorf("note %d sounds from %v to %v s; want it to end after it begins", i+1, note.Onset, note.Offset)
		case math.IsInf(note.Pitch, 0):
			return fmt.Errorf("note %d has the pitch %v; want a MIDI number, or NaN for none", i+1, note.Pitch)
		case !(note.Velocity >= 0 && note.Velocity <= 1):
			return fmt.Errorf("note %d has the velocity %v; want 0 to 1", i+1, note.Velocity)
		}
	}
	return nil
}
