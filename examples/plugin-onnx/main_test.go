package main

import (
	"context"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/audiosep/audiosep"
)

// models makes the tiny models and starts the runtime, or skips the test and says why.
func models(t *testing.T) string {
	t.Helper()
	if os.Getenv(libraryVariable) == "" {
		t.Skipf("%s names no libonnxruntime", libraryVariable)
	}
	if err := start(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if out, err := exec.Command("/usr/bin/python3", "testdata/make_models.py", dir).CombinedOutput(); err != nil {
		if strings.Contains(string(out), "No module named 'onnx'") {
			t.Skip("there is no python3 with onnx (Debian: python3-onnx) to make models with")
		}
		t.Fatalf("%v: %s", err, out)
	}
	return dir
}

// noise is a recording of chunks and a bit.
func noise(channels, samples int) *audiosep.Signal {
	r := rand.New(rand.NewPCG(1, 2))
	s := &audiosep.Signal{Rate: 16000, Channels: channels}
	for range channels {
		x := make([]float64, samples)
		for i := range x {
			x[i] = 0.3 * r.NormFloat64()
		}
		s.Data = append(s.Data, x)
	}
	return s
}

func separated(t *testing.T, description string, x *audiosep.Signal) []*audiosep.Signal {
	t.Helper()
	s, err := newStage(params{description})
	if err != nil {
		t.Fatal(err)
	}
	o, err := s.Run(t.Context(), audiosep.Env{}, in{x})
	if err != nil {
		t.Fatal(err)
	}
	parts, err := audiosep.Collect(t.Context(), o.Sources)
	if err != nil {
		t.Fatal(err)
	}
	return parts
}

// A model from samples to stems makes of chunks what it would make of the whole, but near the
// seams, where each chunk lacks what lies beyond and is faded out.
func TestWaveform(t *testing.T) {
	dir := models(t)
	for _, channels := range []int{1, 2} {
		x := noise(channels, 50000)
		parts := separated(t, filepath.Join(dir, "low.json"), x)
		for c := range channels {
			var wrong, power float64
			for i, v := range x.Data[c] {
				want := 0.0
				for k := max(0, i-15); k <= min(len(x.Data[c])-1, i+15); k++ {
					want += x.Data[c][k] / 31
				}
				d := parts[0].Data[c][i] - want
				if math.Abs(d) > 0.003 {
					t.Fatalf("%d channels: sample %d of low is off by %g", channels, i, d)
				}
				wrong, power = wrong+d*d, power+want*want
				if d := parts[0].Data[c][i] + parts[1].Data[c][i] - v; math.Abs(d) > 1e-6 {
					t.Fatalf("%d channels: the stems sum to %g beside sample %d", channels, d, i)
				}
			}
			if db := 10 * math.Log10(wrong/power); db > -60 {
				t.Errorf("%d channels: seams are %.1f dB below what is right; want 60", channels, -db)
			}
		}
	}
}

// Magnitudes are shared out by what the models say of them, one model or one for each stem; chunks
// of stationary sound have no seams.
func TestMagnitude(t *testing.T) {
	dir := models(t)
	x := &audiosep.Signal{Rate: 16000, Channels: 2, Data: [][]float64{make([]float64, 90000), make([]float64, 90000)}}
	deep := func(i int) float64 { return 0.4 * math.Sin(2*math.Pi*125*float64(i)/16000) }
	high := func(i int) float64 { return 0.2 * math.Sin(2*math.Pi*2000*float64(i)/16000) }
	for i := range x.Data[0] {
		x.Data[0][i], x.Data[1][i] = deep(i)+high(i), deep(i)
	}
	one, each := separated(t, filepath.Join(dir, "bands.json"), x), separated(t, filepath.Join(dir, "each.json"), x)
	for i := range x.Data[0] {
		for j := range one {
			for c := range 2 {
				if d := one[j].Data[c][i] - each[j].Data[c][i]; math.Abs(d) > 1e-6 {
					t.Fatalf("one model and one for each stem differ by %g at sample %d", d, i)
				}
			}
		}
		if i < 2000 || i > len(x.Data[0])-2000 {
			continue // where the sound begins and ends it is no tone
		}
		if d := max(math.Abs(one[0].Data[0][i]-deep(i)), math.Abs(one[1].Data[0][i]-high(i)), math.Abs(one[1].Data[1][i])); d > 0.002 {
			t.Fatalf("sample %d is off by %g", i, d)
		}
	}
}

// Recordings that do not fit, shapes that are not what is described and libraries that are not
// there are told with a way out.
func TestErrors(t *testing.T) {
	dir := models(t)
	write := func(text string) string {
		path := filepath.Join(dir, "wrong.json")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const right = `{"model": "low.onnx", "kind": "waveform", "rate": 16000, "channels": 2, "chunk": 1000, "overlap": 100, "stems": ["low", "rest"]`
	for want, text := range map[string]string{
		"model and models": `{"kind": "waveform"}`, "want waveform or magnitude": strings.Replace(right, "waveform", "wave", 1) + "}",
		"half of chunk": strings.Replace(right, `"overlap": 100`, `"overlap": 501`, 1) + "}", "unknown field": right + `, "chunks": 3}`,
		"is there twice": strings.Replace(right, "rest", "low", 1) + "}", "want one of [\"mix\"]": right + `, "input": "audio"}`,
		"resample": strings.Replace(right, "16000", "44100", 1) + "}", "want float32 of shape [1 3 2 1000]": strings.Replace(right, `"rest"]`, `"rest", "more"]`, 1) + "}",
		"nowhere.onnx": strings.Replace(right, "low.onnx", "nowhere.onnx", 1) + "}",
	} {
		s, _ := newStage(params{write(text)})
		o, err := s.Run(t.Context(), audiosep.Env{}, in{noise(2, 3000)})
		if err == nil {
			_, err = audiosep.Collect(t.Context(), o.Sources)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s gives %v; want %q in it", text, err, want)
		}
	}
	s, _ := newStage(params{write(right + "}")})
	o, err := s.Run(t.Context(), audiosep.Env{}, in{noise(2, 3000)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := audiosep.Collect(ctx, o.Sources); err == nil {
		t.Error("a cancelled run goes on")
	}
}
