package metrics_test

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/metrics"
)

// Scores are mir_eval's: testdata/notes.py.
func TestNotesLikeMirEval(t *testing.T) {
	text, err := os.ReadFile("testdata/notes.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Reference, Estimate [][3]float64
		Onset, Note, Offset []float64
	}
	if err := json.Unmarshal(text, &cases); err != nil || len(cases) != 5 {
		t.Fatal(len(cases), err)
	}
	notes := func(all [][3]float64) (out audiosep.Notes) {
		for _, x := range all {
			out = append(out, audiosep.Note{Onset: x[0], Offset: x[1], Pitch: x[2], Source: "x"})
		}
		return out
	}
	for i, c := range cases {
		r, err := metrics.EvaluateNotes(notes(c.Reference), notes(c.Estimate))
		if err != nil {
			t.Fatal(err)
		}
		for name, s := range map[string]struct {
			got  metrics.NoteScore
			want []float64
		}{"onset": {r.Onsets, c.Onset}, "note": {r.Notes, c.Note}, "offset": {r.Offsets, c.Offset}} {
			// Which of several matchings is found, and so the overlap, is not defined.
			for k, got := range []float64{s.got.Precision, s.got.Recall, s.got.F} {
				if math.Abs(got-s.want[k]) > 1e-12 {
					t.Errorf("case %d, %s: number %d is %v; want %v", i, name, k, got, s.want[k])
				}
			}
			if len(s.want) > 3 && math.Abs(s.got.Overlap-s.want[3]) > 0.03 {
				t.Errorf("case %d, %s: the overlap is %v; want about %v", i, name, s.got.Overlap, s.want[3])
			}
		}
	}
}

// Notes that are right score 1, those of percussion are not counted, and each estimate counts
// once.
func TestNotesCounted(t *testing.T) {
	ref := audiosep.Notes{{Onset: 0, Offset: 1, Pitch: 60, Source: "a"}, {Onset: 2, Offset: 3, Pitch: 60, Source: "a"},
		{Onset: 2, Offset: 3, Pitch: 38, Source: "drums"}, {Onset: 2, Offset: 3, Pitch: math.NaN(), Source: "b"}}
	r, err := metrics.EvaluateNotes(ref, ref[:2])
	if err != nil || r.Offsets.F != 1 || r.Offsets.Overlap != 1 || r.LeftOut != 2 {
		t.Errorf("notes against themselves: %+v, %v", r, err)
	}
	r, _ = metrics.EvaluateNotes(ref[:1], audiosep.Notes{ref[0], ref[0]})
	if r.Notes.Precision != 0.5 || r.Notes.Recall != 1 {
		t.Errorf("a note that is there twice: %+v", r.Notes)
	}
	// The first reference could have either estimate, the second one only.
	r, _ = metrics.EvaluateNotes(audiosep.Notes{{Onset: 0, Offset: 1, Pitch: 60}, {Onset: 0.05, Offset: 1, Pitch: 60}},
		audiosep.Notes{{Onset: 0.05, Offset: 1, Pitch: 60}, {Onset: -0.05, Offset: 1, Pitch: 60}})
	if r.Notes.Matched != 2 {
		t.Errorf("%d are matched; want 2", r.Notes.Matched)
	}
	// The second has to take what the first one took, which has another.
	r, _ = metrics.EvaluateNotes(audiosep.Notes{{Onset: 0, Offset: 1, Pitch: 60}, {Onset: 0.01, Offset: 1, Pitch: 60.9}},
		audiosep.Notes{{Onset: 0, Offset: 1, Pitch: 60.45}, {Onset: 0.01, Offset: 1, Pitch: 60}})
	if r.Notes.Matched != 2 {
		t.Errorf("%d are matched; want 2", r.Notes.Matched)
	}
	if _, err := metrics.EvaluateNotes(ref, audiosep.Notes{{Onset: 1, Offset: 0}}); err == nil || !strings.Contains(err.Error(), "estimate") {
		t.Errorf("a note that ends before it begins: %v", err)
	}
	for name, write := range map[string]func(*metrics.NoteReport) (string, error){
		"text": func(r *metrics.NoteReport) (string, error) {
			var b bytes.Buffer
			err := r.WriteText(&b)
			return b.String(), err
		},
		"csv": func(r *metrics.NoteReport) (string, error) {
			var b bytes.Buffer
			err := r.WriteCSV(&b)
			return b.String(), err
		},
		"json": func(r *metrics.NoteReport) (string, error) {
			var b bytes.Buffer
			err := r.WriteJSON(&b)
			return b.String(), err
		},
	} {
		if text, err := write(r); err != nil || !strings.Contains(text, "note_with_offset") {
			t.Errorf("%s: %v\n%s", name, err, text)
		}
	}
}
