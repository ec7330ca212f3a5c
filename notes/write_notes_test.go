package notes_test

import (
	"bytes"
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gitlab.com/gomidi/midi/v2/smf"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/notes"
)

// What is written is read again: CSV as it was, MIDI with pitches and times rounded.
func TestWriteNotes(t *testing.T) {
	n := audiosep.Notes{
		{Onset: 0, Offset: 0.25, Pitch: 60, Source: "oboe", Velocity: 1},
		{Onset: 0.25, Offset: 1.123456, Pitch: 60, Source: "oboe", Velocity: 0.5}, // begins as the last ends
		{Onset: 0.3, Offset: 0.9, Pitch: 21.4, Source: "a, \"b\"", Velocity: 0.01},
		{Onset: 0.5, Offset: 0.6, Pitch: 42, Source: "drums", Velocity: 0},
		{Onset: 3000, Offset: 3600, Pitch: 127, Source: "oboe", Velocity: 0.3},
	}
	text, err := notes.CSV(n)
	if err != nil {
		t.Fatal(err)
	}
	got, err := notes.Parse(text)
	if err != nil || short(got) != short(n) {
		t.Errorf("the CSV is\n%s, %v; want\n%s", short(got), err, short(n))
	}
	if text, err = notes.MIDI(n); err != nil {
		t.Fatal(err)
	}
	got, err = notes.Parse(text)
	if err != nil || len(got) != len(n) {
		t.Fatalf("the MIDI file has\n%s, %v; want\n%s", short(got), err, short(n))
	}
	for i, x := range got {
		want := n[i]
		if x.Source != want.Source || x.Pitch != math.Round(want.Pitch) || math.Abs(x.Onset-want.Onset) > 0.0003 || math.Abs(x.Offset-want.Offset) > 0.0003 || math.Abs(x.Velocity-want.Velocity) > 1./127 {
			t.Errorf("note %d is %v; want %v", i, x, want)
		}
	}
}

// Where a note ends as the next of its key begins, its end comes first.
func TestWriteEndsFirst(t *testing.T) {
	text, err := notes.MIDI(audiosep.Notes{{Onset: 0, Offset: 1, Pitch: 60, Source: "x", Velocity: 1}, {Onset: 1, Offset: 2, Pitch: 60, Source: "x", Velocity: 1}})
	if err != nil {
		t.Fatal(err)
	}
	song, err := smf.ReadFrom(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	var order string
	for _, e := range song.Tracks[1] {
		var channel, key, velocity uint8
		switch {
		case e.Message.GetNoteStart(&channel, &key, &velocity):
			order += "("
		case e.Message.GetNoteEnd(&channel, &key):
			order += ")"
		}
	}
	if order != "()()" {
		t.Errorf("notes begin and end as %s; want ()()", order)
	}
}

// Twenty sources have a track each, and none but drums is on channel 10.
func TestWriteManySources(t *testing.T) {
	var n audiosep.Notes
	for i := range 20 {
		n = append(n, audiosep.Note{Onset: float64(i), Offset: float64(i) + 1, Pitch: 60, Source: string(rune('a' + i)), Velocity: 1})
	}
	text, err := notes.MIDI(n)
	if err != nil {
		t.Fatal(err)
	}
	got, err := notes.Parse(text)
	if err != nil || short(got) != short(n) {
		t.Errorf("it is\n%s, %v; want\n%s", short(got), err, short(n))
	}
}

func TestWriteNotesErrors(t *testing.T) {
	for want, n := range map[string]audiosep.Notes{
		"csv": {{Onset: 0, Offset: 1, Pitch: math.NaN(), Source: "x"}}, "0 to 127": {{Onset: 0, Offset: 1, Pitch: 128, Source: "x"}},
		"end after": {{Onset: 1, Offset: 1, Pitch: 60, Source: "x"}}, "times": {{Onset: 0, Offset: 1e9, Pitch: 60, Source: "x"}},
	} {
		if _, err := notes.MIDI(n); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v gives %v; want %q in it", n, err, want)
		}
	}
	if _, err := notes.CSV(audiosep.Notes{{Onset: 0, Offset: 1, Pitch: 60}}); err == nil {
		t.Error("a note without a source is written")
	}
	for _, file := range []string{"", "notes.txt", "{source}.mid"} {
		if _, err := notes.NewWriteNotes(notes.WriteNotesParams{File: file}); err == nil {
			t.Errorf("the file %q is taken", file)
		}
	}
}

// The file is there after Commit only, is named after the recording, and replaces none unasked.
func TestWriteNotesStage(t *testing.T) {
	dir := t.TempDir()
	run := func(file string, src audiosep.Source, overwrite bool) error {
		s, err := notes.NewWriteNotes(notes.WriteNotesParams{File: filepath.Join(dir, file), Overwrite: overwrite})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if err := s.Prepare(t.Context(), audiosep.Plan{}); err != nil {
			return err
		}
		in := notes.WriteNotesIn{Notes: audiosep.Notes{{Onset: 0, Offset: 1, Pitch: 60, Source: "x"}}, Audio: src}
		if _, err := s.Run(t.Context(), audiosep.Env{}, in); err != nil {
			return err
		}
		if left, _ := filepath.Glob(filepath.Join(dir, "song.mid")); len(left) > 0 && !overwrite {
			t.Error("the file is there before Commit")
		}
		return s.Commit(t.Context())
	}
	song := named{&audiosep.Signal{Rate: 8000, Data: [][]float64{{0}}}}
	if err := run("{input}.mid", nil, false); err == nil {
		t.Error("{input} is taken without a recording")
	}
	if err := run("{input}.mid", song, false); err != nil {
		t.Fatal(err)
	}
	if _, err := notes.ReadFile(filepath.Join(dir, "song.mid")); err != nil {
		t.Error(err)
	}
	if err := run("song.mid", nil, false); err == nil {
		t.Error("a file is replaced unasked")
	}
	if err := run("song.mid", nil, true); err != nil {
		t.Error(err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("%v are in the folder; want song.mid", files)
	}
}

// named is a recording with a name.
type named struct{ *audiosep.Signal }

func (n named) Head(ctx context.Context) (audiosep.Head, error) {
	h, err := n.Signal.Head(ctx)
	h.Names = []string{"song"}
	return h, err
}
