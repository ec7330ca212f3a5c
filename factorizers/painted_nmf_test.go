package factorizers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/transforms"
	"gonum.org/v1/gonum/mat"
)

// On 1000 random small problems the objective never rises, by either update, and is that of
// the model as its definition has it.
func TestPaintedNMFIsMonotone(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for trial := range 1000 {
		bins, cols, sources, each := 1+rng.IntN(8), 1+rng.IntN(8), 1+rng.IntN(3), 1+rng.IntN(4)
		v := mat.NewDense(bins, cols, nil)
		for i := range v.RawMatrix().Data {
			v.RawMatrix().Data[i] = max(0, rng.NormFloat64()) * math.Pow(10, 2*rng.NormFloat64())
		}
		penalty, names := make([][]float64, sources), make([]string, sources)
		for j := range penalty {
			names[j] = fmt.Sprint(j)
			for i := 0; rng.IntN(3) > 0 && i < bins*cols; i++ {
				penalty[j] = append(penalty[j], math.Exp(-10*rng.Float64()))
			}
			if len(penalty[j]) < bins*cols {
				penalty[j] = nil
			}
		}
		m := newPainted(v, penalty, each, 1e-9)
		if err := m.start(audiosep.Env{Seed: uint64(trial)}, names, nil); err != nil {
			t.Fatal(err)
		}
		before := m.compare()
		if want := paintedDivergence(m, v); math.Abs(before-want) > 1e-9*(1+mat.Sum(v)) {
			t.Fatalf("trial %d: the objective is %v; want %v", trial, before, want)
		}
		for i := range 20 {
			m.update(i%2 == 0)
			after := m.compare()
			if after > before+1e-12*(1+mat.Sum(v)) {
				t.Fatalf("trial %d, update %d raised the objective from %v to %v", trial, i, before, after)
			}
			before = after
		}
	}
}

// paintedDivergence is the objective of m, summed by hand.
func paintedDivergence(m *paintedModel, v *mat.Dense) (sum float64) {
	for f := range m.bins {
		for n := range m.cols {
			x, y := v.At(f, n)+m.eps, m.eps
			for j := range m.w {
				for k := range m.each {
					part := m.w[j].Data[k*m.bins+f] * m.h[j].Data[n*m.each+k]
					if p := m.penalty[j]; p != nil {
						part *= p[n*m.bins+f]
					}
					y += part
				}
			}
			sum += x*math.Log(x/y) - x + y
		}
	}
	return sum
}

// tones is a recording of two tones that sound together.
func tones(t testing.TB) audiosep.Spectra {
	t.Helper()
	const rate = 8000
	x := make([]float64, 2*rate)
	for i := range x {
		at := float64(i) / rate
		x[i] = 0.3*math.Sin(2*math.Pi*500*at)*(1+0.5*math.Sin(9*at)) + 0.2*math.Sin(2*math.Pi*2000*at)*(1+0.5*math.Sin(31*at))
	}
	return spectraOf(t, &audiosep.Signal{Rate: rate, Channels: 1, Data: [][]float64{x}}, 512)
}

// Paint decides whose a tone is: that which belongs to a source, and that which does not.
func TestPaintDecides(t *testing.T) {
	x := tones(t)
	high := 1000.0
	for name, regions := range map[string][]Region{
		"belongs":         {{Source: "low", From: 0, To: 2, High: &high}, {Source: "high", From: 0, To: 2, Low: 1000}},
		"does not belong": {{Source: "high", From: 0, To: 2, High: &high, Belongs: new(bool)}, {Source: "low", From: 0, To: 2, Low: 1000, Belongs: new(bool)}},
	} {
		p := DefaultPaintedNMF()
		p.Components, p.Alpha, p.Sources = 2, 20, []string{"low", "high"}
		s, err := NewPaintedNMF(p)
		if err != nil {
			t.Fatal(err)
		}
		stems, f, err := s.Separate(t.Context(), audiosep.Env{}, x, regions, nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := audiosep.Collect(t.Context(), stems)
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []float64{0.3 * 0.3, 0.2 * 0.2} { // ½·amplitude²·(1+½·½²)
			var power float64
			for _, y := range got[i].Data[0] {
				power += y * y / float64(len(got[i].Data[0]))
			}
			if want *= 0.5 * 1.125; math.Abs(power/want-1) > 0.05 {
				t.Errorf("%s: source %s has the power %.4f; want %.4f", name, stems.Names()[i], power, want)
			}
		}
		if err := f.Validate(257, -1); err != nil || len(f.Sources) != 2 || !slices.Equal(f.Sources[1].Components, []int{2, 3}) {
			t.Errorf("%v, %v", err, f.Sources)
		}
		again, g, err := s.Separate(t.Context(), audiosep.Env{}, x, regions, f)
		if err != nil || g.Objective[0] > f.Objective[len(f.Objective)-1]*(1+1e-9) {
			t.Errorf("%s: it goes on at %v after %v, %v", name, g.Objective[0], f.Objective[len(f.Objective)-1], err)
		}
		_ = again
	}
}

func TestReadPaint(t *testing.T) {
	dir := t.TempDir()
	for text, want := range map[string]string{
		`[{"source": "a", "from": 1, "to": 2}]`:                                          "a true 1-2 s 0-+Inf Hz 1",
		`[{"source":"a","from":1,"to":2,"low":5,"high":9,"belongs":false,"strength":0}]`: "a false 1-2 s 5-9 Hz 0",
		"0.5\t1.25\tspeech\n\\\t300\t900.5\n2\t3\tnot the band\n":                        "speech true 0.5-1.25 s 300-900.5 Hz 1; the band false 2-3 s 0-+Inf Hz 1",
		"0,5\t1\tx\r\n\\\t-1\t-1\r\n":                                                    "x true 0.5-1 s 0-+Inf Hz 1",
		`[{"source": "a", "from": 2, "to": 2}]`:                                          "region 1: it is from 2 to 2 s; want it to end after it begins",
		`[{"source": "a", "from": 1, "to": 2, "low": 9, "high": 5}]`:                     "region 1: it is from 9 to 5 Hz; want low ≥ 0 and high above it",
		`[{"source": "a", "from": 1, "to": 2, "strength": 2}]`:                           "its strength is 2; want 0 to 1",
		`[{"from": 1, "to": 2}]`:                                                         "it names no source; want whose it is, or is not",
		`[{"sauce": "a"}]`:                                                               `unknown field "sauce"`,
		`[] []`:                                                                          "there is more behind the list of regions",
		"1 2 a":                                                                          `line 1 is "1 2 a"; want two times in s and a label`,
		"1\tzwei\ta":                                                                     `line 1: the offset is "zwei"; want a number`,
		"\\\t1\t2":                                                                       "line 1 has frequencies, but no label stands before them",
		"\xff\xfe":                                                                       "is no text in UTF-8",
	} {
		path := filepath.Join(dir, "paint")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		regions, err := ReadPaint(path)
		var all []string
		for _, r := range regions {
			belongs, high, strength := true, math.Inf(1), 1.0
			if r.Belongs != nil {
				belongs = *r.Belongs
			}
			if r.High != nil {
				high = *r.High
			}
			if r.Strength != nil {
				strength = *r.Strength
			}
			all = append(all, fmt.Sprintf("%s %v %v-%v s %v-%v Hz %v", r.Source, belongs, r.From, r.To, r.Low, high, strength))
		}
		got := strings.Join(all, "; ")
		if err != nil {
			got = err.Error()
		}
		if got != want && (err == nil || !strings.Contains(got, want)) {
			t.Errorf("%q:\n got %s\nwant %s", text, got, want)
		}
	}
}

func TestPaintedNMFRefuses(t *testing.T) {
	x := tones(t)
	s, err := NewPaintedNMF(PaintedNMFParams{Sources: []string{"a", "b"}, Components: 2, Iterations: 3, Power: 1})
	if err != nil {
		t.Fatal(err)
	}
	_, f, err := s.Separate(t.Context(), audiosep.Env{}, x, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := s.Separate(cancelled, audiosep.Env{}, x, nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	other := *f
	other.Sources = []audiosep.Group{{Name: "b", Components: []int{0, 1}}, {Name: "a", Components: []int{2, 3}}}
	for want, c := range map[string]struct {
		regions []Region
		init    *audiosep.Factors
	}{
		`region 1 is of source "c"; want one of ["a" "b"]`: {[]Region{{Source: "c", To: 1}}, nil},
		"region 1: it is from 1 to 1 s":                    {[]Region{{Source: "a", From: 1, To: 1}}, nil},
		"the wired factors are not of the sources":         {nil, &other},
		"the wired factors lack W or H":                    {nil, &audiosep.Factors{W: f.W}},
		"the wired factors have 1 component; want 4":       {nil, &audiosep.Factors{W: f.W.Slice(0, 257, 0, 1).(*mat.Dense), H: f.H.Slice(0, 1, 0, f.H.RawMatrix().Cols).(*mat.Dense)}},
	} {
		if _, _, err := s.Separate(t.Context(), audiosep.Env{}, x, c.regions, c.init); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %s", err, want)
		}
	}
	for params, want := range map[string]string{
		`{}`:                      "sources is empty and no file says what is painted",
		`{"sources": ["a"]}`:      "has one name; want at least two",
		`{"sources": ["a", "a"]}`: "want names that differ",
	} {
		if _, err := paintedNMFStage.Build([]byte(params)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %s", params, err, want)
		}
	}
}

func BenchmarkPaintedNMFOfTenSeconds(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	v := mat.NewDense(513, 626, nil) // 10 s at 16 kHz, frames of 1024 every 256
	for i := range v.RawMatrix().Data {
		v.RawMatrix().Data[i] = rng.ExpFloat64()
	}
	penalty := make([]float64, 513*626)
	for i := range penalty {
		penalty[i] = 1
	}
	m := newPainted(v, [][]float64{penalty, penalty}, 12, 1e-10)
	if err := m.start(audiosep.Env{}, []string{"a", "b"}, nil); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, _, err := m.minimise(b.Context(), audiosep.Env{}, 20, 0); err != nil {
			b.Fatal(err)
		}
	}
}

func spectraOf(t testing.TB, s *audiosep.Signal, length int) audiosep.Spectra {
	t.Helper()
	x, err := transforms.STFT(t.Context(), s, transforms.Frame(length, 0.75, "hann"))
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// A painter who knows speech from strings paints 3.5 % of their spectrogram: the loudest
// tiles of 64 ms by 125 Hz of which one stem has nine tenths. That is worth over 5 dB SI-SDR
// more than the mixture, stems in order; without paint it is a loss. The finer the brush the
// better: the same part in tiles four times as large is worth 3.6 dB, in half as large 9.0.
func TestPaintOnSpeechAndStrings(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	data := os.Getenv("AUDIOSEP_DATA")
	if data == "" {
		t.Skip("AUDIOSEP_DATA is not set: want a folder with audio/speech_strings")
	}
	read := func(name string) *audiosep.Signal {
		src, err := audio.Open(filepath.Join(data, "audio", "speech_strings", name))
		if err != nil {
			t.Skip(err)
		}
		defer src.Close()
		s, err := audiosep.ReadAll(t.Context(), src)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	mix, names := read("mix.wav"), []string{"speech", "music"}
	stems := []*audiosep.Signal{read("stems/speech.wav"), read("stems/music.wav")}
	p := DefaultPaintedNMF()
	p.Sources = names
	s, err := NewPaintedNMF(p)
	if err != nil {
		t.Fatal(err)
	}
	x := spectraOf(t, mix, 1024)
	var gains []float64
	for _, part := range []float64{0, 0.035} {
		regions := paintTiles(t, stems, names, part)
		out, _, err := s.Separate(t.Context(), audiosep.Env{Seed: 1}, x, regions, nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := audiosep.Collect(t.Context(), out)
		if err != nil {
			t.Fatal(err)
		}
		gain := 0.0
		for j := range stems {
			gain += (siSDR(got[j].Data[0], stems[j].Data[0]) - siSDR(mix.Data[0], stems[j].Data[0])) / 2
		}
		gains = append(gains, gain)
	}
	t.Logf("gain in SI-SDR with 0 and 3.5 %% painted: %.2f dB", gains)
	if gains[0] > 2 || gains[1] < 5 {
		t.Errorf("without and with 3.5 %% of paint the gain is %.2f dB; want little, and 5", gains)
	}
}

func siSDR(y, stem []float64) float64 {
	var product, energy, all float64
	for i, s := range stem {
		product, energy, all = product+y[i]*s, energy+s*s, all+y[i]*y[i]
	}
	target := product * product / energy
	return 10 * math.Log10(target/(all-target))
}

// paintTiles paints the loudest tiles that one stem has nine tenths of, up to a part of all.
func paintTiles(t *testing.T, stems []*audiosep.Signal, names []string, part float64) []Region {
	const bins, cols = 8, 4 // of 15.6 Hz, 16 ms
	var v []*mat.Dense
	var framing audiosep.Framing
	for _, s := range stems {
		x := spectraOf(t, s, 1024)
		framing = x.Framing()
		one, err := audiosep.PowerOf(x, nil).V(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		v = append(v, one)
	}
	rows, n := v[0].Dims()
	type tile struct {
		energy float64
		region Region
	}
	var tiles []tile
	time := framing.Middle
	for f := 0; f+bins <= rows; f += bins {
		for c := 0; c+cols <= n; c += cols {
			var e [2]float64
			for j := range e {
				e[j] = mat.Sum(v[j].Slice(f, f+bins, c, c+cols))
			}
			for j, name := range names {
				if e[j] >= 0.9*(e[0]+e[1]) {
					hz := float64(framing.Rate) / 1024
					high := (float64(f+bins) - 0.5) * hz
					half := float64(framing.Hop) / float64(framing.Rate) / 2
					tiles = append(tiles, tile{e[0] + e[1], Region{Source: name, From: time(c) - half, To: time(c+cols) - half,
						Low: max(0, (float64(f)-0.5)*hz), High: &high}})
				}
			}
		}
	}
	slices.SortFunc(tiles, func(a, b tile) int { return cmp.Compare(b.energy, a.energy) })
	var regions []Region
	for i := range tiles {
		if float64((i+1)*bins*cols) > part*float64(rows*n) {
			break
		}
		regions = append(regions, tiles[i].region)
	}
	return regions
}
