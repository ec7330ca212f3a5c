package pipeline_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/audiosep/audiosep/pipeline"
)

// A pipeline that uses a part of a model needs no other to be forecast: a run needs none.
func TestForecastOfDictionary(t *testing.T) {
	dir := t.TempDir()
	twoTones(t, filepath.Join(dir, "in.wav"), 440)
	files, _ := cached(t, dir, `{"audiosep": 1, "seed": 1, "stages": [
		{"use": "read_audio", "params": {"files": ["in.wav"]}},
		{"use": "frame", "params": {"length_ms": 20}},
		{"use": "dct"},
		{"use": "is_nmf", "params": {"rank": 2, "iterations": 5}},
		{"use": "save_model", "params": {"file": "model.npz"}, "in": {"factors": "is_nmf"}}]}`, nil)
	if err := os.WriteFile(filepath.Join(dir, "model.npz"), []byte(files["model.npz"]), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := pipeline.Parse(filepath.Join(dir, "spec.json"), []byte(`{"audiosep": 1, "stages": [
		{"use": "load_model", "params": {"file": "model.npz"}},
		{"use": "read_audio", "params": {"files": ["in.wav"]}},
		{"use": "frame", "params": {"length_ms": 20}},
		{"use": "dct"},
		{"use": "activations", "in": {"power": "dct", "dictionary": "load_model"}},
		{"use": "wiener", "in": {"coefs": "dct", "factors": "activations"}},
		{"use": "write_audio"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	s.Out = filepath.Join(dir, "out")
	p, err := pipeline.Check(s, registry())
	if err != nil {
		t.Fatal(err)
	}
	will, err := p.Forecast(t.Context())
	if err != nil || will.Frames == 0 || will.Seconds <= 0 {
		t.Errorf("%+v, %v; want frames and seconds", will, err)
	}
}

// A transform that is wired into tl_nmf is followed down twice, which the forecast counts.
func TestForecastOfWiredTransform(t *testing.T) {
	dir := t.TempDir()
	twoTones(t, filepath.Join(dir, "in.wav"), 440)
	seconds := func(wire string) float64 {
		s, err := pipeline.Parse(filepath.Join(dir, "spec.json"), []byte(`{"audiosep": 1, "stages": [
			{"use": "read_audio", "params": {"files": ["in.wav"]}},
			{"use": "frame", "params": {"length": 64}},
			{"use": "dct"},
			{"use": "save_model", "params": {"file": "dct.npz"}, "in": {"transform": "dct"}},
			{"use": "tl_nmf", "params": {"rank": 2}, "in": {"frames": "frame"`+wire+`}},
			{"use": "wiener", "in": {"coefs": "tl_nmf", "factors": "tl_nmf"}},
			{"use": "write_audio"}]}`))
		if err != nil {
			t.Fatal(err)
		}
		s.Out = filepath.Join(dir, "out")
		return forecastSpec(t, s, registry()).Seconds
	}
	if drawn, wired := seconds(""), seconds(`, "init_transform": "dct"`); !(wired > 1.5*drawn) {
		t.Errorf("a run takes %g s with the transform wired, %g with it drawn; want more than half as much again", wired, drawn)
	}
}

// forecastSpec returns what a pipeline is forecast to take.
func forecastSpec(t *testing.T, s *pipeline.Spec, reg *pipeline.Registry) pipeline.Forecast {
	t.Helper()
	p, err := pipeline.Check(s, reg)
	if err != nil {
		t.Fatal(err)
	}
	will, err := p.Forecast(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return will
}
