package notes

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/whole"
)

// ReadNotesParams are the parameters of read_notes.
type ReadNotesParams struct {
	File string `json:"file" file:"in" doc:"The score: MIDI, MusicXML (score-partwise, not compressed) or CSV."`
}

var readNotesStage = audiosep.Define("read_notes",
	`Reads a score: Standard MIDI files of format 0 and 1, MusicXML, or CSV.
A CSV has a first line that names its columns: stem (or source, part), onset_s, offset_s (or onset, offset), midi (or pitch: a MIDI number or a name such as C4, which is 60, F#3 or Eb5; empty where there is none) and, if it likes, velocity, 0 to 127 or, where none is above 1, 0 to 1; commas or semicolons stand between them, and numbers may have a comma for the point. A source is a part of the score, parts of one name being numbered: in MIDI a track, or a channel where a track has several; those of channel 10 are called drums. Tempo changes, ties, chords, voices and transposing instruments are heeded; repeats are not unfolded but refused.`,
	ReadNotesParams{}, NewReadNotes, audiosep.Lazy)

// ReadNotes is the stage read_notes.
type ReadNotes struct{ p ReadNotesParams }

// NewReadNotes returns the stage; the file is read when it runs.
func NewReadNotes(p ReadNotesParams) (*ReadNotes, error) {
	if err := audiosep.CheckStruct(p); err != nil {
		return nil, err
	}
	if p.File == "" {
		return nil, &audiosep.ParamError{Name: "file", What: "is empty; want the name of a score"}
	}
	return &ReadNotes{p}, nil
}

// None is what stages take that need nothing.
type None struct{}

// Out is what read_notes, read_labels and align_notes make.
type Out struct {
	Notes audiosep.Notes `port:"notes"`
}

// Run reads the score.
func (s *ReadNotes) Run(ctx context.Context, _ audiosep.Env, _ None) (Out, error) {
	n, err := ReadFile(s.p.File)
	if err == nil {
		err = ctx.Err()
	}
	return Out{n}, err
}

// most bounds the size of a score, which is small.
const most = 64 << 20

// ReadFile reads a score: MIDI, MusicXML or CSV, told from its first bytes.
func ReadFile(path string) (audiosep.Notes, error) { return readFile(path, Parse) }

func readFile(path string, parse func([]byte) (audiosep.Notes, error)) (audiosep.Notes, error) {
	f, err := whole.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, err
	}
	if len(text) > most {
		return nil, fmt.Errorf("%s is longer than %d MiB; want a score", path, most>>20)
	}
	n, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return n, nil
}

// Parse reads a score: MIDI, MusicXML or CSV, told from its first bytes. Notes stand in order
// of their onsets. It is an error if there are none, or if what is there cannot be understood
// whole; the error names the line, the measure or the track.
func Parse(text []byte) (audiosep.Notes, error) {
	parse := parseCSV
	switch trimmed := bytes.TrimLeft(bytes.TrimPrefix(text, []byte("\ufeff")), " \t\r\n"); {
	case bytes.HasPrefix(text, []byte("MThd")):
		parse = parseMIDI
	case bytes.HasPrefix(text, []byte("PK\x03\x04")):
		return nil, fmt.Errorf("this is a compressed archive; want the .musicxml inside (unzip it), MIDI or CSV")
	case bytes.HasPrefix(trimmed, []byte("<")):
		parse = parseMusicXML
	}
	if !bytes.HasPrefix(text, []byte("MThd")) && !utf8.Valid(text) {
		return nil, errNoText
	}
	n, err := parse(text)
	if err != nil {
		return nil, err
	}
	return sorted(n)
}

var errNoText = errors.New("it is no text in UTF-8, nor MIDI; want a file saved as such")

// sorted returns the notes by onset, and refuses none.
func sorted(n audiosep.Notes) (audiosep.Notes, error) {
	if len(n) == 0 {
		return nil, fmt.Errorf("there are no notes; want at least one")
	}
	slices.SortStableFunc(n, func(a, b audiosep.Note) int {
		switch {
		case a.Onset < b.Onset:
			return -1
		case a.Onset > b.Onset:
			return 1
		}
		return 0
	})
	return n, n.Validate()
}

// latest bounds onsets and offsets: a hundred days, in s.
const latest = 1e7

// mostNotes bounds how many notes a score has: far more than any, and what memory is there for.
const mostNotes = 1_000_000

// checkNumber refuses more notes than that.
func checkNumber(n int) error {
	if n > mostNotes {
		return fmt.Errorf("there are more than %d notes; want a score", mostNotes)
	}
	return nil
}

// checkPitch refuses what is no MIDI number; between two keys lie other tunings.
func checkPitch(pitch float64) error {
	if pitch < 0 || pitch > 127 {
		return fmt.Errorf("the pitch is %g; want a MIDI number, 0 to 127 (60 is middle C), or nothing", pitch)
	}
	return nil
}

// distinct are names that are told apart, with how often each was asked for: the second of one
// name gets the number 2.
type distinct map[string]int

// add returns the name, with a number if another has it.
func (d distinct) add(name string) string {
	own := name
	for d[own] > 0 {
		d[name]++
		own = fmt.Sprintf("%s %d", name, d[name])
	}
	d[own]++
	return own
}

// checkSpan says what is wrong with the times of a note.
func checkSpan(onset, offset float64) error {
	switch {
	case math.IsNaN(onset) || math.IsNaN(offset) || math.Abs(onset) > latest || math.Abs(offset) > latest:
		return fmt.Errorf("it sounds from %g to %g s; want times in s", onset, offset)
	case onset < 0:
		return fmt.Errorf("it begins at %g s; want 0 or later", onset)
	case offset <= onset:
		return fmt.Errorf("it sounds from %g to %g s; want it to end after it begins", onset, offset)
	}
	return nil
}
