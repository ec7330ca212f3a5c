package main

import (
	"os"
	"path/filepath"
	"testing"
)

// jobs are what people do with a song, each a preset or a pipeline of this text.
var jobs = []struct{ name, pipeline string }{
	{"hpss", ""},
	{"kl_nmf", `{"audiosep": 1, "stages": [{"use": "read_audio"},
		{"use": "frame", "params": {"length": 2048, "overlap": 0.75, "window": "hann"}}, {"use": "stft"},
		{"use": "kl_nmf", "params": {"rank": 20, "power": 1, "iterations": 100}}, {"use": "wiener", "params": {"sources": 4}}, {"use": "write_audio"}]}`},
	{"iva", `{"audiosep": 1, "stages": [{"use": "read_audio"},
		{"use": "frame", "params": {"length": 2048, "overlap": 0.75, "window": "hann"}}, {"use": "stft"}, {"use": "iva"}, {"use": "write_audio"}]}`},
	{"activations", "../../examples/model/apply.json"},
	{"denoise", ""},
}

// BenchmarkJobs runs each job on a FLAC of four minutes in stereo that it makes, within this process, so
// that a profile tells where its time goes:
//
//	go test ./cmd/audiosep -run '^$' -bench Jobs/iva -benchtime 1x -cpuprofile cpu.out
//	go tool pprof -top cpu.out
func BenchmarkJobs(b *testing.B) {
	dir := b.TempDir()
	song, excerpt, model := filepath.Join(dir, "song.flac"), filepath.Join(dir, "excerpt.wav"), filepath.Join(dir, "piano.npz")
	writeSong(b, song, 240)
	writeSong(b, excerpt, 10)
	runHere(b, "run", "../../examples/model/learn.json", "-q", "--input", excerpt, "--out", dir)
	for _, job := range jobs {
		b.Run(job.name, func(b *testing.B) {
			spec := job.name
			switch {
			case filepath.Ext(job.pipeline) == ".json":
				spec = job.pipeline
			case job.pipeline != "":
				spec = filepath.Join(dir, job.name+".json")
				if err := os.WriteFile(spec, []byte(job.pipeline), 0o644); err != nil {
					b.Fatal(err)
				}
			}
			args := []string{"run", spec, "-q", "--overwrite", "--input", song, "--out", filepath.Join(dir, job.name)}
			if job.name == "activations" {
				args = append(args, "--set", "load_model.file="+model)
			}
			for b.Loop() {
				runHere(b, args...)
			}
		})
	}
}

// runHere runs the program within this process.
func runHere(b *testing.B, args ...string) {
	b.Helper()
	cmd := root()
	cmd.SetArgs(args)
	if err := addOptions(cmd, args); err != nil {
		b.Fatal(err)
	}
	if err := cmd.ExecuteContext(b.Context()); err != nil {
		b.Fatal(err)
	}
}
