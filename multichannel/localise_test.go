package multichannel

import (
	"bytes"
	"fmt"
	"log/slog"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/floats"

	"github.com/audiosep/audiosep"
)

// Sources in a room are found within 6° of where they are, and put in order when asked.
func TestLocalise(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	for _, t60 := range []float64{0, 0.1} {
		room := DefaultMixRoom()
		room.T60, room.Microphones, room.Angles = t60, 3, []float64{130, 40, 85}
		images, err := room.Images(t.Context(), talkers(9, 3, 64000), 16000)
		if err != nil {
			t.Fatal(err)
		}
		mix := &audiosep.Signal{Rate: 16000, Channels: 3, Data: make([][]float64, 3)}
		for c := range mix.Data {
			mix.Data[c] = make([]float64, 64000)
			for _, im := range images {
				for i, v := range im.Data[c] {
					mix.Data[c][i] += v
				}
			}
		}
		p := DefaultIVA()
		p.Spacing, p.Order = room.Spacing, "angle"
		var log bytes.Buffer
		stems := separate(t, iva(t, p), spectra(t, mix, 1024), audiosep.Env{Log: slog.New(slog.NewTextHandler(&log, nil))})
		for n, want := range []float64{40, 85, 130} {
			var source int
			var angle float64
			line := strings.Split(log.String(), "\n")[n]
			if _, err := fmt.Sscanf(line[strings.Index(line, "source="):], "source=%d angle=%f", &source, &angle); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			if source != n+1 || math.Abs(angle-want) > 6 {
				t.Errorf("T60 %v s: source %d is at %v°; want source %d at %v°", t60, source, angle, n+1, want)
			}
		}
		for n, i := range []int{1, 2, 0} { // by angle
			if got := siSDR(stems[n].Data[0], images[i].Data[0]); got < 8 {
				t.Errorf("T60 %v s: source %d has an SI-SDR of %.1f dB; want 8", t60, n+1, got)
			}
		}
	}
}

// In a recording itself the directions of talkers are found within 5°, the same bits on any number
// of threads; a recording of silence has none.
func TestLocaliseRecording(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	for _, t60 := range []float64{0, 0.2} {
		room := DefaultMixRoom()
		room.T60, room.Microphones, room.Angles = t60, 3, []float64{130, 40, 85}
		images, err := room.Images(t.Context(), talkers(9, 3, 48000), 16000)
		if err != nil {
			t.Fatal(err)
		}
		mix := &audiosep.Signal{Rate: 16000, Channels: 3, Data: make([][]float64, 3)}
		for c := range mix.Data {
			mix.Data[c] = make([]float64, 48000)
			for _, im := range images {
				floats.Add(mix.Data[c], im.Data[c])
			}
		}
		p := DefaultLocalise()
		p.Spacing, p.Sources = room.Spacing, 3
		run := func(threads int) *Directions {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(threads))
			d, err := Localise(t.Context(), spectra(t, mix, 1024), p)
			if err != nil {
				t.Fatal(err)
			}
			return d
		}
		got := run(1)
		if !slices.Equal(run(3).Map, got.Map) {
			t.Errorf("T60 %v s: on 3 threads the map differs", t60)
		}
		var angles []float64
		for _, f := range got.Found {
			angles = append(angles, f.Angle)
		}
		slices.Sort(angles)
		for n, want := range []float64{40, 85, 130} {
			if len(angles) != 3 || math.Abs(angles[n]-want) > 5 {
				t.Errorf("T60 %v s: sources were found at %v°; want 40, 85 and 130", t60, angles)
				break
			}
		}
	}
	silence := &audiosep.Signal{Rate: 8000, Channels: 2, Data: [][]float64{make([]float64, 9000), make([]float64, 9000)}}
	p := DefaultLocalise()
	p.Spacing = 0.1
	if d, err := Localise(t.Context(), spectra(t, silence, 256), p); err != nil || len(d.Found) != 0 {
		t.Errorf("in silence there is %v, %v; want nothing", d, err)
	}
}

func TestLocaliseRefuses(t *testing.T) {
	stereo := &audiosep.Signal{Rate: 8000, Channels: 2, Data: talkers(1, 2, 4000)}
	mono := &audiosep.Signal{Rate: 8000, Data: talkers(1, 1, 4000)}
	for want, x := range map[string]audiosep.Spectra{
		"the spacing is 0 m; want the distance from one microphone to the next": spectra(t, stereo, 256),
		"the recording has one channel; want at least two microphones":          spectra(t, mono, 256),
	} {
		if _, err := Localise(t.Context(), x, DefaultLocalise()); fmt.Sprint(err) != want {
			t.Errorf("got %v; want %s", err, want)
		}
	}
}

func TestOrderNeedsSpacing(t *testing.T) {
	const want = "parameter order is angle, and spacing is not known; want the distance of the microphones"
	for _, def := range []audiosep.Definition{ivaStage, ilrmaStage} {
		if _, err := def.Build([]byte(`{"order": "angle"}`)); fmt.Sprint(err) != want {
			t.Errorf("%s: got %v; want %s", def.Name, err, want)
		}
	}
	p := DefaultIVA()
	p.Order = "angle"
	if _, err := NewIVA(p); fmt.Sprint(err) != want {
		t.Errorf("got %v; want %s", err, want)
	}
}
