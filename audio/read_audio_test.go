package audio_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
)

// recording returns noise that int16 holds exactly.
func recording(seed uint64, channels, samples int) *audiosep.Signal {
	rng := rand.New(rand.NewPCG(seed, 0))
	s := &audiosep.Signal{Rate: 1000, Channels: channels}
	for range channels {
		d := make([]float64, samples)
		for t := range d {
			d[t] = float64(rng.IntN(1<<16)-1<<15) / (1 << 15)
		}
		s.Data = append(s.Data, d)
	}
	return s
}

// write puts a signal into dir/name.
func write(t *testing.T, dir, name, encoding string, s *audiosep.Signal) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := audio.WriteFile(path, s, encoding); err != nil {
		t.Fatal(err)
	}
	return path
}

// source builds read_audio and asks for its head.
func source(t *testing.T, params map[string]any) (audiosep.Source, audiosep.Head, error) {
	t.Helper()
	raw, err := json.Marshal(params)
	if err != nil {
		t.Fatal(err)
	}
	stage, err := build(t, "read_audio", string(raw))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stage.(io.Closer).Close(); err != nil {
			t.Error(err)
		}
	})
	h, err := stage.(audiosep.Source).Head(t.Context())
	return stage.(audiosep.Source), h, err
}

func blocks(layers, n int) [][]float64 {
	b := make([][]float64, layers)
	for l := range b {
		b[l] = make([]float64, n)
		for t := range b[l] {
			b[l][t] = math.NaN() // so that what is not written shows
		}
	}
	return b
}

// TestReadAt: any part of several realisations is what the files have there, and zero
// outside.
func TestReadAt(t *testing.T) {
	dir := t.TempDir()
	a, b := recording(1, 2, 40000), recording(2, 2, 40000)
	all := &audiosep.Signal{Rate: 1000, Channels: 2, Data: append(a.Data, b.Data...)}
	s, h, err := source(t, map[string]any{"files": []string{write(t, dir, "a.take.wav", "int16", a), write(t, dir, "b.wav", "int24", b)}, "realisations": true})
	if err != nil {
		t.Fatal(err)
	}
	want := audiosep.Head{Rate: 1000, Samples: 40000, Channels: 2, Realisations: 2, Names: []string{"a.take", "b"}, Encoding: "int24"}
	if !reflect.DeepEqual(h, want) {
		t.Errorf("head is %+v; want %+v", h, want)
	}
	for _, c := range []struct{ at, n int }{
		{0, 40000}, {-3, 40010}, {39999, 1}, {39999, 5}, {40000, 5}, {-7, 7}, {-7, 8}, {123, 20000}, {5, 0}, {-100, 50}, {50000, 9},
	} {
		got, want := blocks(4, c.n), blocks(4, c.n)
		if err := s.ReadAt(t.Context(), got, c.at); err != nil {
			t.Fatal(err)
		}
		if err := all.ReadAt(t.Context(), want, c.at); err != nil {
			t.Fatal(err)
		}
		same(t, got, want)
	}
}

func TestReadAtConcurrently(t *testing.T) {
	want := recording(1, 3, 50000)
	s, _, err := source(t, map[string]any{"files": []string{write(t, t.TempDir(), "a.wav", "float32", want)}})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for at := 1000 * i; at < 50000; at += 7000 {
				got, want2 := blocks(3, 6000), blocks(3, 6000)
				if err := errors.Join(s.ReadAt(t.Context(), got, at), want.ReadAt(t.Context(), want2, at)); err != nil {
					t.Error(err)
				}
				if !reflect.DeepEqual(got, want2) {
					t.Errorf("other samples from %d on", at)
				}
			}
		})
	}
	wg.Wait()
}

func TestReadAudioRefuses(t *testing.T) {
	dir := t.TempDir()
	a := write(t, dir, "a.wav", "int16", recording(1, 1, 1000))
	short := write(t, dir, "short.wav", "int16", recording(1, 1, 999))
	stereo := write(t, dir, "stereo.wav", "int16", recording(1, 2, 1000))
	empty := write(t, dir, "empty.wav", "int16", recording(1, 1, 0))
	for _, c := range []struct {
		params map[string]any
		want   string
	}{
		{map[string]any{"files": []string{filepath.Join(dir, "none.wav")}}, "there is no file "},
		{map[string]any{"files": []string{dir}}, "is no regular file"},
		{map[string]any{"files": []string{empty}}, "empty.wav has no samples; want at least 1"},
		{map[string]any{"files": []string{a, short}, "realisations": true}, "short.wav has 1000 Hz, 1 channel and 999 samples, but " + a + " has 1000 Hz, 1 channel and 1000 samples; want realisations of one scene alike"},
		{map[string]any{"files": []string{a, stereo}, "realisations": true}, "stereo.wav has 1000 Hz, 2 channels"},
	} {
		if _, _, err := source(t, c.params); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v; want %s", c.params, err, c.want)
		}
	}
}

func TestReadAudioMisuse(t *testing.T) {
	s, err := audio.NewReadAudio(audio.ReadAudioParams{Files: []string{"a.wav"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.ReadAt(t.Context(), blocks(1, 1), 0); err == nil {
		t.Error("ReadAt before Head; want an error")
	}
	path := write(t, t.TempDir(), "a.wav", "int16", recording(1, 1, 10))
	s, _, err = source(t, map[string]any{"files": []string{path}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.ReadAt(t.Context(), blocks(2, 1), 0); err == nil {
		t.Error("two layers of one; want an error")
	}
	if err := s.ReadAt(t.Context(), nil, 0); err == nil {
		t.Error("no layers; want an error")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.ReadAt(ctx, blocks(1, 5), 0); !errors.Is(err, context.Canceled) {
		t.Errorf("%v; want %v", err, context.Canceled)
	}
	if err := os.Truncate(path, 50); err != nil {
		t.Fatal(err)
	}
	if err := s.ReadAt(t.Context(), blocks(1, 10), 0); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a file cut while it is read: %v; want %v", err, io.ErrUnexpectedEOF)
	}
}

// TestReadNaN: a float file may hold what is no number; it is an error that says where.
func TestReadNaN(t *testing.T) {
	path := write(t, t.TempDir(), "a.wav", "float32", recording(1, 2, 10))
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte{0, 0, 0xC0, 0x7F}, info.Size()-4); err != nil {
		t.Fatal(err)
	}
	if _, _, err := audio.ReadFile(path); err == nil || !strings.Contains(err.Error(), "a.wav: samples 0 to 9: channel 1 has the value NaN; want finite numbers") {
		t.Error(err)
	}
}

func BenchmarkReadAt(b *testing.B) {
	for _, encoding := range []string{"int16", "int24", "float32", "float64"} {
		b.Run(encoding, func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "a.wav")
			if err := audio.WriteFile(path, recording(1, 2, 1<<19), encoding); err != nil {
				b.Fatal(err)
			}
			s, err := audio.NewReadAudio(audio.ReadAudioParams{Files: []string{path}})
			if err != nil {
				b.Fatal(err)
			}
			if _, err := s.Head(b.Context()); err != nil {
				b.Fatal(err)
			}
			defer s.(io.Closer).Close()
			dst := blocks(2, 1<<19)
			b.SetBytes(2 << 19 * 8) // of float64
			for b.Loop() {
				if err := s.ReadAt(b.Context(), dst, 0); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
