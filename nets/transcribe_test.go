package nets

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/internal/kernel"
)

// piano is the project's recording of four notes.
func piano(t *testing.T) *audiosep.Signal {
	t.Helper()
	s, _, err := audio.ReadFile("../examples/piano/mix.wav")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// pianoWindow is the first window of the piano.
func pianoWindow(t *testing.T) []float64 {
	t.Helper()
	x := piano(t)
	h, _ := x.Head(t.Context())
	read, _ := monoAt(x, h, pitchRate)
	window := [][]float64{make([]float64, pitchSamples)}
	if err := read(t.Context(), window, 0); err != nil {
		t.Fatal(err)
	}
	return window[0]
}

// What the network makes of a window is what TensorFlow.js makes of it, on every path of the
// kernels: basicpitch/ORIGIN.md.
func TestBasicPitchLikePeer(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	want := float32s(t, "testdata/basicpitch-out.f32")
	for _, path := range []string{"avx512", "avx2", "neon", "go"} {
		restore, ok := kernel.Use(path)
		if !ok {
			continue
		}
		b, err := loadBasicPitch()
		if err != nil {
			t.Fatal(err)
		}
		s := b.state()
		s.run(pianoWindow(t))
		restore()
		var got []float64
		for f := 4; f < pitchFrames; f += 8 {
			got = append(append(got, s.note.Row(0, f)...), s.onset.Row(0, f)...)
		}
		if d := furthest(got, want); len(got) != len(want) || !(d < 1e-4) || slices.Max(got) < 0.7 {
			t.Errorf("%s: one of %d numbers is off by %g, the greatest is %v; want at most 1e-4 of %d, and notes", path, len(got), d, slices.Max(got), len(want))
		}
	}
}

// madeUp are the posteriors that basicpitch/events.py makes.
func madeUp(seed uint32) *posteriors {
	state := seed
	draw := func(n uint32) int {
		state = state*1664525 + 1013904223
		return int((state >> 8) % n)
	}
	const frames = 600
	p := &posteriors{frames: frames, note: make([]float32, frames*pitches), onset: make([]float32, frames*pitches)}
	for _, x := range [][]float32{p.note, p.onset} {
		for i := range x {
			x[i] = float32(draw(512)) / 4096
		}
	}
	for range 120 {
		start, length, pitch, level, attack := draw(frames), 4+draw(60), draw(88), 800+draw(3000), draw(4096)
		for t := start; t < min(frames, start+length); t++ {
			at := t*pitches + pitch
			p.note[at] = max(p.note[at], float32(level+draw(256))/4096)
		}
		at := start*pitches + pitch
		p.onset[at] = max(p.onset[at], float32(attack)/4096)
	}
	return p
}

// Notes are those that the authors' code makes of the same posteriors.
func TestNoteEventsLikePeer(t *testing.T) {
	f, err := os.Open("testdata/note_events.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want := make([][]event, 4)
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var c int
		var e event
		if _, err := fmt.Sscan(lines.Text(), &c, &e.from, &e.to, &e.pitch, &e.amplitude); err != nil {
			t.Fatal(err)
		}
		e.pitch -= lowestPitch
		want[c] = append(want[c], e)
	}
	for c, p := range []TranscribeParams{
		{Onset: 0.5, Frame: 0.3, Shortest: 0.1277, Infer: true, Rest: true}, {Onset: 0.3, Frame: 0.2, Shortest: 0.058, Infer: true},
		{Onset: 0.6, Frame: 0.4, Shortest: 0.1277, Rest: true}, {Onset: 0.5, Frame: 0.3, Infer: true, Rest: true},
	} {
		p.Lowest, p.Highest = lowestPitch, lowestPitch+pitches-1
		e := &events{posteriors: madeUp(uint32(c + 1)), p: p, shortest: []int{11, 5, 11, 0}[c]}
		e.find()
		if len(e.found) != len(want[c]) || len(e.found) < 20 {
			t.Errorf("case %d: there are %d notes; want %d", c, len(e.found), len(want[c]))
			continue
		}
		for i, got := range e.found {
			w := want[c][i]
			if got.from != w.from || got.to != w.to || got.pitch != w.pitch || math.Abs(got.amplitude-w.amplitude) > 1e-5 {
				t.Errorf("case %d: note %d is %v; want %v", c, i, got, w)
				break
			}
		}
	}
}

// An onset is greater than those beside it: two frames alike are none.
func TestOnsetsArePeaks(t *testing.T) {
	for second, want := range map[float32]int{0.8: 0, 0.7: 1} {
		p := &posteriors{frames: 100, note: make([]float32, 100*pitches), onset: make([]float32, 100*pitches)}
		for f := 20; f < 60; f++ {
			p.note[f*pitches+40] = 0.9
		}
		p.onset[20*pitches+40], p.onset[21*pitches+40] = 0.8, second
		e := &events{posteriors: p, p: TranscribeParams{Onset: 0.5, Frame: 0.3, Lowest: 21, Highest: 108}, shortest: 5}
		if e.find(); len(e.found) != want {
			t.Errorf("onsets of 0.8 and %v make %d notes; want %d", second, len(e.found), want)
		}
	}
}

func transcribed(t *testing.T, p TranscribeParams, x audiosep.Source) audiosep.Notes {
	t.Helper()
	s, err := NewTranscribe(p)
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

// The piano's four notes together, then in pairs, are found, and beside them a few short ones.
func TestTranscribePiano(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	heard, err := hearPitches(t.Context(), audiosep.Env{}, piano(t))
	if err != nil {
		t.Fatal(err)
	}
	p := DefaultTranscribe()
	p.Source = "pitch"
	n := heard.notes(p, 15.6)
	var long []string
	for _, note := range n {
		if note.Source != pitchName(int(note.Pitch)) {
			t.Errorf("the pitch %g is called %s", note.Pitch, note.Source)
		}
		if note.Offset-note.Onset > 1 {
			long = append(long, fmt.Sprintf("%.0f:%s", note.Onset/2.24, note.Source))
		}
	}
	slices.Sort(long)
	want := "0:C#4 0:C5 0:F4 0:G#4 1:C5 1:G#4 2:C5 2:F4 3:C#4 3:C5 4:F4 4:G#4 5:C#4 5:G#4 6:C#4 6:F4"
	if got := strings.Join(long, " "); got != want || len(n) > 20 {
		t.Errorf("of %d notes those longer than a second are %s; want %s, and 20 notes at most", len(n), got, want)
	}
	// In registers the lowest part has the lowest pitches, and none crosses another.
	p.Parts = 4
	top := map[string]float64{}
	for _, note := range heard.notes(p, 15.6) {
		if top[note.Source] = max(top[note.Source], note.Pitch); !strings.HasPrefix(note.Source, "part") {
			t.Errorf("a part is called %q", note.Source)
		}
	}
	if top["part1"] >= top["part2"] || top["part2"] >= top["part3"] || top["part3"] >= top["part4"] || len(top) != 4 {
		t.Errorf("the highest pitches of the parts are %v; want four that rise", top)
	}
	p.Parts = 0
	p.Lowest, p.Highest = 65, 68
	some := heard.notes(p, 15.6)
	for _, note := range some {
		if note.Pitch < 65 || note.Pitch > 68 {
			t.Errorf("a note has the pitch %g; want 65 to 68", note.Pitch)
		}
	}
	if len(some) < 8 {
		t.Errorf("there are %d notes from 65 to 68; want 8", len(some))
	}
}

// Channels are heard as their mean.
func TestTranscribeChannels(t *testing.T) {
	x := piano(t)
	x.Data[0] = x.Data[0][:3*x.Rate]
	mono := transcribed(t, DefaultTranscribe(), x)
	twice := &audiosep.Signal{Rate: x.Rate, Channels: 2, Data: [][]float64{x.Data[0], x.Data[0]}}
	if got := transcribed(t, DefaultTranscribe(), twice); !slices.Equal(got, mono) || len(mono) < 4 {
		t.Errorf("two channels alike have %d notes, one has %d", len(got), len(mono))
	}
}

// Silence, and what is shorter than a frame, has no notes.
func TestTranscribeNothing(t *testing.T) {
	for _, n := range []int{0, 1, 1000, 30000} {
		x := &audiosep.Signal{Rate: 44100, Data: [][]float64{make([]float64, n)}}
		if got := transcribed(t, DefaultTranscribe(), x); len(got) > 0 {
			t.Errorf("%d samples of silence have the notes %v", n, got)
		}
	}
}

func TestTranscribeErrors(t *testing.T) {
	p := DefaultTranscribe()
	p.Lowest, p.Highest = 60, 59
	if _, err := NewTranscribe(p); err == nil || !strings.Contains(err.Error(), "lowest") {
		t.Errorf("lowest above highest: %v", err)
	}
	s, _ := NewTranscribe(DefaultTranscribe())
	for _, x := range []*audiosep.Signal{{Rate: 22050, Data: [][]float64{{0, math.NaN(), 0}}}, {Data: [][]float64{{1}}}} {
		if _, err := s.Notes(t.Context(), audiosep.Env{}, x); err == nil {
			t.Errorf("%v is taken", x)
		}
	}
}
