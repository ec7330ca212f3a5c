package notes_test

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/notes"
	"github.com/audiosep/audiosep/transforms"
)

// TestAlignRecordings has scores of recordings 300 ms late, and tells how far from their true places the aligned notes
// begin: the onset of an instrument that speaks slowly is heard later than it is written.
func TestAlignRecordings(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	data := os.Getenv("AUDIOSEP_DATA")
	if data == "" {
		t.Skip("AUDIOSEP_DATA is not set: no recordings")
	}
	scores, err := filepath.Glob(filepath.Join(data, "audio", "*", "notes.csv"))
	if err != nil || len(scores) == 0 {
		t.Skipf("no scores: %v", err)
	}
	for _, path := range scores {
		mix, err := audio.Open(filepath.Join(filepath.Dir(path), "mix.wav"))
		if err != nil {
			t.Fatal(err)
		}
		defer mix.Close()
		x, err := transforms.STFT(t.Context(), mix, transforms.Frame(4096, 0.75, "hann"))
		if err != nil {
			t.Fatal(err)
		}
		late := truth(t, path)
		for i := range late {
			late[i].Onset, late[i].Offset = late[i].Onset+0.3, late[i].Offset+0.3
		}
		s, err := notes.NewAlignNotes(notes.DefaultAlignNotes())
		if err != nil {
			t.Fatal(err)
		}
		out, err := s.Run(t.Context(), audiosep.Env{}, notes.AlignNotesIn{Notes: late, Power: audiosep.PowerOf(x, nil)})
		if err != nil {
			t.Fatal(err)
		}
		var mean, most, bias float64
		for i, n := range out.Notes {
			off := n.Onset - (late[i].Onset - 0.3)
			mean, most, bias = mean+math.Abs(off), max(most, math.Abs(off)), bias+off
		}
		count := float64(len(out.Notes))
		t.Logf("%-22s %3.0f notes: onsets are off by %3.0f ms in the mean, %3.0f at most; %+4.0f with their signs", filepath.Base(filepath.Dir(path)), count, 1e3*mean/count, 1e3*most, 1e3*bias/count)
		if mean/count > 0.1 {
			t.Errorf("%s: onsets are off by %.0f ms in the mean; want 100", path, 1e3*mean/count)
		}
	}
}

// truth reads the notes of a file.
func truth(t *testing.T, path string) audiosep.Notes {
	t.Helper()
	s, err := notes.NewReadNotes(notes.ReadNotesParams{File: path})
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.Run(t.Context(), audiosep.Env{}, notes.None{})
	if err != nil {
		t.Fatal(err)
	}
	return out.Notes
}
