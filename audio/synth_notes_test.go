package audio_test

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/internal/npy"
)

// paperSource is the closed form of source i of the paper, written out sample by sample:
// a note's envelope is exp(1-1/(1-x²)) over the 5000 inner points of 5002 from -1 to 1.
func paperSource(f, theta float64, sounds [3]bool) []float64 {
	y := make([]float64, 15000)
	for t := range y {
		if !sounds[t/5000] {
			continue
		}
		x := -1 + 2*float64(t%5000+1)/5001
		phase := 2*math.Pi*f*(float64(t)/5000) + theta // in this order, the most exact
		y[t] = math.Exp(1-1/(1-x*x)) * (0.25*math.Cos(phase) + 0.125*math.Cos(2*phase))
	}
	return y
}

var (
	first  = [3]bool{true, false, true}
	second = [3]bool{false, true, true}
)

func TestSynthNotesClosedForm(t *testing.T) {
	p := audio.PaperNotes()
	p.Realisations = 2
	p.Phases = [][]float64{{0, 1}, {5, 0.3}}
	mixture, sources, err := audio.SynthNotes(p)
	if err != nil {
		t.Fatal(err)
	}
	for r, theta := range p.Phases {
		y1, y2 := paperSource(440, theta[0], first), paperSource(466.16, theta[1], second)
		near(t, sources[0].Data[r], y1, 1e-12)
		near(t, sources[1].Data[r], y2, 1e-12)
		for n := range y1 {
			y1[n] += y2[n]
		}
		near(t, mixture.Data[r], y1, 1e-12)
	}
}

func near(t *testing.T, got, want []float64, tol float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d samples; want %d", len(got), len(want))
	}
	for n := range want {
		if !(math.Abs(got[n]-want[n]) <= tol) {
			t.Fatalf("sample %d is %.15g; want %.15g", n, got[n], want[n])
		}
	}
}

// TestSynthNotesPublished finds the phases of the paper's published realisations and
// makes them again.
func TestSynthNotesPublished(t *testing.T) {
	data := os.Getenv("AUDIOSEP_DATA")
	if data == "" {
		t.Skip("AUDIOSEP_DATA is not set")
	}
	for _, sim := range []string{"sim1", "sim2", "sim3"} {
		want := [][][]float64{load(t, data, sim+"_src1"), load(t, data, sim+"_src2")}
		p := audio.PaperNotes()
		for r := range p.Realisations {
			p.Phases = append(p.Phases, []float64{phaseOf(want[0][r], 440, first), phaseOf(want[1][r], 466.16, second)})
		}
		mixture, sources, err := audio.SynthNotes(p)
		if err != nil {
			t.Fatal(err)
		}
		mix := load(t, data, sim+"_mix")
		for r := range p.Realisations {
			near(t, sources[0].Data[r], want[0][r], 1e-12)
			near(t, sources[1].Data[r], want[1][r], 1e-12)
			near(t, mixture.Data[r], mix[r], 1e-12)
		}
	}
}

// load reads ten realisations.
func load(t *testing.T, data, name string) [][]float64 {
	t.Helper()
	f, err := os.Open(filepath.Join(data, "paper_data", name+".npy"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	all, err := npy.Read(f, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	rows := make([][]float64, 10)
	for r := range rows {
		rows[r] = all.Data[r*15000 : (r+1)*15000]
	}
	return rows
}

// phaseOf estimates θ by least squares, from the fundamental's phase on by Gauss-Newton.
func phaseOf(y []float64, f float64, sounds [3]bool) float64 {
	cos, sin := paperSource(f, 0, sounds), paperSource(f, -math.Pi/2, sounds)
	theta := math.Atan2(-dot(y, sin), dot(y, cos))
	slope := make([]float64, len(y))
	for range 4 {
		const h = 1e-5
		up, down := paperSource(f, theta+h, sounds), paperSource(f, theta-h, sounds)
		residual := paperSource(f, theta, sounds)
		for n := range y {
			slope[n] = (up[n] - down[n]) / (2 * h)
			residual[n] = y[n] - residual[n]
		}
		theta += dot(slope, residual) / dot(slope, slope)
	}
	return theta
}

func dot(a, b []float64) (sum float64) {
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

func TestSynthNotesParts(t *testing.T) {
	mixture, sources, err := audio.SynthNotes(audio.PaperNotes())
	if err != nil {
		t.Fatal(err)
	}
	for part, want := range map[string]*audiosep.Signal{"mix": mixture, "1": sources[0], "2": sources[1]} {
		p := audio.PaperNotes()
		p.Part = part
		if got := readAll(t, p); !reflect.DeepEqual(got, want.Data) {
			t.Errorf("part %s is something else than what SynthNotes returns", part)
		}
	}
	for r, mix := range mixture.Data {
		for n := range mix {
			if mix[n] != sources[0].Data[r][n]+sources[1].Data[r][n] {
				t.Fatalf("realisation %d, sample %d: the mixture is not the sum of its sources", r, n)
			}
		}
	}
}

// TestSynthNotesSeed: a seed's realisations are the same however many there are, and
// others than another seed's.
func TestSynthNotesSeed(t *testing.T) {
	p := audio.PaperNotes()
	ten := readAll(t, p)
	p.Realisations = 3
	if three := readAll(t, p); !reflect.DeepEqual(three, ten[:3]) {
		t.Error("the first three realisations of ten are not the three")
	}
	p.Seed = 2
	if other := readAll(t, p); reflect.DeepEqual(other[0], ten[0]) || reflect.DeepEqual(other[0], other[1]) {
		t.Error("two seeds or two realisations are the same; want other phases")
	}
}

// TestSynthNotesHours: the phase is exact far out, where 2πft/rate has lost its last
// digits: after whole seconds a fundamental of whole Hz starts again.
func TestSynthNotesHours(t *testing.T) {
	p := audio.PaperNotes()
	p.Rate, p.Realisations, p.Envelope, p.Part = 44100, 1, "flat", "1"
	p.SamplesPerNote, p.Pattern = 44100*7200, [][]float64{{1}, {1}}
	s, err := audio.NewSynthNotes(p)
	if err != nil {
		t.Fatal(err)
	}
	start, late := [][]float64{make([]float64, 500)}, [][]float64{make([]float64, 500)}
	ctx := context.Background()
	if err := s.ReadAt(ctx, start, 0); err != nil {
		t.Fatal(err)
	}
	if err := s.ReadAt(ctx, late, 44100*7199); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(start, late) {
		t.Error("the note drifts")
	}
}

func TestSynthNotesEnvelopes(t *testing.T) {
	for envelope, middle := range map[string]float64{"bump": 1, "hann": 1, "decay": math.Pow(10, -1.5), "flat": 1} {
		p := audio.PaperNotes()
		p.Envelope, p.SamplesPerNote, p.Realisations = envelope, 5, 1
		// A fundamental of 0 Hz with phase 0 shows the envelope alone.
		p.Fundamentals, p.Amplitudes, p.Phases = []float64{0, 0}, []float64{1}, [][]float64{{0, 0}}
		p.Pattern = [][]float64{{0, 0.5}, {0, 0}}
		got := readAll(t, p)[0]
		near(t, got[:5], make([]float64, 5), 0)
		near(t, got[7:8], []float64{0.5 * middle}, 1e-15)
	}
}

// readAll reads the notes in blocks of 4096, from before the start to behind the end.
func readAll(t *testing.T, p audio.SynthNotesParams) [][]float64 {
	t.Helper()
	s, err := audio.NewSynthNotes(p)
	if err != nil {
		t.Fatal(err)
	}
	h, err := s.Head(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	all := make([][]float64, h.Layers())
	for at := -4096; at < h.Samples+4096; at += 4096 {
		block := make([][]float64, h.Layers())
		for l := range block {
			block[l] = make([]float64, 4096)
		}
		if err := s.ReadAt(context.Background(), block, at); err != nil {
			t.Fatal(err)
		}
		for l := range block {
			all[l] = append(all[l], block[l]...)
		}
	}
	for l := range all {
		near(t, all[l][:4096], make([]float64, 4096), 0)
		near(t, all[l][4096+h.Samples:], make([]float64, len(all[l])-4096-h.Samples), 0)
		all[l] = all[l][4096 : 4096+h.Samples]
	}
	return all
}

func TestSynthNotesRefuses(t *testing.T) {
	for _, c := range []struct{ params, want string }{
		{`{"fundamentals": [440]}`, "parameter pattern has 2 sources; want 1, as fundamentals has"},
		{`{"fundamentals": [], "pattern": [[1]]}`, "parameter fundamentals is empty; want one for each source\nparameter pattern has 1 source; want 0, as fundamentals has"},
		{`{"fundamentals": [440, 1250]}`, "parameter fundamentals/1 is 1250 Hz, so that its highest harmonic has 2500 Hz; want less than half the rate, 2500 Hz"},
		{`{"pattern": [[1, 0], [1]]}`, "parameter pattern/1 has 1 slots; want 2, at least 1"},
		{`{"phases": [[0, 0]]}`, "parameter phases has 1 realisation; want 10"},
		{`{"realisations": 1, "phases": [[0]]}`, "parameter phases/0 has 1 source; want 2"},
		{`{"part": "3"}`, `parameter part is "3"; want mix, or 1 to 2`},
		{`{"amplitudes": []}`, "parameter amplitudes is empty; want one for each harmonic"},
	} {
		if _, err := build(t, "synth_notes", c.params); err == nil || err.Error() != c.want {
			t.Errorf("%s: %v; want %s", c.params, err, c.want)
		}
	}
}
