package notes_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/notes"
	"github.com/audiosep/audiosep/pipeline/stagetest"
)

// melody is 20 s of notes of unequal lengths in two parts.
func melody() audiosep.Notes {
	var all audiosep.Notes
	pitches := []float64{60, 64, 67, 65, 62, 69, 71, 72, 67, 64, 65, 57}
	at := 0.5
	for i := 0; at < 19; i++ {
		length := 0.25 + 0.25*float64(i*i%4)
		all = append(all, audiosep.Note{Onset: at, Offset: at + length, Pitch: pitches[i%12], Source: "flute", Velocity: 0.8})
		if i%3 == 0 {
			all = append(all, audiosep.Note{Onset: at, Offset: at + 2*length, Pitch: pitches[(5*i+3)%12] - 12, Source: "bass", Velocity: 0.8})
		}
		at += length
	}
	return all
}

// heard returns the power of notes that decay, with five partials, over a little noise.
func heard(all audiosep.Notes) audiosep.Power {
	const rate, hop, bins, columns = 8000, 160, 801, 1050 // 20 ms, 5 Hz
	v := mat.NewDense(bins, columns, nil)
	for i := range bins {
		for n := range columns {
			v.Set(i, n, 1e-8*(1+float64((i*31+n*17)%13)))
		}
	}
	for _, x := range all {
		for h := 1; h <= 5; h++ {
			bin := int(math.Round(440 * math.Exp2((x.Pitch-69)/12) * float64(h) / 5))
			for n := range columns {
				if at := 0.02 * float64(n); at >= x.Onset && at < x.Offset && bin < bins {
					v.Set(bin, n, v.At(bin, n)+math.Exp(-2*(at-x.Onset))/float64(h*h))
				}
			}
		}
	}
	hz, ones := make([]float64, bins), make([]float64, 2*hop)
	for i := range hz {
		hz[i] = 5 * float64(i)
	}
	for i := range ones {
		ones[i] = 1
	}
	h := audiosep.Head{Rate: rate, Channels: 1, Realisations: 1, Samples: hop*(columns-1) + 1}
	return audiosep.NewPower(v, audiosep.Framing{Head: h, Length: 2 * hop, Hop: hop, Pad: hop, Share: 1, Analysis: ones, Synthesis: ones}, hz)
}

// A score that is late, faster, slower, or played freely, is found again.
func TestAlign(t *testing.T) {
	truth := melody()
	power := heard(truth)
	for name, bend := range map[string]func(float64) float64{
		"as it is": func(t float64) float64 { return t },
		"late":     func(t float64) float64 { return t + 0.3 },
		"early":    func(t float64) float64 { return max(0, t-0.3) },
		"slower":   func(t float64) float64 { return 1.03 * t },
		"faster":   func(t float64) float64 { return 0.9 * t },
		"freely":   func(t float64) float64 { return t + 0.15*math.Sin(t/4) },
	} {
		t.Run(name, func(t *testing.T) {
			bent := make(audiosep.Notes, len(truth))
			for i, n := range truth {
				bent[i] = n
				bent[i].Onset, bent[i].Offset = bend(n.Onset), bend(n.Offset)
			}
			s, err := notes.NewAlignNotes(notes.DefaultAlignNotes())
			if err != nil {
				t.Fatal(err)
			}
			out, err := s.Run(t.Context(), audiosep.Env{}, notes.AlignNotesIn{Notes: bent, Power: power})
			if err != nil {
				t.Fatal(err)
			}
			for i, n := range out.Notes {
				if math.Abs(n.Onset-truth[i].Onset) > 0.05 || n.Pitch != truth[i].Pitch || n.Source != truth[i].Source {
					t.Errorf("note %d begins at %.3f s; want %.3f", i, n.Onset, truth[i].Onset)
				}
			}
			if err := out.Notes.Validate(); err != nil {
				t.Error(err)
			}
		})
	}
}

// A score whose notes are moved by seconds may be of another recording, which is told.
func TestAlignTellsFarMoves(t *testing.T) {
	truth := melody()
	for late, told := range map[float64]bool{0.3: false, 3: true} {
		bent := make(audiosep.Notes, len(truth))
		for i, n := range truth {
			bent[i] = n
			bent[i].Onset, bent[i].Offset = n.Onset+late, n.Offset+late
		}
		s, err := notes.NewAlignNotes(notes.DefaultAlignNotes())
		if err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		env := audiosep.Env{Log: slog.New(slog.NewTextHandler(&log, nil))}
		if _, err := s.Run(t.Context(), env, notes.AlignNotesIn{Notes: bent, Power: heard(truth)}); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(log.String(), "may be of another recording") != told {
			t.Errorf("%g s late: %s", late, &log)
		}
	}
}

// Whatever the score and the recording are, no note is moved to before the recording begins.
func TestAlignedNotesAreInTheRecording(t *testing.T) {
	s, err := notes.NewAlignNotes(notes.DefaultAlignNotes())
	if err != nil {
		t.Fatal(err)
	}
	truth := melody()
	cut := make(audiosep.Notes, len(truth)) // the recording begins in the middle of the score
	for i, n := range truth {
		cut[i] = n
		cut[i].Onset, cut[i].Offset = n.Onset-8, n.Offset-8
	}
	out, err := s.Run(t.Context(), audiosep.Env{}, notes.AlignNotesIn{Notes: truth, Power: heard(cut)})
	if err != nil {
		t.Fatal(err)
	}
	if err := out.Notes.Validate(); err != nil {
		t.Error(err)
	}
	for i, n := range out.Notes {
		if n.Onset < 0 || n.Offset <= n.Onset {
			t.Errorf("note %d sounds from %g to %g s", i, n.Onset, n.Offset)
		}
	}
}

func TestAlignRefuses(t *testing.T) {
	s, _ := notes.NewAlignNotes(notes.DefaultAlignNotes())
	power := heard(nil)
	if _, err := s.Run(t.Context(), audiosep.Env{}, notes.AlignNotesIn{Power: power}); err == nil {
		t.Error("no notes are aligned")
	}
	v, _ := power.V(t.Context())
	if _, err := s.Run(t.Context(), audiosep.Env{}, notes.AlignNotesIn{Notes: melody(), Power: audiosep.NewPower(v, power.Framing(), nil)}); err == nil {
		t.Error("bins without frequencies are compared")
	}
}

func TestContract(t *testing.T) {
	for _, d := range notes.Stages {
		params := `{"file": "testdata/notes.csv"}`
		if d.Name == "align_notes" {
			params = ``
		}
		if d.Name == "write_notes" {
			params = fmt.Sprintf(`{"file": %q}`, filepath.Join(t.TempDir(), "notes.mid"))
		}
		t.Run(d.Name, func(t *testing.T) { stagetest.Stage(t, d, params) })
	}
}
