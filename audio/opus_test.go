package audio_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/audiosep/audiosep/audio"
)

// TestOpus: what opusenc and libopus in ffmpeg have coded, in all of the codec's modes, is decoded
// as opusdec does, at 48 kHz, of the same length and begun at the same sample.
func TestOpus(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	ffmpeg := func(args ...string) func(t *testing.T, wav, out string) {
		return ffmpegTo(append([]string{"-c:a", "libopus"}, args...)...)
	}
	for _, c := range []struct {
		name           string
		rate, channels int
		make           func(t *testing.T, wav, out string)
		modes          string // of the packets: s SILK, h hybrid, c CELT
	}{
		{"celt stereo", 48000, 2, opusOf("--bitrate", "128"), "c"},
		{"celt mono, 2.5 ms", 48000, 1, opusOf("--bitrate", "96", "--framesize", "2.5"), "c"},
		{"celt, resampled", 44100, 2, opusOf("--bitrate", "64", "--music"), "c"},
		{"silk narrow, 60 ms", 8000, 1, opusOf("--bitrate", "8", "--framesize", "60", "--speech"), "s"},
		{"silk wide", 16000, 1, ffmpeg("-b:a", "16k", "-application", "voip"), "s"},
		{"silk stereo", 16000, 2, ffmpeg("-b:a", "20k", "-application", "voip"), "s"},
		{"hybrid", 48000, 1, opusOf("--bitrate", "28", "--speech"), "h"},
		{"hybrid stereo", 48000, 2, ffmpeg("-b:a", "40k", "-application", "voip"), "h"},
		{"three channels", 48000, 3, opusOf("--bitrate", "192"), "c"},
		{"four channels", 48000, 4, opusOf("--bitrate", "128"), "c"},
		{"five channels", 48000, 5, opusOf("--bitrate", "256"), "c"},
		{"5.1", 48000, 6, opusOf("--bitrate", "256"), "c"},
		{"6.1, resampled", 44100, 7, opusOf("--bitrate", "300"), "c"},
		{"7.1", 48000, 8, opusOf("--bitrate", "400"), "c"},
		{"ten channels", 48000, 10, ffmpeg("-b:a", "400k", "-mapping_family", "255"), "c"},
		{"120 ms", 48000, 2, ffmpeg("-b:a", "96k", "-frame_duration", "120"), "c"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			out := filepath.Join(dir, "a.opus")
			got := lossy(t, music(c.rate, c.channels, c.rate+11, 16), c.make, out, 48000)
			if modes := opusModes(t, out); !strings.Contains(modes, c.modes) {
				t.Errorf("the packets are %s; want %s among them", modes, c.modes)
			}
			if c.channels > 8 { // which opusdec does not read; ffmpeg's own decoder is off from the fourth channel on
				wav := filepath.Join(dir, "decoded.wav")
				tool(t, "ffmpeg", "-v", "error", "-c:a", "libopus", "-i", out, wav)
				within(t, got.Data, decoded(t, wav, c.channels))
			} else {
				within(t, got.Data, opusdec(t, out))
			}
		})
	}
}

// TestChainedOgg: of recordings one behind the other in a file none is left out without a word: ffmpeg
// reads all of them, and without it the file is refused.
func TestChainedOgg(t *testing.T) {
	_, noFFmpeg := exec.LookPath("ffmpeg")
	for _, name := range []string{"opusenc-celt.opus", "oggenc.ogg"} {
		one, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		twice := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(twice, slices.Concat(one, one), 0o666); err != nil {
			t.Fatal(err)
		}
		_, single, err := audio.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		if noFFmpeg == nil {
			if _, head, err := audio.ReadFile(twice); err != nil || head.Samples < 2*single.Samples-500 { // ffmpeg keeps what comes before the second, or cuts its end
				t.Errorf("%s twice has %d samples, %v; want twice %d", name, head.Samples, err, single.Samples)
			}
		}
		t.Run(name, func(t *testing.T) {
			t.Setenv("PATH", "")
			want := fmt.Sprintf("another recording begins at byte %d; want one: convert it first, for instance with ffmpeg", len(one))
			if _, _, err := audio.ReadFile(twice); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("the error is %v; want %s", err, want)
			}
			if err := os.WriteFile(twice, slices.Concat(one, []byte("TAG of another kind")), 0o666); err != nil {
				t.Fatal(err)
			}
			if _, head, err := audio.ReadFile(twice); err != nil || head.Samples != single.Samples {
				t.Errorf("with a tag behind it has %d samples, %v; want %d", head.Samples, err, single.Samples)
			}
		})
	}
}

func opusOf(args ...string) func(t *testing.T, wav, out string) {
	return func(t *testing.T, wav, out string) {
		tool(t, "opusenc", append(append([]string{"--quiet"}, args...), wav, out)...)
	}
}

// opusdec returns the samples of a file as opusdec decodes them, full scale ±1, at 48 kHz, in the
// order of WAV files.
func opusdec(t *testing.T, path string) [][]float64 {
	t.Helper()
	wav := filepath.Join(t.TempDir(), "opusdec.wav")
	tool(t, "opusdec", "--quiet", "--rate", "48000", "--float", path, wav)
	s, _, err := audio.ReadFile(wav)
	if err != nil {
		t.Fatal(err)
	}
	return s.Data
}

// opusModes returns the modes of a file's packets, by their first bytes (RFC 6716, 3.1), a letter
// each. It takes each page's first packet alone.
func opusModes(t *testing.T, path string) (modes string) {
	t.Helper()
	file := tool(t, "cat", path)
	for page := 0; ; page++ {
		at := strings.Index(string(file), "OggS")
		if at < 0 {
			return modes
		}
		file = file[at:]
		body := 27 + int(file[26])
		if config := file[body] >> 3; page > 1 {
			modes += string("ssssssssssss" + "hhhh" + "cccccccccccccccc"[:])[config : config+1]
		}
		file = file[body:]
	}
}
