package main

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/audiosep/audiosep"
)

// generatedStems are two notes with their overtones that sound by turns and together, with a little
// noise in the one.
func generatedStems() stemmed {
	const rate, n = 8000, 3 * 8000
	r := stemmed{mix: &audiosep.Signal{Rate: rate, Channels: 1, Data: [][]float64{make([]float64, n)}}}
	rng := benchRand(32)
	for i, pitch := range []float64{220, 311} {
		stem := make([]float64, n)
		for j := range stem {
			t := float64(j) / rate
			for overtone := 1.0; overtone <= 5; overtone++ {
				stem[j] += math.Sin(2*math.Pi*pitch*overtone*t) / overtone
			}
			stem[j] = 0.2*stem[j]*math.Abs(math.Sin((1.3+0.9*float64(i))*t)) + 1e-3*float64(i)*rng.NormFloat64()
			r.mix.Data[0][j] += stem[j]
		}
		r.stems = append(r.stems, stem)
	}
	return r
}

// TestSeparationInSinglePrecision: with precision float32 the SI-SDR of stems is that of float64 to 0.05 dB,
// from the same start, on what is generated and, where AUDIOSEP_DATA is set, on a recording: of the
// divergence of Itakura and Saito, whose powers have the most decades, and of all with AUDIOSEP_RELEASE.
func TestSeparationInSinglePrecision(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	all := map[string]stemmed{"generated": generatedStems()}
	if data := os.Getenv("AUDIOSEP_DATA"); data != "" && !testing.Short() {
		const name = "piano4_allpairs"
		r, err := openStems(filepath.Join(data, "audio", name, "mix.wav"))
		if err != nil {
			t.Log(err) // a folder of other data
		} else {
			all[name] = r
		}
	}
	b := startsBench{starts: 1}
	for name, r := range all {
		kinds := startsKinds
		if name != "generated" && os.Getenv("AUDIOSEP_RELEASE") == "" {
			kinds = kinds[:1]
		}
		for _, kind := range kinds {
			high, err := b.separation(t.Context(), kind, "mm", r)
			if err != nil {
				t.Fatal(err)
			}
			low, err := b.separation(t.Context(), kind, "mm/float32", r)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%s, %s: %.5f dB in float64, %.5f in float32", name, kind, high[0], low[0])
			if !(math.Abs(high[0]-low[0]) <= 0.05) {
				t.Errorf("%s, %s: SI-SDR is %.3f dB in float64, %.3f in float32; want 0.05 dB between them at most", name, kind, high[0], low[0])
			}
		}
	}
}
