package audio_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
)

// tool runs a program that other people wrote; the test is skipped where it is not.
func tool(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("there is no %s on the PATH", name)
	}
	cmd := exec.Command(name, args...)
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, complaint.String())
	}
	return out
}

// decoded returns the samples of a file as ffmpeg decodes them, full scale ±1.
func decoded(t *testing.T, path string, channels int, args ...string) [][]float64 {
	t.Helper()
	args = append([]string{"-v", "error", "-i", path}, args...)
	return apart(tool(t, "ffmpeg", append(args, "-f", "f64le", "-c:a", "pcm_f64le", "-")...), channels)
}

// apart returns the channels of 64-bit samples.
func apart(raw []byte, channels int) [][]float64 {
	x := make([][]float64, channels)
	for i := 0; i+8 <= len(raw); i += 8 {
		c := i / 8 % channels
		x[c] = append(x[c], math.Float64frombits(binary.LittleEndian.Uint64(raw[i:])))
	}
	return x
}

// decodedAll is decoded of files that have the channels of others, by one ffmpeg, which takes longer to
// start than to decode one.
func decodedAll(t *testing.T, paths []string, like [][][]float64) (all [][][]float64) {
	t.Helper()
	dir, args, to := t.TempDir(), []string{"-v", "error"}, []string(nil)
	out := func(i int) string { return filepath.Join(dir, strconv.Itoa(i)) }
	for i, path := range paths {
		args = append(args, "-i", path)
		to = append(to, "-map", strconv.Itoa(i)+":a", "-f", "f64le", "-c:a", "pcm_f64le", out(i))
	}
	tool(t, "ffmpeg", append(args, to...)...)
	for i := range paths {
		raw, err := os.ReadFile(out(i))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, apart(raw, len(like[i])))
	}
	return all
}

// music returns a sum of gliding tones and noise, at most about half of full scale, that
// integers of so many bits hold.
func music(rate, channels, samples, bits int) *audiosep.Signal {
	rng := rand.New(rand.NewPCG(7, uint64(channels)))
	s := &audiosep.Signal{Rate: rate, Channels: channels}
	full := math.Ldexp(1, bits-1)
	for c := range channels {
		d := make([]float64, samples)
		for t := range d {
			x := float64(t) / float64(rate)
			v := 0.25*math.Sin(2*math.Pi*(300+200*x)*x+float64(c)) + 0.15*math.Sin(2*math.Pi*1234*x)*math.Exp(-3*math.Mod(x, 0.25)) + 0.01*rng.NormFloat64()
			d[t] = math.RoundToEven(v*full)/full + 0 // + 0: no -0
		}
		s.Data = append(s.Data, d)
	}
	return s
}

// TestLosslessFormats: what other programs have written is read as it was before, to the bit.
func TestLosslessFormats(t *testing.T) {
	for i, c := range []struct {
		name, encoding       string
		rate, channels, bits int
		make                 func(t *testing.T, wav, out string)
		out                  string
	}{
		{"flac 16", "int16", 44100, 2, 16, flacOf("-8", "--channel-map=none"), "a.flac"},
		{"flac 24", "int24", 96000, 2, 24, flacOf("-5"), "a.flac"},
		{"flac 8", "uint8", 8000, 1, 8, flacOf("-5"), "a.flac"},
		{"flac 0, odd blocks", "int16", 11025, 1, 16, flacOf("-0", "--lax", "--blocksize=777"), "a.flac"},
		{"flac six channels", "int16", 48000, 6, 16, flacOf("-8", "--channel-map=none"), "a.flac"},
		{"flac eight channels", "int24", 48000, 8, 24, flacOf("-2", "--channel-map=none"), "a.flac"},
		{"flac of ffmpeg, 24", "int24", 44100, 2, 24, ffmpegTo("-compression_level", "12", "-sample_fmt", "s32"), "a.flac"},
		{"flac of ffmpeg, 16", "int16", 22050, 2, 16, ffmpegTo("-compression_level", "3"), "a.flac"},
		{"flac of sox", "int24", 44100, 1, 24, soxTo(), "a.flac"},
		{"aiff 16", "int16", 44100, 2, 16, soxTo(), "a.aiff"},
		{"aiff 24", "int24", 44100, 1, 24, soxTo(), "a.aiff"},
		{"aiff 8", "uint8", 8000, 1, 8, soxTo(), "a.aiff"},
		{"aiff 32 of ffmpeg", "int32", 44100, 6, 24, ffmpegTo("-c:a", "pcm_s32be"), "a.aiff"},
		{"aifc little-endian", "int16", 44100, 2, 16, ffmpegTo("-c:a", "pcm_s16le", "-f", "aiff"), "a.aifc"},
		{"wave64, 24", "int24", 44100, 2, 24, soxTo(), "a.w64"},
		{"wave64 of sox", "int16", 44100, 1, 16, soxTo(), "a.w64"},
		{"rifx", "int16", 44100, 2, 16, soxTo("-B", "-t", "wav"), "a.rifx"},
		{"aifc float32", "float32", 44100, 2, 16, ffmpegTo("-c:a", "pcm_f32be", "-f", "aiff"), "a.aifc"},
		{"aifc float64", "float64", 44100, 1, 16, ffmpegTo("-c:a", "pcm_f64be", "-f", "aiff"), "a.aifc"},
	} {
		if testing.Short() && i > 0 && strings.HasPrefix(c.name, "flac") {
			continue // a FLAC file is enough
		}
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			want := music(c.rate, c.channels, 10007, c.bits)
			wav := write(t, dir, "a.wav", fmt.Sprintf("%sint%d", map[bool]string{true: "u"}[c.bits == 8], c.bits), want)
			out := filepath.Join(dir, c.out)
			c.make(t, wav, out)
			got, head, err := audio.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			if head.Encoding != c.encoding || head.Rate != c.rate || head.Channels != c.channels {
				t.Errorf("it is %+v; want %s at %d Hz in %d channels", head, c.encoding, c.rate, c.channels)
			}
			same(t, got.Data, want.Data)
		})
	}
}

func flacOf(args ...string) func(t *testing.T, wav, out string) {
	return func(t *testing.T, wav, out string) {
		tool(t, "flac", append(append([]string{"--totally-silent", "-o", out}, args...), wav)...)
	}
}

func ffmpegTo(args ...string) func(t *testing.T, wav, out string) {
	return func(t *testing.T, wav, out string) {
		tool(t, "ffmpeg", append(append([]string{"-v", "error", "-i", wav}, args...), out)...)
	}
}

func soxTo(args ...string) func(t *testing.T, wav, out string) {
	return func(t *testing.T, wav, out string) {
		tool(t, "sox", append(append([]string{"-D", wav}, args...), out)...)
	}
}

// TestFLAC32: a FLAC file of 32 bits, of full scale and not, is read as ffmpeg does.
func TestFLAC32(t *testing.T) {
	dir := t.TempDir()
	wav := write(t, dir, "a.wav", "int32", recording32())
	out := filepath.Join(dir, "a.flac")
	tool(t, "ffmpeg", "-v", "error", "-i", wav, "-c:a", "flac", "-sample_fmt", "s32", "-bits_per_raw_sample", "32", "-strict", "experimental", out)
	got, head, err := audio.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if head.Encoding == "int24" {
		t.Skip("this ffmpeg writes no FLAC of 32 bits")
	}
	same(t, got.Data, decoded(t, out, 2))
}

func recording32() *audiosep.Signal {
	rng := rand.New(rand.NewPCG(3, 3))
	s := &audiosep.Signal{Rate: 44100, Channels: 2, Data: make([][]float64, 2)}
	for range 9000 {
		v := float64(int32(rng.Uint32())) / (1 << 31)
		s.Data[0] = append(s.Data[0], v)
		s.Data[1] = append(s.Data[1], -v+0x1p-31*float64(rng.IntN(9)))
	}
	s.Data[1][0] = -1
	for t, v := range s.Data[1] {
		s.Data[1][t] = math.Max(-1, math.Min(v, 1-0x1p-31))
	}
	return s
}

// TestReadAnywhere: any part of a file of any format is what it is in the whole.
func TestReadAnywhere(t *testing.T) {
	dir := t.TempDir()
	wav := write(t, dir, "a.wav", "int16", music(44100, 2, 30011, 16))
	for _, name := range []string{"a.flac", "a.aiff", "a.w64", "a.mp3", "a.ogg"} {
		if testing.Short() && name != "a.flac" && name != "a.mp3" {
			continue
		}
		t.Run(filepath.Ext(name), func(t *testing.T) {
			out := filepath.Join(dir, name)
			args := []string(nil)
			if name == "a.ogg" {
				args = []string{"-c:a", "libvorbis"}
			}
			ffmpegTo(args...)(t, wav, out)
			whole, _, err := audio.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			src, err := audio.Open(out)
			if err != nil {
				t.Fatal(err)
			}
			defer src.Close()
			for _, c := range []struct{ at, n int }{{29000, 2000}, {-5, 20}, {4095, 2}, {4096, 5000}, {1, 1}, {12345, 10000}} {
				got, want := blocks(2, c.n), blocks(2, c.n)
				if err := src.ReadAt(t.Context(), got, c.at); err != nil {
					t.Fatal(err)
				}
				if err := whole.ReadAt(t.Context(), want, c.at); err != nil {
					t.Fatal(err)
				}
				same(t, got, want)
			}
		})
	}
}

// TestCutAndBroken: a file that is cut, or of which a bit is another, is an error where the
// format has checksums.
func TestCutAndBroken(t *testing.T) {
	dir := t.TempDir()
	wav := write(t, dir, "a.wav", "int16", music(44100, 1, 30011, 16))
	out := filepath.Join(dir, "a.flac")
	flacOf()(t, wav, out)
	whole, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{30, 60, len(whole) / 2, len(whole) - 1} {
		path := filepath.Join(dir, "cut.flac")
		if err := os.WriteFile(path, whole[:n], 0o666); err != nil {
			t.Fatal(err)
		}
		if _, _, err := audio.ReadFile(path); err == nil || !strings.Contains(err.Error(), "cut.flac: ") {
			t.Errorf("cut after %d of %d bytes: %v; want an error that names the file", n, len(whole), err)
		}
	}
	for _, at := range []int{len(whole) / 3, len(whole) - 3} {
		broken := append([]byte(nil), whole...)
		broken[at] ^= 0x10
		path := filepath.Join(dir, "broken.flac")
		if err := os.WriteFile(path, broken, 0o666); err != nil {
			t.Fatal(err)
		}
		if _, _, err := audio.ReadFile(path); err == nil || !strings.Contains(err.Error(), "byte") {
			t.Errorf("a bit of byte %d is another: %v; want an error that says where", at, err)
		}
	}
}

// within fails unless got has the channels and the length of want, and no sample is further
// off than one step of 16 bits.
func within(t *testing.T, got, want [][]float64) {
	t.Helper()
	if len(got) != len(want) || len(got[0]) != len(want[0]) {
		t.Fatalf("%d channels of %d samples; want %d of %d", len(got), len(got[0]), len(want), len(want[0]))
	}
	worst := 0.0
	for c := range want {
		for i := range want[c] {
			worst = math.Max(worst, math.Abs(got[c][i]-want[c][i]))
		}
	}
	if worst > 1.0/(1<<15) {
		t.Errorf("samples are up to %.3g steps of 16 bits off; want at most 1", worst*(1<<15))
	}
}

// TestLossyFormats: what other programs have coded is decoded as ffmpeg does, of the same
// length and begun at the same sample.
func TestLossyFormats(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	for _, c := range []struct {
		name           string
		rate, channels int
		make           func(t *testing.T, wav, out string)
		out            string
	}{
		{"vorbis", 44100, 2, oggOf("-q", "3"), "a.ogg"},
		{"mp3", 44100, 2, lameOf("-b", "128"), "a.mp3"},
		{"mp3 low", 44100, 2, lameOf("-b", "64", "-m", "j", "--resample", "44.1"), "a.mp3"},
		{"mp3 sums", 44100, 2, lameOf("-b", "128", "-m", "f"), "a.mp3"},
		{"mp3 mono", 44100, 1, lameOf("-b", "96"), "a.mp3"},
		{"mp3 320", 48000, 2, lameOf("-b", "320", "-m", "s"), "a.mp3"},
		{"mp3 32 kHz", 32000, 2, lameOf("-b", "96", "--resample", "32"), "a.mp3"},
		{"mp3 variable", 44100, 2, lameOf("-V", "4"), "a.mp3"},
		{"mp3 of ffmpeg", 44100, 2, ffmpegTo("-b:a", "192k"), "a.mp3"},
		{"mp3 checksums", 44100, 2, lameOf("-p", "-b", "160"), "a.mp3"},
		{"mp3 without a header", 44100, 2, lameOf("-t", "-b", "128"), "a.mp3"},
		{"mp3 22 kHz", 22050, 2, lameOf("-b", "48"), "a.mp3"},
		{"mp3 24 kHz mono", 24000, 1, lameOf("-V", "5"), "a.mp3"},
		{"mp3 16 kHz", 16000, 2, lameOf("-b", "32"), "a.mp3"},
		{"mp3 12 kHz", 12000, 1, lameOf("-b", "24"), "a.mp3"},
		{"mp3 8 kHz", 8000, 2, lameOf("-b", "24"), "a.mp3"},
		{"vorbis, three channels", 44100, 3, oggOf("-q", "3"), "a.ogg"},
		{"vorbis, four channels", 44100, 4, oggOf("-q", "1"), "a.ogg"},
		{"vorbis, five channels", 44100, 5, oggOf("-q", "3"), "a.ogg"},
		{"vorbis 5.1", 48000, 6, oggOf("-q", "5"), "a.ogg"},
		{"vorbis 6.1", 48000, 7, oggOf("-q", "3"), "a.ogg"},
		{"vorbis 7.1", 48000, 8, oggOf("-q", "3"), "a.ogg"},
		{"vorbis mono", 22050, 1, oggOf("-q", "-1"), "a.ogg"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			out := filepath.Join(dir, c.out)
			got := lossy(t, music(c.rate, c.channels, 60011, 16), c.make, out, c.rate)
			if c.rate == 24000 && strings.HasPrefix(c.name, "mp3") { // whose bands ffmpeg has otherwise than the standard
				wav := filepath.Join(dir, "decoded.wav")
				tool(t, "lame", "--silent", "--decode", out, wav)
				want, _, err := audio.ReadFile(wav)
				if err != nil {
					t.Fatal(err)
				}
				for _, x := range got.Data { // lame's are rounded
					for i, v := range x {
						x[i] = math.Round(v*(1<<15)) / (1 << 15)
					}
				}
				within(t, got.Data, want.Data)
				return
			}
			within(t, got.Data, decoded(t, out, c.channels))
		})
	}
}

// lossy has a program code a sound with bursts, out, and returns what is read of it, which must be of
// a rate and of no encoding.
func lossy(t *testing.T, s *audiosep.Signal, code func(t *testing.T, wav, out string), out string, rate int) *audiosep.Signal {
	t.Helper()
	attacks(s)
	code(t, write(t, filepath.Dir(out), "a.wav", "int16", s), out)
	got, head, err := audio.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if head.Encoding != "" || head.Rate != rate {
		t.Errorf("it is %+v; want no encoding at %d Hz", head, rate)
	}
	return got
}

// attacks adds bursts, which encoders put into short blocks.
func attacks(s *audiosep.Signal) {
	for c, x := range s.Data {
		for at := 3000; at < len(x); at += 5000 {
			for k := range min(200, len(x)-at) {
				x[at+k] = 0.7 * math.Sin(float64(k*k)/7+float64(c)) / (1 + float64(k)/20)
			}
		}
	}
}

func oggOf(args ...string) func(t *testing.T, wav, out string) {
	return func(t *testing.T, wav, out string) {
		tool(t, "oggenc", append(append([]string{"-Q", "-o", out}, args...), wav)...)
	}
}

func lameOf(args ...string) func(t *testing.T, wav, out string) {
	return func(t *testing.T, wav, out string) {
		tool(t, "lame", append(append([]string{"--silent"}, args...), wav, out)...)
	}
}

// TestFFmpeg: what no codec reads is read through ffmpeg where there is one, which is told; what
// one reads is not.
func TestFFmpeg(t *testing.T) {
	dir := t.TempDir()
	want := music(44100, 2, 20011, 16)
	wav := write(t, dir, "a.wav", "int16", want)
	names := []string{"a.m4a", "a.mka", "a.webm"}
	if testing.Short() {
		names = names[:1]
	}
	for _, name := range names {
		out := filepath.Join(dir, name)
		switch name {
		case "a.webm":
			ffmpegTo("-c:a", "libopus")(t, wav, out)
		case "a.m4a":
			ffmpegTo("-c:a", "alac")(t, wav, out)
		default:
			ffmpegTo("-c:a", "pcm_s16le")(t, wav, out)
		}
		var said strings.Builder
		src, err := audio.NewReadAudio(audio.ReadAudioParams{Files: []string{out}})
		if err != nil {
			t.Fatal(err)
		}
		src.(audiosep.LogUser).UseLog(slog.New(slog.NewTextHandler(&said, nil)))
		if _, err := src.Head(t.Context()); err != nil {
			t.Fatal(err)
		}
		got, err := audiosep.ReadAll(t.Context(), src)
		if err := errors.Join(err, src.(io.Closer).Close()); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(said.String(), "ffmpeg decodes this file") {
			t.Errorf("%s: the log says %q; want that ffmpeg decodes it", name, said.String())
		}
		within(t, got.Data, decoded(t, out, 2))
		if name != "a.webm" {
			same(t, got.Data, want.Data)
		}
	}
}

// TestNoOtherFiles: a list that names other files is not followed.
func TestNoOtherFiles(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "secret.wav", "int16", music(8000, 1, 100, 16))
	list := filepath.Join(dir, "list.m3u8")
	text := "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nsecret.wav\n#EXT-X-ENDLIST\n"
	if err := os.WriteFile(list, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, _, err := audio.ReadFile(list); err == nil || !strings.Contains(err.Error(), "no sound file that is known") {
		t.Errorf("%v; want an error", err)
	}
}

// TestTagsOfOthers: titles that other programs have written are read.
func TestTagsOfOthers(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts programs of others")
	}
	dir := t.TempDir()
	wav := write(t, dir, "a.wav", "int16", music(44100, 2, 5000, 16))
	about := []string{"-metadata", "title=Für Elise", "-metadata", "artist=Ludwig"}
	for name, make := range map[string]func(t *testing.T, wav, out string){
		"b.wav": ffmpegTo(about...), "a.flac": ffmpegTo(about...), "a.ogg": ffmpegTo(append(about, "-c:a", "libvorbis")...),
		"a.aiff": ffmpegTo("-metadata", "title=Für Elise", "-metadata", "author=Ludwig"), "a.mp3": lameOf("-m", "s", "--id3v2-only", "--tt", "Für Elise", "--ta", "Ludwig"),
	} {
		out := filepath.Join(dir, name)
		make(t, wav, out)
		_, h, err := audio.ReadFile(out)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := map[string]string{}
		for _, tags := range h.Tags {
			for _, tag := range tags {
				got[tag.Name] = tag.Value
			}
		}
		if got["TITLE"] != "Für Elise" || got["ARTIST"] != "Ludwig" {
			t.Errorf("%s says %v; want its title and artist", name, h.Tags)
		}
	}
}
