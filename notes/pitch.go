package notes

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/audiosep/audiosep/internal/labeltrack"
)

// whiteKeys are how many semitones those of an octave lie above C.
var whiteKeys = map[string]float64{"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}

// keyName is the name of a key, such as F#3: a letter, accidentals and an octave.
var keyName = regexp.MustCompile(`^([A-Ga-g])(##?|♯♯?|x|𝄪|bb?|♭♭?|𝄫)?(-1|[0-9])$`)

// accidentals are by how many semitones they raise.
var accidentals = map[string]float64{"#": 1, "♯": 1, "##": 2, "♯♯": 2, "x": 2, "𝄪": 2, "b": -1, "♭": -1, "bb": -2, "♭♭": -2, "𝄫": -2}

// parsePitch reads a MIDI number, or the name of a key in scientific pitch notation, where C4 is 60.
func parsePitch(text string) (float64, error) {
	if m := keyName.FindStringSubmatch(text); m != nil {
		octave, _ := strconv.Atoi(m[3]) // it is one
		pitch := 12*float64(octave+1) + whiteKeys[strings.ToUpper(m[1])] + accidentals[m[2]]
		return pitch, checkPitch(pitch)
	}
	pitch, err := labeltrack.Number("pitch", text)
	if err != nil {
		return 0, fmt.Errorf("the pitch is %q; want a MIDI number, 0 to 127 (60 is middle C), a name such as C4, F#3 or Eb5, or nothing", text)
	}
	return pitch, checkPitch(pitch)
}
