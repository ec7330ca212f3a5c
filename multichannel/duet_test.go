package multichannel

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/audiosep/audiosep"
)

// panTo mixes sources to positions in °, and returns the images too.
func panTo(sources [][]float64, positions ...float64) (mix *audiosep.Signal, images [][][]float64) {
	mix = &audiosep.Signal{Rate: 8000, Channels: 2, Data: [][]float64{make([]float64, len(sources[0])), make([]float64, len(sources[0]))}}
	for n, s := range sources {
		sin, cos := math.Sincos((positions[n] + 45) * math.Pi / 180)
		images = append(images, [][]float64{make([]float64, len(s)), make([]float64, len(s))})
		for c, gain := range []float64{cos, sin} {
			for t, v := range s {
				images[n][c][t] = gain * v
				mix.Data[c][t] += gain * v
			}
		}
	}
	return mix, images
}

func duet(t testing.TB, p DUETParams) *DUET {
	t.Helper()
	s, err := NewDUET(p)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Three panned talkers are found and told apart, from left to right, the same bits on any number
// of threads; mwf_em takes more of them apart; all of them sum to the mixture.
func TestDUETSeparates(t *testing.T) {
	mix, images := panTo(talkers(7, 3, 30000), -30, 5, 35)
	x := spectra(t, mix, 256)
	p := DefaultDUET()
	p.Sources = 3
	stems := separate(t, duet(t, p), x, audiosep.Env{})
	var masked float64
	for n, im := range images { // in this order
		masked += (siSDR(stems[n].Data[0], im[0]) - siSDR(mix.Data[0], im[0])) / 3
	}
	estimates, err := audiosep.NewStems([]string{"1", "2", "3"}, stems)
	if err != nil {
		t.Fatal(err)
	}
	var filtered float64
	for n, s := range mwfEM(t, t.Context(), 2, x, estimates) {
		filtered += (siSDR(s.Data[0], images[n][0]) - siSDR(mix.Data[0], images[n][0])) / 3
	}
	if masked < 6 || filtered < masked+1 {
		t.Errorf("SI-SDR is %.1f dB above the mixture's, and %.1f dB after mwf_em; want 6 dB, and 1 dB more", masked, filtered)
	}
	for i, want := range mix.Data[1] {
		if sum := stems[0].Data[1][i] + stems[1].Data[1][i] + stems[2].Data[1][i]; math.Abs(sum-want) > 1e-12 {
			t.Fatalf("the sources sum to %v at sample %d; want %v", sum, i, want)
		}
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for j, s := range separate(t, duet(t, p), x, audiosep.Env{}) {
		if !slices.Equal(s.Data[0], stems[j].Data[0]) {
			t.Errorf("on one thread source %d differs", j+1)
		}
	}
}

// Positions are found within 1.5°, whatever the level.
func TestDUETPositions(t *testing.T) {
	want := []float64{-38, -12, 20}
	for _, gain := range []float64{1, 1e-6} {
		mix, _ := panTo(talkers(5, 3, 30000), want...)
		for _, x := range mix.Data {
			for i := range x {
				x[i] *= gain
			}
		}
		got, found, err := (&DUET{DUETParams{Sources: 3}}).find(t.Context(), spectra(t, mix, 256))
		if err != nil || found != 3 {
			t.Fatalf("%d positions, %v; want 3", found, err)
		}
		for i, p := range got {
			if math.Abs(p-want[i]) > 1.5 {
				t.Errorf("positions %v; want %v", got, want)
				break
			}
		}
	}
}

// What is louder or softer by a power of two is separated as it is, also where squares of its coefficients are out of range.
func TestDUETScales(t *testing.T) {
	mix, _ := panTo(talkers(7, 2, 6000), -30, 20)
	p := DefaultDUET()
	p.Sources = 2
	want := separate(t, duet(t, p), spectra(t, mix, 256), audiosep.Env{})
	for _, exponent := range []int{-900, -600, 600, 900} {
		for n, got := range separate(t, duet(t, p), spectra(t, scaled(mix, exponent), 256), audiosep.Env{}) {
			for i, v := range got.Data[0] {
				if off := math.Ldexp(v, -exponent) - want[n].Data[0][i]; !(math.Abs(off) < 1e-12) {
					t.Fatalf("2^%d: sample %d of stem %d is off by %g", exponent, i, n, off)
				}
			}
		}
	}
	out, err := duet(t, p).Run(t.Context(), audiosep.Env{}, In{spectra(t, scaled(mix, 1023), 256)})
	if err == nil {
		_, err = audiosep.Collect(t.Context(), out.Sources)
	}
	if err == nil || !strings.Contains(err.Error(), "not finite") {
		t.Errorf("2^1023: error is %v", err)
	}
}

func TestDUETRefuses(t *testing.T) {
	if _, err := duetStage.Build([]byte(`{"sources": 2, "positions": [1]}`)); fmt.Sprint(err) != "parameter positions has 1 entry; want 2, one for each source, or none" {
		t.Errorf("got %v", err)
	}
	mono := &audiosep.Signal{Rate: 8000, Data: talkers(1, 1, 4000)}
	const want = "the recording has 1 channel; want two, left and right"
	if _, err := duet(t, DefaultDUET()).Run(t.Context(), audiosep.Env{}, In{spectra(t, mono, 256)}); fmt.Sprint(err) != want {
		t.Errorf("got %v; want %s", err, want)
	}
}
