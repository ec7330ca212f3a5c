//go:build unix

package plugins

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/factorizers"
	"github.com/audiosep/audiosep/internal/lend"
	"github.com/audiosep/audiosep/models"
	"github.com/audiosep/audiosep/multichannel"
	"github.com/audiosep/audiosep/notes"
	"github.com/audiosep/audiosep/pipeline"
	"github.com/audiosep/audiosep/separators"
	"github.com/audiosep/audiosep/transforms"
)

// builtin is what is compiled into the program.
func builtin() []audiosep.Definition {
	return slices.Concat(audio.Stages, transforms.Stages, factorizers.Stages, separators.Stages, multichannel.Stages, models.Stages, notes.Stages)
}

func init() { badPlugins["builtin"] = func() { Serve(builtin()...) } }

// TestSameBytes runs pipelines with every stage compiled in, then with every stage in a
// process of its own, then with all in one, in blocks of other sizes: the files are the same.
func TestSameBytes(t *testing.T) {
	t.Parallel() // it waits a lot
	here := pipeline.NewRegistry(builtin())
	piano, err := filepath.Abs("../examples/piano/mix.wav")
	if err != nil {
		t.Fatal(err)
	}
	for name, stages := range map[string]string{
		"masks": `
    {"use": "read_audio", "params": {"files": [%[1]q]}},
    {"use": "crop", "params": {"duration": 5}},
    {"use": "frame", "params": {"length_ms": 25}},
    {"use": "stft"},
    {"use": "is_nmf", "params": {"rank": 3, "iterations": 3}},
    {"use": "wiener"},
    {"use": "write_audio"}`,
		"chain": `
    {"use": "read_audio", "params": {"files": [%[1]q]}},
    {"use": "crop", "params": {"duration": 1.5}},
    {"use": "resample", "params": {"rate": 8000}},
    {"use": "frame", "params": {"length": 256, "overlap": 0.75}},
    {"use": "stft"},
    {"use": "hpss", "params": {"margin": 2}},
    {"use": "write_audio", "id": "parts"},
    {"use": "stem", "params": {"source": "harmonic"}},
    {"use": "frame", "id": "again", "params": {"length": 128, "grids": 2}},
    {"use": "dct"},
    {"use": "is_nmf", "params": {"rank": 3, "iterations": 3}},
    {"use": "join_factors", "in": {"dictionary": ["is_nmf"]}},
    {"use": "activations", "params": {"iterations": 3}, "in": {"dictionary": "join_factors"}},
    {"use": "wiener", "in": {"factors": "activations"}},
    {"use": "write_audio"}`,
		"learning": `
    {"use": "read_audio", "params": {"files": [%[1]q]}},
    {"use": "crop", "params": {"duration": 1}},
    {"use": "frame", "params": {"length": 64, "grids": 2}},
    {"use": "dct"},
    {"use": "is_nmf", "params": {"rank": 3, "iterations": 3}},
    {"use": "tl_nmf", "params": {"rank": 3, "iterations": 3}, "in": {"init_transform": "dct", "init_factors": "is_nmf"}},
    {"use": "save_model", "params": {"file": "model.npz"}, "in": {"transform": "tl_nmf", "factors": "tl_nmf"}},
    {"use": "wiener", "in": {"coefs": "tl_nmf", "factors": "tl_nmf"}},
    {"use": "write_audio"}`,
	} {
		if testing.Short() && name != "chain" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := `{"audiosep": 1, "seed": 5, "stages": [` + fmt.Sprintf(stages, piano) + "\n]}"
			want := runSpec(t, here, text, t.TempDir(), 0)
			remote := regexp.MustCompile(`"use": "(\w+)"`).ReplaceAllString(text, `"use": "builtin/$1"`)
			h := newTestHost(t, Options{}, "builtin")
			defs, err := h.Describe(t.Context(), "builtin")
			if err != nil {
				t.Fatal(err)
			}
			there := pipeline.NewRegistry(defs)
			blocks := []int{0, 7, 256}
			if testing.Short() {
				blocks = []int{256}
			}
			for i, block := range blocks {
				if i > 0 {
					oneProcess(t, h, "builtin")
				}
				sameFiles(t, fmt.Sprintf("as plugins, in blocks of %d", block), runSpec(t, there, remote, t.TempDir(), block), want)
			}
			h.Close()
			nothingLeft(t, h)
		})
	}
}

// runSpec runs a pipeline and returns the files that it writes.
func runSpec(t testing.TB, reg *pipeline.Registry, text, out string, block int) map[string][]byte {
	t.Helper()
	spec, err := pipeline.Parse("spec.json", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	spec.Out = out
	p, err := pipeline.Check(spec, reg)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Run(t.Context(), pipeline.Options{Block: block}); err != nil {
		t.Fatal(err)
	}
	return filesOf(t, out)
}

func filesOf(t testing.TB, dir string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	names, _ := filepath.Glob(filepath.Join(dir, "*"))
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(name)] = text
	}
	return files
}

// BenchmarkDCT transforms 60 s of sound (44.1 kHz, frames of 1024 samples, half
// overlapped) and back, in blocks and in lent memory as a pipeline does: compiled in, as a
// plugin in Go, and as one in Python by numpy's FFT.
func BenchmarkDCT(b *testing.B) {
	needPython(b)
	const m, n = 1024, 60 * 44100 / 512
	h := newTestHost(b, Options{Folders: []string{"testdata"}}, "builtin")
	compiled := func() audiosep.Transformer {
		for _, d := range transforms.Stages {
			if d.Name == "dct" {
				s, err := d.Build(json.RawMessage("{}"))
				if err != nil {
					b.Fatal(err)
				}
				return s.(audiosep.Transformer)
			}
		}
		panic("no dct")
	}
	for _, c := range []struct {
		name  string
		stage func() audiosep.Transformer
	}{
		{"compiled", compiled},
		{"go", func() audiosep.Transformer { return build[audiosep.Transformer](b, h, "builtin", "dct", "") }},
		{"python", func() audiosep.Transformer { return build[audiosep.Transformer](b, h, "snakes", "dct", "") }},
	} {
		b.Run(c.name, func(b *testing.B) {
			t, err := c.stage().Transform(b.Context(), m)
			if err != nil {
				b.Fatal(err)
			}
			y, back := random("y", m*n), make([]float64, m*n)
			workers := newWorkers(b, t, 128)
			for b.Loop() {
				thereAndBack(b, workers, t, back, y)
			}
		})
	}
}

// worker has memory for a block of frames.
type worker struct{ y, x, back []float64 }

// newWorkers returns as many as a pipeline has.
func newWorkers(b *testing.B, t audiosep.Transform, frames int) []worker {
	numbers := func(n int) []float64 { return make([]float64, n) }
	workers := make([]worker, runtime.GOMAXPROCS(0))
	if l, ok := t.(lend.Lender); ok {
		workers = make([]worker, 2*len(workers))
		numbers = func(n int) []float64 {
			x, giveBack := l.Lend(n)
			b.Cleanup(giveBack)
			return x
		}
	}
	for i := range workers {
		workers[i] = worker{numbers(frames * t.Len()), numbers(frames * t.Bins()), numbers(frames * t.Len())}
	}
	return workers
}

// thereAndBack transforms src and back to dst, block by block.
func thereAndBack(b *testing.B, workers []worker, t audiosep.Transform, dst, src []float64) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for _, w := range workers {
		wg.Go(func() {
			for {
				at := int(next.Add(1)-1) * len(w.y)
				if at >= len(src) {
					return
				}
				n := copy(w.y, src[at:])
				x := audiosep.Coefs{Re: w.x[:n]}
				if err := t.Forward(b.Context(), x, w.y[:n]); err != nil {
					b.Error(err)
				}
				if err := t.Inverse(b.Context(), w.back[:n], x); err != nil {
					b.Error(err)
				}
				copy(dst[at:], w.back[:n])
			}
		})
	}
	wg.Wait()
}

// minute is 60 s of stereo noise, nowhere writes nothing.
var (
	minute = audiosep.Define("minute", "60 s of noise.", struct{}{}, func(struct{}) (audiosep.Source, error) {
		return &audiosep.Signal{Rate: 44100, Channels: 2, Data: [][]float64{random("left", 60*44100), random("right", 60*44100)}}, nil
	})
	nowhere = audiosep.Define("nowhere", "Writes nothing.", struct{}{}, func(struct{}) (audiosep.Sink, error) { return discard{}, nil })
)

type discard struct{}

func (discard) Create(context.Context, audiosep.Env, audiosep.Head, []string) error { return nil }
func (discard) Write(context.Context, int, [][]float64) error                       { return nil }
func (discard) Commit(context.Context) error                                        { return nil }
func (discard) Close() error                                                        { return nil }

const minuteSpec = `{
  "audiosep": 1, "seed": 5,
  "stages": [
    {"use": "minute"}, {"use": "frame", "params": {"length": 1024}}, {"use": "%s"},
    {"use": "is_nmf", "params": {"rank": 4, "iterations": 50}}, {"use": "%s"}, {"use": "nowhere"}
  ]
}`

// BenchmarkMinute separates 60 s of stereo sound at 44.1 kHz by a DCT and 50 iterations
// of NMF: with the DCT compiled in, in a Go plugin, in a Python plugin; with the masks in a
// Go plugin; with both, each in its own.
func BenchmarkMinute(b *testing.B) {
	needPython(b)
	h := newTestHost(b, Options{Folders: []string{"testdata"}}, "builtin")
	defs := append(builtin(), minute, nowhere)
	for _, plugin := range []string{"builtin", "snakes"} {
		more, err := h.Describe(b.Context(), plugin)
		if err != nil {
			b.Fatal(err)
		}
		defs = append(defs, more...)
	}
	reg := pipeline.NewRegistry(defs)
	for _, c := range [][3]string{{"compiled", "dct", "wiener"}, {"go", "builtin/dct", "wiener"}, {"python", "snakes/dct", "wiener"}, {"masks", "dct", "builtin/wiener"}, {"both", "builtin/dct", "builtin/wiener"}} {
		b.Run(c[0], func(b *testing.B) {
			for b.Loop() {
				runSpec(b, reg, fmt.Sprintf(minuteSpec, c[1], c[2]), b.TempDir(), 0)
			}
		})
	}
}
