package audio_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-audio/wav"

	"github.com/audiosep/audiosep/audio"
)

// TestGolden reads what sox and ffmpeg wrote, and compares it with what ffmpeg reads.
func TestGolden(t *testing.T) {
	for _, c := range []struct {
		file              string
		encoding          string
		channels, samples int
	}{
		{"sox-u8", "uint8", 1, 11},
		{"sox-s16-stereo", "int16", 2, 12},
		{"sox-s24", "int24", 1, 11},
		{"sox-s32-stereo", "int32", 2, 12},
		{"sox-f32", "float32", 1, 12},
		{"sox-f64-stereo", "float64", 2, 12},
		{"sox-piped", "int16", 1, 12},
		{"sox-piped-s24-stereo", "int24", 2, 12},
		{"ffmpeg-s16-six", "int16", 6, 12},
		{"ffmpeg-f32-six", "float32", 6, 12},
		{"ffmpeg-s24-stereo", "int24", 2, 36},
		{"ffmpeg-f64", "float64", 1, 72},
		{"ffmpeg-rf64", "int16", 1, 72},
		{"ffmpeg-piped", "int16", 1, 72},
		{"sox-alaw", "int16", 1, 12},
		{"sox-ulaw", "int16", 1, 12},
		{"ffmpeg-w64", "int16", 1, 72},
		{"sox-rifx", "int24", 2, 12},
	} {
		s, h, err := audio.ReadFile(filepath.Join("testdata", c.file+".wav"))
		if err != nil {
			t.Error(err)
			continue
		}
		if h.Encoding != c.encoding || h.Rate != 8000 || h.Channels != c.channels || h.Samples != c.samples || h.Names[0] != c.file {
			t.Errorf("%s is %+v; want %d channels of %d samples in %s", c.file, h, c.channels, c.samples, c.encoding)
			continue
		}
		raw, err := os.ReadFile(filepath.Join("testdata", c.file+".f64"))
		if err != nil {
			t.Fatal(err)
		}
		if len(raw) != 8*c.channels*c.samples {
			t.Errorf("%s.f64 has %d bytes; want %d", c.file, len(raw), 8*c.channels*c.samples)
			continue
		}
		for i := range c.channels * c.samples {
			want := math.Float64frombits(binary.LittleEndian.Uint64(raw[8*i:]))
			if got := s.Data[i%c.channels][i/c.channels]; got != want {
				t.Fatalf("%s: sample %d of channel %d is %v; want %v", c.file, i/c.channels, i%c.channels, got, want)
			}
		}
	}
}

// TestGoldenFormats reads what other programs wrote in other formats, and compares it with what
// ffmpeg reads, for Opus opusdec: the same, or within one step of 16 bits where the format is lossy.
func TestGoldenFormats(t *testing.T) {
	t.Setenv("PATH", "") // there is no ffmpeg to be asked
	for _, name := range []string{"flac.flac", "sox.aiff", "ffmpeg-float.aifc", "oggenc.ogg", "lame.mp3", "opusenc-celt.opus", "opusenc-silk.opus", "opusenc-hybrid.opus", "oggenc-six.ogg", "opusenc-six.opus"} {
		s, h, err := audio.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Error(err)
			continue
		}
		raw, err := os.ReadFile(filepath.Join("testdata", name+".f32"))
		if err != nil {
			t.Fatal(err)
		}
		if six := strings.Contains(name, "six"); six && (h.Channels != 6 || h.Speakers != 0x60F) || !six && h.Channels != 2 {
			t.Errorf("%s has %d channels for the loudspeakers %#x; want 6 for 0x60f if its name says so, or 2", name, h.Channels, h.Speakers)
			continue
		}
		want := make([][]float64, h.Channels)
		for i := 0; i < len(raw); i += 4 {
			c := i / 4 % h.Channels
			want[c] = append(want[c], float64(math.Float32frombits(binary.LittleEndian.Uint32(raw[i:]))))
		}
		if h.Encoding == "" {
			within(t, s.Data, want)
		} else {
			same(t, s.Data, want)
		}
	}
}

// TestGoldenRewritten: what sox wrote, read and written again, is the same file to the
// byte. (For more than 16 bits or two channels sox adds a fact chunk that PCM need not have.)
func TestGoldenRewritten(t *testing.T) {
	for _, name := range []string{"sox-u8", "sox-s16-stereo", "sox-f32", "sox-f64-stereo"} {
		path := filepath.Join("testdata", name+".wav")
		s, h, err := audio.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		again := write(t, t.TempDir(), "again.wav", h.Encoding, s)
		got, err := os.ReadFile(again)
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s becomes\n%x; want\n%x", name, got, want)
		}
	}
}

func TestGoldenRefused(t *testing.T) {
	t.Setenv("PATH", "") // there is no ffmpeg to be asked
	for file, want := range map[string]string{
		"ffmpeg-adpcm": "the samples are coded in Microsoft ADPCM",
		"README.md":    "this is no sound file that is known: it starts with",
	} {
		if filepath.Ext(file) == "" {
			file += ".wav"
		}
		_, _, err := audio.ReadFile(filepath.Join("testdata", file))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v; want %s", file, err, want)
		}
	}
}

// TestOracle: on plain PCM in sound files, go-audio/wav reads the same by itself.
func TestOracle(t *testing.T) {
	for _, name := range []string{"sox-u8", "sox-s16-stereo", "sox-s24", "sox-s32-stereo", "ffmpeg-s16-six", "ffmpeg-s24-stereo"} {
		path := filepath.Join("testdata", name+".wav")
		ours, _, err := audio.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		buf, err := wav.NewDecoder(f).FullPCMBuffer()
		if err != nil {
			t.Fatal(err)
		}
		// It takes the byte of padding for a sample.
		buf.Data = buf.Data[:len(ours.Data)*len(ours.Data[0])]
		theirs, err := audio.FromBuffer(buf)
		if err != nil {
			t.Fatal(err)
		}
		same(t, theirs.Data, ours.Data)
		back, err := audio.Buffer(ours, 0)
		if err != nil {
			t.Fatal(err)
		}
		again, err := audio.FromBuffer(back)
		if err != nil {
			t.Fatal(err)
		}
		same(t, again.Data, ours.Data)
	}
}

// same fails unless all samples are the same bits.
func same(t *testing.T, got, want [][]float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d layers; want %d", len(got), len(want))
	}
	for l := range want {
		if len(got[l]) != len(want[l]) {
			t.Fatalf("layer %d has %d samples; want %d", l, len(got[l]), len(want[l]))
		}
		for n := range want[l] {
			if math.Float64bits(got[l][n]) != math.Float64bits(want[l][n]) {
				t.Fatalf("sample %d of layer %d is %v; want %v", n, l, got[l][n], want[l][n])
			}
		}
	}
}
