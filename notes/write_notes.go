package notes

import (
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"gitlab.com/gomidi/midi/v2"
	"gitlab.com/gomidi/midi/v2/smf"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/percussion"
	"github.com/audiosep/audiosep/internal/whole"
)

// WriteNotesParams are the parameters of write_notes.
type WriteNotesParams struct {
	File      string `json:"file" file:"out" doc:"The file to write, .mid or .csv; {input} is the name of the recording at the input audio."`
	Overwrite bool   `json:"overwrite" doc:"Replace a file that exists; otherwise the run is refused before its work begins."`
}

// DefaultWriteNotes returns the defaults of write_notes.
func DefaultWriteNotes() WriteNotesParams { return WriteNotesParams{File: "notes.mid"} }

var writeNotesStage = audiosep.Define("write_notes",
	`Writes notes to a file, MIDI or CSV, as its name ends, that read_notes reads again.
MIDI has a track for each source, 1920 ticks a second, and pitches rounded to semitones; sources named after percussion are on channel 10. It has no notes without a pitch, such as those of labels; CSV has all, to the microsecond, with the columns stem, onset_s, offset_s, midi and velocity, 0 to 1.`,
	DefaultWriteNotes(), NewWriteNotes)

const inputName = "{input}"

// Validate checks the name of the file.
func (p WriteNotesParams) Validate() error {
	if ext := strings.ToLower(filepath.Ext(p.File)); !slices.Contains([]string{".mid", ".midi", ".csv"}, ext) {
		return audiosep.ParamErrors{{Name: "file", What: fmt.Sprintf("is %q; want a name that ends in .mid or .csv", p.File)}}
	}
	if left := strings.ReplaceAll(p.File, inputName, ""); strings.ContainsAny(left, "{}") {
		return audiosep.ParamErrors{{Name: "file", What: fmt.Sprintf("is %q; want no braces but those of %s", p.File, inputName)}}
	}
	return nil
}

// WriteNotes is the stage write_notes.
type WriteNotes struct {
	p      WriteNotesParams
	inputs []string
	path   string // of the file, once it is known
	set    whole.Set
}

// NewWriteNotes returns the stage; the file is there when all stages of a run have ended well.
func NewWriteNotes(p WriteNotesParams) (*WriteNotes, error) {
	if err := audiosep.CheckStruct(p); err != nil {
		return nil, err
	}
	s := &WriteNotes{p: p, set: whole.Set{Overwrite: p.Overwrite}}
	if !s.named() {
		s.path = filepath.Clean(p.File)
	}
	return s, nil
}

// WriteNotesIn is what write_notes takes: notes, and the recording that the file may be named
// after.
type WriteNotesIn struct {
	Notes audiosep.Notes  `port:"notes"`
	Audio audiosep.Source `port:"audio,optional"`
}

// Nothing is what stages make that make nothing.
type Nothing struct{}

// Prepare refuses a run whose notes could not be written at its end.
func (s *WriteNotes) Prepare(_ context.Context, plan audiosep.Plan) error {
	s.inputs = plan.Inputs
	path := s.p.File
	if s.named() {
		if len(plan.Head.Names) == 0 {
			return nil // what the recording is called is not known yet
		}
		path = s.pathOf(plan.Head)
		s.path = filepath.Clean(path)
	}
	return whole.Allowed(path, s.p.Overwrite, plan.Inputs)
}

// CheckWiring refuses a file that is named after a recording where there is none.
func (s *WriteNotes) CheckWiring(from map[string][]string) error {
	if s.named() && len(from["audio"]) == 0 {
		return s.nameless()
	}
	return nil
}

func (s *WriteNotes) nameless() error {
	return &audiosep.ParamError{Name: "file", What: fmt.Sprintf("is %q, but no recording is wired to audio; want \"in\": {\"audio\": …}, or a name without %s", s.p.File, inputName)}
}

// pathOf returns the path of the file, named after a recording.
func (s *WriteNotes) pathOf(h audiosep.Head) string {
	name := "recording"
	if len(h.Names) > 0 {
		name = strings.NewReplacer("/", "_", "\\", "_").Replace(h.Names[0])
	}
	return strings.ReplaceAll(s.p.File, inputName, name)
}

// named tells whether the file is named after the recording.
func (s *WriteNotes) named() bool { return strings.Contains(s.p.File, inputName) }

// Writes returns the file, if its name is known.
func (s *WriteNotes) Writes() []string {
	if s.path == "" {
		return nil
	}
	return []string{s.path}
}

// Run writes the notes to a file that is not seen yet.
func (s *WriteNotes) Run(ctx context.Context, _ audiosep.Env, in WriteNotesIn) (Nothing, error) {
	path := s.p.File
	if s.named() {
		if in.Audio == nil {
			return Nothing{}, s.nameless()
		}
		h, err := in.Audio.Head(ctx)
		if err != nil {
			return Nothing{}, err
		}
		path = s.pathOf(h)
		if err := whole.Allowed(path, s.p.Overwrite, s.inputs); err != nil {
			return Nothing{}, err
		}
	}
	s.path = filepath.Clean(path)
	write := MIDI
	if strings.EqualFold(filepath.Ext(path), ".csv") {
		write = CSV
	}
	text, err := write(in.Notes)
	if err != nil {
		return Nothing{}, err
	}
	f, err := s.set.Create(path)
	if err != nil {
		return Nothing{}, err
	}
	_, err = f.Write(text)
	return Nothing{}, err
}

// Commit has the file appear.
func (s *WriteNotes) Commit(ctx context.Context) error { return s.set.Commit(ctx) }

// Withdraw undoes Commit.
func (s *WriteNotes) Withdraw(context.Context) error { return s.set.Withdraw() }

// Close ends the stage; without Commit it leaves no trace.
func (s *WriteNotes) Close() error { return s.set.Close() }

// CSV returns notes as a table that Parse reads. Times are in s to the microsecond, velocities
// from 0 to 1.
func CSV(n audiosep.Notes) ([]byte, error) {
	if err := n.Validate(); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.Write([]string{"stem", "onset_s", "offset_s", "midi", "velocity"})
	for i, x := range n {
		if x.Source == "" {
			return nil, fmt.Errorf("note %d has no source; want a name", i+1)
		}
		pitch := ""
		if !math.IsNaN(x.Pitch) {
			pitch = strconv.FormatFloat(x.Pitch, 'g', -1, 64)
		}
		w.Write([]string{x.Source, fmt.Sprintf("%.6f", x.Onset), fmt.Sprintf("%.6f", x.Offset), pitch, strconv.FormatFloat(x.Velocity, 'g', 6, 64)})
	}
	w.Flush()
	return b.Bytes(), w.Error()
}

// The time of MIDI files: 120 quarter notes a minute.
const (
	quarterTicks = 960
	ticksASecond = 2 * quarterTicks
	latestTick   = 1 << 30
)

// MIDI returns notes as a Standard MIDI file of format 1 that Parse reads: a track for each
// source, in the order of their names. Pitches are rounded to semitones, times to 0.52 ms. It is
// an error if a note has no pitch, or one that is no MIDI number.
func MIDI(n audiosep.Notes) ([]byte, error) {
	if err := n.Validate(); err != nil {
		return nil, err
	}
	sources := map[string]audiosep.Notes{}
	var names []string
	for i, x := range n {
		if key := math.Round(x.Pitch); !(key >= 0 && key <= 127) {
			return nil, fmt.Errorf("note %d of %q has the pitch %g; want a MIDI number from 0 to 127, or a file that ends in .csv", i+1, x.Source, x.Pitch)
		}
		if x.Onset < 0 || x.Offset*ticksASecond > latestTick {
			return nil, fmt.Errorf("note %d of %q sounds from %g to %g s; want times from 0 to %d s", i+1, x.Source, x.Onset, x.Offset, latestTick/ticksASecond)
		}
		if sources[x.Source] == nil {
			names = append(names, x.Source)
		}
		sources[x.Source] = append(sources[x.Source], x)
	}
	slices.Sort(names)
	song := smf.NewSMF1()
	song.TimeFormat = smf.MetricTicks(quarterTicks)
	var tempo smf.Track
	tempo.Add(0, smf.MetaTempo(120))
	tempo.Close(0)
	song.Add(tempo)
	next := uint8(0)
	for _, name := range names {
		channel := uint8(drumChannel)
		if !percussion.Named(name) {
			if next == drumChannel {
				next++
			}
			channel, next = next, (next+1)%16
		}
		song.Add(track(name, channel, sources[name]))
	}
	var b bytes.Buffer
	_, err := song.WriteTo(&b)
	return b.Bytes(), err
}

// track returns the notes of a source as a track.
func track(name string, channel uint8, n audiosep.Notes) smf.Track {
	type message struct {
		tick, order int // a note ends, 0, before the next of its key begins, 1
		midi        midi.Message
	}
	var all []message
	for _, x := range n {
		key, from := uint8(math.Round(x.Pitch)), int(math.Round(x.Onset*ticksASecond))
		to := max(from+1, int(math.Round(x.Offset*ticksASecond)))
		velocity := uint8(min(max(math.Round(x.Velocity*127), 1), 127)) // 0 would end a note
		all = append(all, message{from, 1, midi.NoteOn(channel, key, velocity)}, message{to, 0, midi.NoteOff(channel, key)})
	}
	slices.SortStableFunc(all, func(a, b message) int {
		return cmp.Or(cmp.Compare(a.tick, b.tick), cmp.Compare(a.order, b.order))
	})
	var t smf.Track
	t.Add(0, smf.MetaTrackSequenceName(name))
	at := 0
	for _, m := range all {
		t.Add(uint32(m.tick-at), m.midi)
		at = m.tick
	}
	t.Close(0)
	return t
}
