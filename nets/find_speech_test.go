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
