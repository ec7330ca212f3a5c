package multichannel

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/audiosep/audiosep"
)

// Without reflections a source is heard after d/c with the amplitude 1/d, at any frequency
// up to four fifths of half the rate.
func TestFreeField(t *testing.T) {
	p := DefaultMixRoom()
	p.T60, p.Microphones, p.Distance, p.Angles = 0, 3, 2, []float64{40, 200}
	p.Room = []float64{9, 8, 3}
	microphones, places, err := p.Positions(2)
	if err != nil {
		t.Fatal(err)
	}
	const rate, samples = 16000, 3000
	for _, hz := range []float64{100, 1000, 3333, 6400} {
		dry := make([][]float64, 2)
		for n := range dry {
			for i := range samples {
				dry[n] = append(dry[n], math.Sin(2*math.Pi*hz*float64(i)/rate))
			}
		}
		images, err := p.Images(t.Context(), dry, rate)
		if err != nil {
			t.Fatal(err)
		}
		for n, im := range images {
			for c, x := range im.Data {
				d := math.Sqrt(math.Pow(places[n][0]-microphones[c][0], 2) + math.Pow(places[n][1]-microphones[c][1], 2) + math.Pow(places[n][2]-microphones[c][2], 2))
				for i := 500; i < samples; i++ {
					want := math.Sin(2*math.Pi*hz*(float64(i)/rate-d/343)) / d
					if math.Abs(x[i]-want) > 2e-3/d {
						t.Fatalf("%g Hz, source %d, microphone %d, sample %d: %v; want %v", hz, n, c, i, x[i], want)
					}
				}
			}
		}
	}
}

// The response decays by 60 dB in T60, averaged over places, within 10 %. That is so in the
// upper half of the band: at low frequencies, where images do not add up by energy, rooms
// resound longer.
func TestReverberationDecays(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	const rate, rooms = 8000, 4
	for _, t60 := range []float64{0.15, 0.3} {
		var mean float64
		for seed := range uint64(rooms) {
			p := DefaultMixRoom()
			p.T60, p.Seed = t60, seed
			microphones, places, err := p.Positions(1)
			if err != nil {
				t.Fatal(err)
			}
			h := NewRoom([3]float64(p.Room), t60, rate).Response(places[0], microphones[0])
			at := slices.IndexFunc(h, func(v float64) bool { return math.Abs(v) > 0.3/p.Distance })
			energy := make([]float64, len(h)-at)
			for i := range energy {
				high := h[at+i] - 2*h[at+i-1] + h[at+i-2]
				energy[i] = high * high
			}
			mean += decayTime(energy) / rate / rooms
		}
		if math.Abs(mean-t60) > 0.1*t60 {
			t.Errorf("sound decays in %.3f s; want %.3f s", mean, t60)
		}
	}
}

// decayTime finds the rate of an exponential decay.
func TestDecayTime(t *testing.T) {
	energy := make([]float64, 5000)
	for i := range energy {
		energy[i] = math.Pow(10, -6*float64(i)/1000)
	}
	if got := decayTime(energy); math.Abs(got-1000) > 1 {
		t.Errorf("60 dB take %v; want 1000", got)
	}
}

// convolve is the convolution, cut to the length of the recording.
func TestConvolve(t *testing.T) {
	x, h := talkers(1, 1, 500)[0], talkers(2, 1, 37)[0]
	y := convolve(x, h)
	for i := range x {
		var want float64
		for j := range min(len(h), i+1) {
			want += h[j] * x[i-j]
		}
		if math.Abs(y[i]-want) > 1e-12 {
			t.Fatalf("sample %d is %v; want %v", i, y[i], want)
		}
	}
}

// The images are named after the stages that they come from, and sum to the mixture; a short
// recording is padded.
func TestMixRoomNames(t *testing.T) {
	s, err := NewMixRoom(DefaultMixRoom())
	if err != nil {
		t.Fatal(err)
	}
	dry := talkers(4, 2, 3000)
	in := MixRoomIn{[]audiosep.Source{
		&audiosep.Signal{Rate: 8000, Data: dry[:1]}, &audiosep.Signal{Rate: 8000, Data: [][]float64{dry[1][:2000]}}}}
	out, err := s.Run(t.Context(), audiosep.Env{Wiring: map[string][]string{"dry": {"ann", "bob"}}}, in)
	if err != nil {
		t.Fatal(err)
	}
	if names := out.Sources.Names(); !slices.Equal(names, []string{"ann", "bob"}) {
		t.Errorf("the sources are called %v; want ann and bob", names)
	}
	if h := out.Sources.Head(); h.Samples != 3000 || h.Channels != 2 {
		t.Errorf("the images have %d samples on %d channels; want 3000 on 2", h.Samples, h.Channels)
	}
}

func TestMixRoomRefuses(t *testing.T) {
	for params, want := range map[string]string{
		`{"room": [6, 5]}`: "parameter room has 2 numbers; want 3: length, width and height",
		`{"distance": 4}`:  "parameter room is 6 m by 5 m, and the sources and microphones reach 4.2 m from its middle; want less than half of its width",
	} {
		if _, err := mixRoomStage.Build([]byte(params)); fmt.Sprint(err) != want {
			t.Errorf("%s: %v; want %s", params, err, want)
		}
	}
	p := DefaultMixRoom()
	p.Angles = []float64{90}
	s, err := NewMixRoom(p)
	if err != nil {
		t.Fatal(err)
	}
	one := &audiosep.Signal{Rate: 8000, Data: talkers(1, 1, 100)}
	other := &audiosep.Signal{Rate: 16000, Data: talkers(1, 1, 100)}
	for want, in := range map[string][]audiosep.Source{
		"parameter angles has 1 number, and there are 2 sources; want one for each": {one, one},
		"recording 2 has 16000 Hz; want 8000 Hz, as the first: resample changes it": {one, other},
		"recording 1 has 2 realisations; want one":                                  {&audiosep.Signal{Rate: 8000, Channels: 1, Data: talkers(1, 2, 100)}},
	} {
		if _, err := s.Run(t.Context(), audiosep.Env{}, MixRoomIn{in}); fmt.Sprint(err) != want {
			t.Errorf("got %v; want %s", err, want)
		}
	}
}
