package pipeline_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/factorizers"
	"github.com/audiosep/audiosep/multichannel"
	"github.com/audiosep/audiosep/pipeline"
	"github.com/audiosep/audiosep/separators"
	"github.com/audiosep/audiosep/transforms"
)

// shelf is a Cache in memory.
type shelf struct {
	mu           sync.Mutex
	all          map[string]*pipeline.Learnt
	hits, misses int
}

func (s *shelf) Load(_ context.Context, key string) (*pipeline.Learnt, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, ok := s.all[key]
	if ok {
		s.hits++
	} else {
		s.misses++
	}
	return l, ok
}

func (s *shelf) Store(_ context.Context, key string, l *pipeline.Learnt, _ time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[string]*pipeline.Learnt{}
	}
	s.all[key] = l
	return nil
}

// twoTones writes half a second of two tones that take turns, long enough ago that it cannot be
// taken for changed while it is read.
func twoTones(t *testing.T, path string, hz float64) {
	t.Helper()
	s := &audiosep.Signal{Rate: 8000, Channels: 1, Data: [][]float64{make([]float64, 4000)}}
	for i := range s.Data[0] {
		x := float64(i) / 8000
		s.Data[0][i] = 0.3*math.Sin(2*math.Pi*hz*x)*math.Abs(math.Sin(9*x)) + 0.2*math.Sin(2*math.Pi*1000*x)*math.Abs(math.Cos(9*x))
	}
	if hz == 0 {
		clear(s.Data[0])
	}
	if err := audio.WriteFile(path, s, "int16"); err != nil {
		t.Fatal(err)
	}
	before := time.Now().Add(-time.Hour)
	os.Chtimes(path, before, before)
}

const learning = `{"audiosep": 1, "seed": 1, "stages": [
	{"use": "read_audio", "params": {"files": ["in.wav"]}},
	{"use": "frame", "params": {"length_ms": 20}},
	{"use": "dct"},
	{"use": "is_nmf", "params": {"rank": 2, "iterations": 5}},
	{"use": "wiener"},
	{"use": "write_audio"}]}`

const learningTransform = `{"audiosep": 1, "seed": 1, "stages": [
	{"use": "read_audio", "params": {"files": ["in.wav"]}},
	{"use": "frame", "params": {"length_ms": 10}},
	{"use": "tl_nmf", "params": {"rank": 2, "iterations": 3}},
	{"use": "wiener"},
	{"use": "save_model", "params": {"file": "model.npz"}, "in": {"transform": "tl_nmf", "factors": "tl_nmf"}},
	{"use": "write_audio"}]}`

// cached runs a spec in a folder that has in.wav, and returns what it wrote and logged from
// warnings on.
func cached(t *testing.T, dir, spec string, c pipeline.Cache, set ...string) (map[string]string, string) {
	t.Helper()
	return cachedOf(t, registry(), nil, dir, spec, c, set...)
}

// cachedOf is cached with stages of plugins, which have pins.
func cachedOf(t *testing.T, reg *pipeline.Registry, pins map[string]string, dir, spec string, c pipeline.Cache, set ...string) (map[string]string, string) {
	t.Helper()
	s, err := pipeline.Parse(filepath.Join(dir, "spec.json"), []byte(spec))
	if err != nil {
		t.Fatal(err)
	}
	s.Out = t.TempDir()
	for _, arg := range set {
		if seed, ok := strings.CutPrefix(arg, "seed="); ok {
			s.Seed = uint64(seed[0])
			continue
		}
		s.Set(arg)
	}
	p, err := pipeline.Check(s, reg)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	plain := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	o := pipeline.Options{Cache: c, Pins: pins, Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn, ReplaceAttr: plain}))}
	if err := p.Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	names, _ := filepath.Glob(filepath.Join(s.Out, "*"))
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(name)] = string(text)
	}
	return files, log.String()
}

func sameFiles(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for name := range a {
		if a[name] != b[name] {
			return false
		}
	}
	return true
}

// What was learnt is taken from the cache where all that decides it is the same, whatever the
// mask and the names of files are; and what comes out is what would be without a cache.
func TestCache(t *testing.T) {
	for name, spec := range map[string]string{"factors": learning, "transform and factors": learningTransform} {
		dir := t.TempDir()
		twoTones(t, filepath.Join(dir, "in.wav"), 440)
		c := &shelf{}
		first, _ := cached(t, dir, spec, c)
		for _, set := range [][]string{nil, {"wiener.exponent=2"}, {"write_audio.pattern=other-{n}"}} {
			hits := c.hits
			got, _ := cached(t, dir, spec, c, set...)
			if c.hits != hits+1 {
				t.Errorf("%s: with %v it is learnt again", name, set)
			}
			if want, _ := cached(t, dir, spec, nil, set...); !sameFiles(got, want) {
				t.Errorf("%s: with %v another result comes of the cache", name, set)
			}
		}
		twoTones(t, filepath.Join(dir, "copy.wav"), 440)
		if hits := c.hits; len(first) < 2 || func() bool {
			cached(t, dir, spec, c, `read_audio.files=["`+filepath.Join(dir, "copy.wav")+`"]`)
			return c.hits != hits+1
		}() {
			t.Errorf("%s: of the same recording in another file it is learnt again", name)
		}
	}
}

// What stages have learnt that is neither factors nor a transform is taken from the cache too, by the same rule.
func TestCacheRecall(t *testing.T) {
	reg := pipeline.NewRegistry(audio.Stages, transforms.Stages, factorizers.Stages, multichannel.Stages)
	for name, params := range map[string]string{
		"iva": `"sources": 1, "iterations": 3`, "ilrma": `"iterations": 3, "warm": 2`, "fdica": `"iterations": 3`,
		"fast_mnmf": `"iterations": 3, "warm": 2`, "painted_nmf": `"file": "paint.txt", "components": 3, "iterations": 3`,
	} {
		dir := t.TempDir()
		twoTones(t, filepath.Join(dir, "one.wav"), 440)
		one, _, err := audio.ReadFile(filepath.Join(dir, "one.wav"))
		if err != nil {
			t.Fatal(err)
		}
		s := &audiosep.Signal{Rate: one.Rate, Channels: 2, Data: [][]float64{one.Data[0], make([]float64, len(one.Data[0]))}}
		for i := 20; i < len(one.Data[0]); i++ {
			s.Data[1][i] = one.Data[0][i-3]/2 + one.Data[0][i-20]/4
		}
		paint := filepath.Join(dir, "paint.txt")
		if err := errors.Join(audio.WriteFile(filepath.Join(dir, "in.wav"), s, "float32"), os.WriteFile(paint, []byte("0.1\t0.3\ta\n0.3\t0.4\tb\n"), 0o600)); err != nil {
			t.Fatal(err)
		}
		before := time.Now().Add(-time.Hour)
		os.Chtimes(filepath.Join(dir, "in.wav"), before, before)
		os.Chtimes(paint, before, before)
		spec := fmt.Sprintf(`{"audiosep": 1, "seed": 1, "stages": [{"use": "read_audio", "params": {"files": ["in.wav"]}},
			{"use": "frame", "params": {"length": 256, "overlap": 0.5, "window": "hann"}}, {"use": "stft"}, {"use": %q, "params": {%s}}, {"use": "write_audio", "in": {"sources": %[1]q}}]}`, name, params)
		c := &shelf{}
		first, _ := cachedOf(t, reg, nil, dir, spec, c)
		plain, _ := cachedOf(t, reg, nil, dir, spec, nil)
		again, _ := cachedOf(t, reg, nil, dir, spec, c)
		if c.hits != 1 || len(first) < 2 || !sameFiles(first, plain) || !sameFiles(again, plain) {
			t.Errorf("%s: %d hits; want 1, and the same of all three runs", name, c.hits)
		}
		other, _ := cachedOf(t, reg, nil, dir, spec, c, name+".iterations=4")
		if c.hits != 1 || sameFiles(other, plain) {
			t.Errorf("%s: what was learnt in 3 iterations is taken for that of 4", name)
		}
	}
}

// What a plugin has learnt is taken from the cache while its code is the same, and only where that is known; so is
// what others learn of what it makes.
func TestCachePlugin(t *testing.T) {
	dir := t.TempDir()
	twoTones(t, filepath.Join(dir, "in.wav"), 440)
	pluggedIn := func(name string, all []audiosep.Definition) []audiosep.Definition {
		for _, d := range all {
			if d.Name == name {
				d.Name, d.Origin = "toy/"+name, "a file"
				return []audiosep.Definition{d}
			}
		}
		t.Fatalf("there is no %s", name)
		return nil
	}
	reg := pipeline.NewRegistry(audio.Stages, transforms.Stages, factorizers.Stages, separators.Stages,
		pluggedIn("is_nmf", factorizers.Stages), pluggedIn("dct", transforms.Stages))
	for _, spec := range []string{strings.Replace(learning, `"is_nmf"`, `"toy/is_nmf"`, 1), strings.Replace(learning, `"dct"`, `"toy/dct"`, 1)} {
		c := &shelf{}
		run := func(pins map[string]string, hits int) {
			t.Helper()
			if cachedOf(t, reg, pins, dir, spec, c); c.hits != hits {
				t.Errorf("%d hits with pins %v; want %d\n%s", c.hits, pins, hits, spec)
			}
		}
		run(nil, 0)
		run(nil, 0)
		run(map[string]string{"toy": "one"}, 0)
		run(map[string]string{"toy": "one"}, 1)
		run(map[string]string{"toy": "other"}, 1)
	}
}

// Another parameter of the stage or of one above, another seed or recording is learnt anew.
func TestCacheMisses(t *testing.T) {
	dir := t.TempDir()
	twoTones(t, filepath.Join(dir, "in.wav"), 440)
	twoTones(t, filepath.Join(dir, "other.wav"), 441)
	c := &shelf{}
	cached(t, dir, learning, c)
	for _, set := range []string{"is_nmf.rank=3", "is_nmf.iterations=6", "frame.window=hann", "dct.type=4", "seed=7", `read_audio.files=["` + filepath.Join(dir, "other.wav") + `"]`} {
		cached(t, dir, learning, c, set)
		if c.hits > 0 {
			t.Fatalf("with %s what was learnt without is taken", set)
		}
	}
}

// What was learnt from a recording in the place of which another is put during the run, of the same size and time, is not
// kept as learnt from that.
func TestCacheOfExchanged(t *testing.T) {
	dir := t.TempDir()
	in, other := filepath.Join(dir, "in.wav"), filepath.Join(dir, "other.wav")
	twoTones(t, in, 440)
	twoTones(t, other, 880)
	spec, err := pipeline.Parse(filepath.Join(dir, "spec.json"), []byte(learning))
	if err != nil {
		t.Fatal(err)
	}
	spec.Out = t.TempDir()
	p, err := pipeline.Check(spec, registry())
	if err != nil {
		t.Fatal(err)
	}
	c := &shelf{}
	exchange := func(pipeline.Forecast) error { return os.Rename(other, in) } // the recording is open by then
	if err := p.Run(t.Context(), pipeline.Options{Cache: c, Forecast: exchange}); err != nil {
		t.Fatal(err)
	}
	if !p.Changed(in) {
		t.Error("the recording is not told to have changed")
	}
	if cached(t, dir, learning, c); c.hits > 0 {
		t.Error("what was learnt from another recording was taken")
	}
}

// What was warned of is warned of again.
func TestCacheKeepsWarnings(t *testing.T) {
	dir := t.TempDir()
	twoTones(t, filepath.Join(dir, "in.wav"), 0)
	c := &shelf{}
	_, first := cached(t, dir, learning, c)
	_, again := cached(t, dir, learning, c)
	if c.hits != 1 || !strings.Contains(first, "the recording is silent, or so soft") || again != first {
		t.Errorf("%d hits, logged %q; want %q", c.hits, again, first)
	}
}

// A recording in memory is not the one that the spec names.
func TestCacheIsNotForMemory(t *testing.T) {
	dir := t.TempDir()
	twoTones(t, filepath.Join(dir, "in.wav"), 440)
	c := &shelf{}
	cached(t, dir, learning, c)
	s, err := pipeline.Parse(filepath.Join(dir, "spec.json"), []byte(learning))
	if err != nil {
		t.Fatal(err)
	}
	p, err := pipeline.Check(s, registry())
	if err != nil {
		t.Fatal(err)
	}
	src := &audiosep.Signal{Rate: 8000, Channels: 1, Data: [][]float64{make([]float64, 4000)}}
	src.Data[0][100] = 1
	if _, err := p.RunInMemory(t.Context(), src, pipeline.Options{Cache: c}); err != nil || c.hits > 0 {
		t.Errorf("%v, %d hits; want none", err, c.hits)
	}
}
