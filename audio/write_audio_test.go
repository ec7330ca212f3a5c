package audio_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
)

// sink builds write_audio for a pattern in dir.
func sink(t *testing.T, dir, pattern string, params map[string]any) audiosep.Sink {
	t.Helper()
	all := map[string]any{"pattern": filepath.Join(dir, pattern)}
	for k, v := range params {
		all[k] = v
	}
	raw, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	stage, err := build(t, "write_audio", string(raw))
	if err != nil {
		t.Fatal(err)
	}
	return stage.(audiosep.Sink)
}

// tree lists the files below dir.
func tree(t *testing.T, dir string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if path != dir {
			rel, _ := filepath.Rel(dir, path)
			files = append(files, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

var heard = []string{"voice", "rest"}

func headOf(s *audiosep.Signal, encoding string, names ...string) audiosep.Head {
	h, err := s.Head(context.Background())
	if err != nil {
		panic(err)
	}
	h.Encoding, h.Names = encoding, names
	return h
}

// feed writes s to every source, in blocks of n, the source's number being its delay.
func feed(t *testing.T, w audiosep.Sink, sources []string, s *audiosep.Signal, n int) {
	t.Helper()
	samples := len(s.Data[0])
	for at := 0; at < samples; at += n {
		for j := range sources {
			block := blocks(len(s.Data), min(n, samples-at))
			if err := s.ReadAt(t.Context(), block, at-j); err != nil {
				t.Fatal(err)
			}
			if err := w.Write(t.Context(), j, block); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestWriteAudio: sources of two stereo realisations, in blocks of any size, keep bits,
// length, order and alignment, and are not seen before Commit.
func TestWriteAudio(t *testing.T) {
	for _, block := range []int{1, 7, 256, 5000} {
		dir := t.TempDir()
		a, b := recording(1, 2, 1000), recording(2, 2, 1000)
		both := &audiosep.Signal{Rate: 1000, Channels: 2, Data: append(a.Data, b.Data...)}
		w := sink(t, dir, "new/{input}/{n}-{source}-{realisation}.wav", nil)
		if err := w.Create(t.Context(), audiosep.Env{}, headOf(both, "int16", "a", "b"), heard); err != nil {
			t.Fatal(err)
		}
		feed(t, w, heard, both, block)
		for _, f := range tree(t, dir) {
			if strings.HasSuffix(f, ".wav") {
				t.Errorf("%s is there before Commit", f)
			}
		}
		if err := w.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		want := []string{"new", "new/a", "new/a/1-voice-1.wav", "new/a/2-rest-1.wav", "new/b", "new/b/1-voice-2.wav", "new/b/2-rest-2.wav"}
		if got := tree(t, dir); !slices.Equal(got, want) {
			t.Fatalf("the folder has %v; want %v", got, want)
		}
		got, h, err := audio.ReadFile(filepath.Join(dir, "new/b/2-rest-2.wav"))
		if err != nil || h.Encoding != "int16" {
			t.Fatal(h, err)
		}
		delayed := blocks(2, 1000)
		if err := b.ReadAt(t.Context(), delayed, -1); err != nil {
			t.Fatal(err)
		}
		same(t, got.Data, delayed)
	}
}

func TestWriteAudioEncoding(t *testing.T) {
	s := recording(1, 1, 3)
	for _, c := range []struct{ input, param, want string }{
		{"int16", "input", "int16"}, {"int24", "input", "int24"}, {"int32", "input", "int32"},
		{"float32", "input", "float32"}, {"float64", "input", "float64"},
		{"uint8", "input", "int16"}, {"", "input", "float32"}, {"mp3", "input", "float32"},
		{"int16", "float64", "float64"}, {"float32", "int24", "int24"},
	} {
		dir := t.TempDir()
		w := sink(t, dir, "{source}.wav", map[string]any{"encoding": c.param})
		if err := w.Create(t.Context(), audiosep.Env{}, headOf(s, c.input), heard[:1]); err != nil {
			t.Fatal(err)
		}
		feed(t, w, heard[:1], s, 3)
		if err := w.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, h, err := audio.ReadFile(filepath.Join(dir, "voice.wav")); err != nil || h.Encoding != c.want {
			t.Errorf("%q to %q: %s, %v; want %s", c.input, c.param, h.Encoding, err, c.want)
		}
	}
}

// TestWriteAudioLeavesNothing: whatever ends a run before Commit has done its work, no
// file and no folder of it remains.
func TestWriteAudioLeavesNothing(t *testing.T) {
	s := recording(1, 1, 100)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for what, end := range map[string]func(w audiosep.Sink, dir string) error{
		"closed at once": func(audiosep.Sink, string) error { return nil },
		"closed half-way": func(w audiosep.Sink, _ string) error {
			return w.Write(t.Context(), 0, s.Data)
		},
		"committed half-way": func(w audiosep.Sink, _ string) error {
			return mustFail(w.Commit(t.Context()), "has been given 0 samples; want 100")
		},
		"cancelled": func(w audiosep.Sink, _ string) error {
			feed(t, w, heard, s, 50)
			return mustFail(w.Commit(cancelled), context.Canceled.Error())
		},
		"not a number": func(w audiosep.Sink, _ string) error {
			return mustFail(writeAndCommit(t, w, 0, [][]float64{{0, math.NaN()}}), "sample 1 of channel 0 is NaN; want a number that int16 can hold")
		},
		"too much": func(w audiosep.Sink, _ string) error {
			return mustFail(writeAndCommit(t, w, 1, blocks(1, 101)), "is given 101 samples; want 100")
		},
		"another's file came first": func(w audiosep.Sink, dir string) error {
			feed(t, w, heard, s, 50)
			if err := os.WriteFile(filepath.Join(dir, "deep/er/rest.wav"), nil, 0o666); err != nil {
				return err
			}
			defer os.Remove(filepath.Join(dir, "deep/er/rest.wav"))
			err := w.Commit(t.Context())
			if !errors.Is(err, fs.ErrExist) {
				return err
			}
			return nil
		},
	} {
		dir := t.TempDir()
		w := sink(t, dir, "deep/er/{source}.wav", nil)
		if err := w.Create(t.Context(), audiosep.Env{}, headOf(s, "int16"), heard); err != nil {
			t.Fatal(err)
		}
		if err := end(w, dir); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if err := w.Close(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if left := tree(t, dir); len(left) > 0 {
			t.Errorf("%s: %v is left", what, left)
		}
	}
}

// writeAndCommit returns what is wrong with a block: Write may return before it is encoded.
func writeAndCommit(t *testing.T, w audiosep.Sink, source int, block [][]float64) error {
	if err := w.Write(t.Context(), source, block); err != nil {
		return err
	}
	return w.Commit(t.Context())
}

func mustFail(err error, want string) error {
	if err == nil || !strings.Contains(err.Error(), want) {
		return errors.Join(errors.New("want an error with: "+want), err)
	}
	return nil
}

func TestWriteAudioRefuses(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "old.wav", "int16", recording(1, 1, 3))
	if err := os.Mkdir(filepath.Join(dir, "folder.wav"), 0o777); err != nil {
		t.Fatal(err)
	}
	before := tree(t, dir)
	two := &audiosep.Signal{Rate: 1000, Data: recording(1, 2, 3).Data}
	one := recording(1, 1, 3)
	for _, c := range []struct {
		pattern string
		params  map[string]any
		head    audiosep.Head
		sources []string
		want    string
	}{
		{"{source}.wav", nil, headOf(one, ""), []string{"old"}, "old.wav exists already; overwrite"},
		{"{source}.wav", map[string]any{"overwrite": true}, headOf(one, ""), []string{"folder"}, "folder.wav is a folder"},
		{"all.wav", nil, headOf(one, ""), heard, `source 1 ("voice") of recording 1 and source 2 ("rest") of recording 1 would both be written to`},
		{"{source}.wav", nil, headOf(one, ""), []string{"Bass", "bass"}, "would both be written to"},
		{"{source}.wav", nil, headOf(two, ""), heard, `source 1 ("voice") of recording 1 and source 1 ("voice") of recording 2 would both`},
		{"{input}.wav", nil, headOf(two, "", "a", "a"), heard[:1], "want {n} or {source}, and {input} or {realisation}, in the pattern"},
		{"old.wav/{source}.wav", nil, headOf(one, ""), heard, "is no folder; want one to write"},
		{"{source}.wav", nil, audiosep.Head{Channels: 1, Realisations: 1, Samples: 3}, heard, "the rate is 0 Hz"},
		{"{source}.wav", nil, audiosep.Head{Rate: 1, Channels: 2000, Realisations: 1, Samples: 3}, heard, "there are 2000 channels; want 1 to 1024"},
	} {
		w := sink(t, dir, c.pattern, c.params)
		if err := mustFail(w.Create(t.Context(), audiosep.Env{}, c.head, c.sources), c.want); err != nil {
			t.Errorf("%s: %v", c.pattern, err)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		if after := tree(t, dir); !slices.Equal(before, after) {
			t.Errorf("%s: the folder had %v and has %v", c.pattern, before, after)
		}
	}
}

func TestWriteAudioPattern(t *testing.T) {
	for _, c := range []struct{ pattern, want string }{
		{"{input}-{sources}.wav", "parameter pattern has {sources}; want {input}, {source}, {n}, {realisation}, {out}; did you mean {source}?"},
		{"{}.wav", "parameter pattern has {}; want {input}, {source}, {n}, {realisation}, {out}"},
		{"{source}.mp3", `parameter pattern is "{source}.mp3"; want a name that ends in one of .wav, .aiff, .flac`},
	} {
		if _, err := build(t, "write_audio", `{"pattern": "`+c.pattern+`"}`); err == nil || err.Error() != c.want {
			t.Errorf("%s: %v; want %s", c.pattern, err, c.want)
		}
	}
	// Names come from users and files; none leads out of its folder.
	dir := t.TempDir()
	s := recording(1, 1, 3)
	w := sink(t, dir, "{input}/{source}.wav", nil)
	names := []string{"../../up", "..", `C:\x?`, ""}
	if err := w.Create(t.Context(), audiosep.Env{}, headOf(s, "", ".."), names); err != nil {
		// ".." and "" are one name.
		if err := mustFail(err, "would both be written"); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Create(t.Context(), audiosep.Env{}, headOf(s, "", ".."), names[:3]); err != nil {
		t.Fatal(err)
	}
	feed(t, w, names[:3], s, 3)
	if err := w.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []string{"_", "_/.._.._up.wav", "_/C__x_.wav", "_/_.wav"}
	if got := tree(t, dir); !slices.Equal(got, want) {
		t.Errorf("the folder has %q; want %q", got, want)
	}
}

func TestWriteAudioOverwrite(t *testing.T) {
	dir := t.TempDir()
	path := write(t, dir, "voice.wav", "int16", recording(1, 1, 9))
	s := recording(2, 1, 5)
	w := sink(t, dir, "{source}.wav", map[string]any{"overwrite": true})
	if err := w.Create(t.Context(), audiosep.Env{}, headOf(s, ""), heard[:1]); err != nil {
		t.Fatal(err)
	}
	feed(t, w, heard[:1], s, 5)
	if old, _, err := audio.ReadFile(path); err != nil || len(old.Data[0]) != 9 {
		t.Error("the old file has gone before Commit", err)
	}
	if err := errors.Join(w.Commit(t.Context()), w.Close()); err != nil {
		t.Fatal(err)
	}
	got, _, err := audio.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	same(t, got.Data, s.Data)
	if left := tree(t, dir); len(left) != 1 {
		t.Errorf("the folder has %v; want voice.wav", left)
	}
}

// TestClipping: full scale and rounding at it pass in silence; what is beyond is cut and
// said, or refused; floats keep it.
func TestClipping(t *testing.T) {
	loud := &audiosep.Signal{Rate: 8000, Data: [][]float64{{0.5, 1, -1, -1 - 1e-9, 2, -1.5, 1.0001}}}
	full := &audiosep.Signal{Rate: 8000, Data: [][]float64{{0.5, 1, -1, -1 - 1e-9, 0, 1 + 1e-9, 0.99999}}}
	for _, c := range []struct {
		s                 *audiosep.Signal
		encoding, onClip  string
		want              []float64
		wantErr, wantWarn string
	}{
		{full, "int16", "error", []float64{0.5, 32767. / 32768, -1, -1, 0, 32767. / 32768, 32767. / 32768}, "", ""},
		{loud, "int16", "warn", []float64{0.5, 32767. / 32768, -1, -1, 32767. / 32768, -1, 32767. / 32768}, "", "samples=3 of=7 peak_dbfs=6.02"},
		{loud, "float64", "error", loud.Data[0], "", ""},
		{loud, "int24", "error", nil, `voice.wav would clip: 3 samples are beyond full scale, the peak is +6.02 dBFS; set the encoding to "float32"`, ""},
	} {
		dir := t.TempDir()
		var log bytes.Buffer
		w := sink(t, dir, "{source}.wav", map[string]any{"encoding": c.encoding, "on_clip": c.onClip})
		if err := w.Create(t.Context(), audiosep.Env{Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))}, headOf(c.s, ""), heard[:1]); err != nil {
			t.Fatal(err)
		}
		feed(t, w, heard[:1], c.s, 4)
		err := w.Commit(t.Context())
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		if c.wantErr != "" {
			if err := mustFail(err, c.wantErr); err != nil || len(tree(t, dir)) > 0 {
				t.Error(err, tree(t, dir))
			}
			continue
		}
		got, _, err := audio.ReadFile(filepath.Join(dir, "voice.wav"))
		if err != nil {
			t.Fatal(err)
		}
		same(t, got.Data, [][]float64{c.want})
		if s := log.String(); !strings.Contains(s, c.wantWarn) || c.wantWarn == "" && s != "" {
			t.Errorf("%s: logged %q; want %q", c.encoding, s, c.wantWarn)
		}
	}
}

func TestWriteFileRefuses(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.wav")
	for _, c := range []struct {
		s              *audiosep.Signal
		encoding, want string
	}{
		{recording(1, 1, 3), "mp3", `encoding is "mp3"; want uint8`},
		{&audiosep.Signal{Rate: 8000, Data: recording(1, 2, 3).Data}, "int16", "the signal is 2 layers; want its 1 channel"},
		{&audiosep.Signal{Rate: 8000, Channels: 2, Data: [][]float64{{1}, {}}}, "int16", "layer 1 is 0 samples; want 1"},
		{&audiosep.Signal{Data: [][]float64{{1}}}, "int16", "the rate is 0 Hz"},
		{&audiosep.Signal{Rate: 8000, Data: [][]float64{{2}}}, "int32", "a.wav would clip: 1 sample"},
		{&audiosep.Signal{Rate: 8000, Data: [][]float64{{1e39}}}, "float32", "is 1e+39; want a number that float32 can hold"},
	} {
		if err := mustFail(audio.WriteFile(path, c.s, c.encoding), c.want); err != nil {
			t.Error(err)
		}
	}
	if left := tree(t, dir); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}
