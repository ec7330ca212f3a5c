package audio_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
)

// told reads all of a file and returns what is logged of it, and how many samples it has.
func told(t *testing.T, path string) (string, int) {
	t.Helper()
	var log bytes.Buffer
	src, err := audio.NewReadAudio(audio.ReadAudioParams{Files: []string{path}})
	if err != nil {
		t.Fatal(err)
	}
	src.(audiosep.LogUser).UseLog(slog.New(slog.NewTextHandler(&log, nil)))
	h, err := src.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	x := make([][]float64, h.Layers())
	for l := range x {
		x[l] = make([]float64, h.Samples)
	}
	for range 2 {
		if err := src.ReadAt(t.Context(), x, 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := src.(audio.File).Close(); err != nil {
		t.Fatal(err)
	}
	return log.String(), h.Samples
}

// pageSum is the checksum of a page of Ogg (RFC 3533, section 6).
func pageSum(page []byte) (crc uint32) {
	for _, b := range page {
		crc ^= uint32(b) << 24
		for range 8 {
			top := crc >> 31
			crc <<= 1
			crc ^= top * 0x04C11DB7
		}
	}
	return crc
}

// A file that ends too early is read as far as it goes, with a warning; a whole one has none.
func TestTruncatedIsTold(t *testing.T) {
	mp3, err := os.ReadFile("testdata/lame.mp3")
	if err != nil {
		t.Fatal(err)
	}
	ogg, err := os.ReadFile("testdata/oggenc.ogg")
	if err != nil {
		t.Fatal(err)
	}
	long := append(bytes.Clone(mp3), mp3...) // longer than what the encoder added before it
	promises := bytes.Clone(mp3)
	info := max(bytes.Index(mp3, []byte("Info")), bytes.Index(mp3, []byte("Xing")))
	promises[info+11] += 3 // the last byte of the number of frames
	page := bytes.LastIndex(ogg, []byte("OggS"))
	unended := bytes.Clone(ogg)
	unended[page+5] &^= 4 // it is not said to be the last
	binary.LittleEndian.PutUint32(unended[page+22:], 0)
	binary.LittleEndian.PutUint32(unended[page+22:], pageSum(unended[page:]))
	stereo, err := os.ReadFile("testdata/sox-s16-stereo.wav")
	if err != nil {
		t.Fatal(err)
	}
	piped, err := os.ReadFile("testdata/sox-piped-s24-stereo.wav") // whose header has no length
	if err != nil {
		t.Fatal(err)
	}
	odd, err := os.ReadFile("testdata/sox-s24.wav") // with a byte of padding
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"whole.wav": {stereo, ""},
		"piped.wav": {piped, ""},
		"odd.wav":   {odd, ""},
		"byte.wav":  {stereo[:len(stereo)-1], "it ends in the middle of a sample, after 3 of its 4 bytes"},
		"left.wav":  {piped[:len(piped)-3], "it ends in the middle of a sample, after 3 of its 6 bytes"},
		"whole.mp3": {mp3, ""},
		"whole.ogg": {ogg, ""},
		"cut.mp3":   {long[:len(long)-20], "it ends in the middle of frame"},
		"short.mp3": {promises, "frames"},
		"short.ogg": {unended, "no page is said to be the last"},
	} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, c.file, 0o666); err != nil {
			t.Fatal(err)
		}
		log, samples := told(t, path)
		if c.want == "" && log != "" || !strings.Contains(log, c.want) || strings.Count(log, "truncated") != min(1, len(c.want)) {
			t.Errorf("%s: %q; want %q once", name, log, c.want)
		}
		if samples == 0 {
			t.Errorf("%s: no samples", name)
		}
	}
}

// Samples in units of integers are told of, once; those of a mix that is too loud are not.
func TestFarBeyondFullScaleIsTold(t *testing.T) {
	for peak, want := range map[float64]int{1: 0, 4: 0, 32768: 1} {
		path := filepath.Join(t.TempDir(), "x.wav")
		s := &audiosep.Signal{Rate: 8000, Channels: 1, Data: [][]float64{{0, peak, -peak / 2}}}
		if err := audio.WriteFile(path, s, "float32"); err != nil {
			t.Fatal(err)
		}
		if log, _ := told(t, path); strings.Count(log, "far beyond full scale") != want {
			t.Errorf("peak %g: %q; want %d warnings", peak, log, want)
		}
	}
}

// Samples that floors of powers hide are told of, once, where the recording was read whole;
// silence is not.
func TestFarBelowFullScaleIsTold(t *testing.T) {
	for peak, want := range map[float64]int{1: 0, 1e-5: 0, 1e-7: 1, 1e-300: 1, 0: 0} {
		path := filepath.Join(t.TempDir(), "x.wav")
		s := &audiosep.Signal{Rate: 8000, Channels: 1, Data: [][]float64{{0, peak, -peak / 2}}}
		if err := audio.WriteFile(path, s, "float64"); err != nil {
			t.Fatal(err)
		}
		log, _ := told(t, path)
		if strings.Count(log, "far below full scale") != want || want == 1 && !strings.Contains(log, fmt.Sprintf("loudest=%g", peak)) {
			t.Errorf("peak %g: %q; want %d warnings", peak, log, want)
		}
	}
}

// Samples are rounded to the nearest integer, ties to the even one.
func TestTiesGoToEven(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.wav")
	const step = 1.0 / (1 << 15)
	s := &audiosep.Signal{Rate: 8000, Channels: 1, Data: [][]float64{{0.5 * step, 1.5 * step, 2.5 * step, -0.5 * step, -1.5 * step, 1.51 * step, 2.49 * step}}}
	if err := audio.WriteFile(path, s, "int16"); err != nil {
		t.Fatal(err)
	}
	got, _, err := audio.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{0, 2, 2, 0, -2, 2, 2} {
		if x := got.Data[0][i] / step; x != want {
			t.Errorf("%g steps are written as %g; want %g", s.Data[0][i]/step, x, want)
		}
	}
}

// What nothing can read is told of once, by the error: nobody has decoded it.
func TestNoSoundIsToldOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.wav")
	if err := os.WriteFile(path, []byte("# a text\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	src, err := audio.NewReadAudio(audio.ReadAudioParams{Files: []string{path}})
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	src.(audiosep.LogUser).UseLog(slog.New(slog.NewTextHandler(&log, nil)))
	if _, err := src.Head(t.Context()); err == nil || !strings.Contains(err.Error(), "no sound file that is known") || log.Len() > 0 {
		t.Errorf("%v, and the log says %q", err, log.String())
	}
}
