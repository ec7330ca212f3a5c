package nets

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/metrics"
)

// Of speech over kitchen noise at 3 dB denoise brings SI-SDR up by more than 7 dB, with RNNoise by
// more than 3, and find_speech finds the three sentences.
func TestKitchen(t *testing.T) {
	folder := filepath.Join(os.Getenv("AUDIOSEP_DATA"), "audio", "speech_dishes")
	if _, err := os.Stat(folder); os.Getenv("AUDIOSEP_DATA") == "" || err != nil {
		t.Skip("AUDIOSEP_DATA has no recording speech_dishes")
	}
	read := func(name string) *audiosep.Signal {
		s, _, err := audio.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	mix := read("mix.wav")
	refs := []audiosep.Source{read("stems/speech.wav"), read("stems/noise.wav")}
	for model, want := range map[string]float64{"gtcrn": 7, "rnnoise": 3} {
		speech, rest := denoise(t, by(model), mix)
		r, err := metrics.Evaluate(t.Context(), refs, []audiosep.Source{speech, rest}, mix, metrics.Options{Convention: metrics.SI, Match: metrics.MatchGiven})
		if err != nil {
			t.Fatal(err)
		}
		if gain := r.Sources[0].Metrics[0].Improvement[0]; !(gain > want) {
			t.Errorf("%s: SI-SDR of speech rises by %.2f dB; want more than %v", model, gain, want)
		}
	}
	n := speechIn(t, DefaultFindSpeech(), mix)
	if len(n) != 3 || math.Abs(n[1].Onset-4.26) > 0.1 || math.Abs(n[1].Offset-7.99) > 0.1 {
		t.Errorf("speech is found at %v; want three sentences, the second from 4.26 to 7.99 s", n)
	}
}
