package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/pipeline"
	"github.com/audiosep/audiosep/pipeline/record"
	"github.com/audiosep/audiosep/presets"
)

// TestRunner: the stems of a run in this process lie where they were wanted, with the record
// that it returned, and a watcher has seen the run.
func TestRunner(t *testing.T) {
	dir := t.TempDir()
	mix := filepath.Join(dir, "mix.wav")
	noise := &audiosep.Signal{Rate: 8000, Data: [][]float64{make([]float64, 4000)}}
	for i := range noise.Data[0] {
		noise.Data[0][i] = float64(i*i%401)/401 - 0.5
	}
	if err := audio.WriteFile(mix, noise, "int16"); err != nil {
		t.Fatal(err)
	}
	text, _ := presets.Read("hpss")
	spec, err := pipeline.Parse("hpss", text)
	if err != nil {
		t.Fatal(err)
	}
	seen := &steps{}
	r := &runner{watch: seen}
	spec.SetInput("--input", mix)
	spec.Out = filepath.Join(dir, "out")
	l, err := r.load(t.Context(), spec, nil)
	if err != nil {
		t.Fatal(err)
	}
	rec, err := r.run(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	if len(rec.Outputs) != 3 || rec.Inputs[0].Path != "../mix.wav" || !seen.any.Load() {
		t.Errorf("the record is %+v; want three outputs of ../mix.wav, and steps", rec)
	}
	for _, f := range rec.Outputs {
		if info, err := os.Stat(filepath.Join(dir, "out", f.Path)); err != nil || info.Size() != f.Bytes {
			t.Errorf("%s: %v; want %d bytes", f.Path, err, f.Bytes)
		}
	}
	if left, err := record.Read(filepath.Join(dir, "out", record.Name)); err != nil || left.Outputs[0] != rec.Outputs[0] {
		t.Errorf("beside the stems lies %+v, %v", left, err)
	}
}

type steps struct{ any atomic.Bool }

func (*steps) Port(pipeline.Ref, audiosep.Cargo, any) {}
func (s *steps) Step(string, audiosep.Step)           { s.any.Store(true) }

// A name with line ends is one line of the log, which cannot be taken for others.
func TestLogIsOneLineARecord(t *testing.T) {
	var b strings.Builder
	log := slog.New(newLog(&b, slog.LevelInfo)).With("stage", "read\naudio")
	log.Info("written", "file", "a\nwarning: gone.wav", "bytes", 3, "plain", "x y")
	if want := "\"read\\naudio\": written file=\"a\\nwarning: gone.wav\" bytes=3 plain=x y\n"; b.String() != want {
		t.Errorf("the log is %q; want %q", b.String(), want)
	}
}
