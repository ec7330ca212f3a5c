package nets

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/audiosep/audiosep"
)

func speechIn(t *testing.T, p FindSpeechParams, x *audiosep.Signal) audiosep.Notes {
	t.Helper()
	s, err := NewFindSpeech(p)
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.Run(t.Context(), audiosep.Env{}, In{x})
	if err != nil {
		t.Fatal(err)
	}
	if err := out.Notes.Validate(); err != nil {
		t.Fatal(err)
	}
	return out.Notes
}

// Speech between two stretches of noise is found where it is, at any rate and level; its source is
// that of denoise.
func TestFindSpeech(t *testing.T) {
	words := talk(t).Data[0]
	r := rand.New(rand.NewPCG(1, 2))
	x := &audiosep.Signal{Rate: 16000, Data: [][]float64{make([]float64, 3*16000)}}
	for i := range x.Data[0] {
		x.Data[0][i] = 0.003 * r.NormFloat64()
	}
	for i, v := range words {
		x.Data[0][20000+i] += v
	}
	n := speechIn(t, DefaultFindSpeech(), x)
	if len(n) == 0 || math.Abs(n[0].Onset-1.25) > 0.15 || math.Abs(n[len(n)-1].Offset-2) > 0.15 || n[0].Source != "speech" || !math.IsNaN(n[0].Pitch) {
		t.Errorf("speech from 1.25 to 2 s is found at %v", n)
	}
	p := DefaultFindSpeech()
	p.Rest = true
	if got := speechIn(t, p, x); len(got) != len(n)+1 || got[0].Source != "rest" || got[0].Onset != 0 || got[0].Offset != 3 {
		t.Errorf("with rest there are %v", got)
	}
	p = DefaultFindSpeech()
	p.Shortest = 2
	if got := speechIn(t, p, x); len(got) > 0 {
		t.Errorf("what is shorter than 2 s is found: %v", got)
	}
}

// In silence, and in no samples, there is no speech.
func TestFindNoSpeech(t *testing.T) {
	for _, samples := range []int{0, 1, 159, 160, 16000} {
		if n := speechIn(t, DefaultFindSpeech(), &audiosep.Signal{Rate: 16000, Data: [][]float64{make([]float64, samples)}}); len(n) > 0 {
			t.Errorf("%d samples of silence have %v", samples, n)
		}
	}
}

// Regions are steps in which speech is loud enough, beside the loudest and beside the rest, with
// short pauses between them and no short ones alone.
func TestSpeechRegions(t *testing.T) {
	s, err := NewFindSpeech(FindSpeechParams{Range: 20, Gap: 0.03, Shortest: 0.02})
	if err != nil {
		t.Fatal(err)
	}
	loud := func(steps ...int) []float64 {
		x := make([]float64, 60)
		for _, i := range steps {
			x[i] = 1
		}
		return x
	}
	speech := loud(2, 3, 7, 8, 13, 14, 20, 30, 31, 32, 33)
	speech[40], speech[41], speech[50], speech[51] = 0.02, 0.02, 0.005, 0.005
	rest := make([]float64, 60)
	rest[32], rest[33] = 11, 9
	// 7 is three steps behind 3, 13 four behind 8; 20 is alone; in 32 the rest is too loud.
	want := [][2]float64{{0.02, 0.09}, {0.13, 0.15}, {0.3, 0.34}, {0.4, 0.42}}
	got := s.regions(speech, rest, 0.01)
	if len(got) != len(want) {
		t.Fatalf("they are %v; want %v", got, want)
	}
	for i := range got {
		if math.Abs(got[i][0]-want[i][0]) > 1e-9 || math.Abs(got[i][1]-want[i][1]) > 1e-9 {
			t.Errorf("they are %v; want %v", got, want)
		}
	}
	rest[31], rest[30], rest[33] = 11, 11, 11
	if got := s.regions(speech, rest, 0.01); len(got) != 3 {
		t.Errorf("where the rest is louder there is speech: %v", got)
	}
}
