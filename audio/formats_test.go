package audio_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
)

func stemsOf(t *testing.T, s *audiosep.Signal, h audiosep.Head, names ...string) audiosep.Stems {
	t.Helper()
	signals := make([]*audiosep.Signal, len(names))
	for j := range names {
		signals[j] = s
	}
	stems, err := audiosep.NewStems(names, signals)
	if err != nil {
		t.Fatal(err)
	}
	return headed{stems, h}
}

// headed is stems of a recording about which more is known.
type headed struct {
	audiosep.Stems
	head audiosep.Head
}

func (h headed) Head() audiosep.Head { return h.head }

// writeStems runs write_audio.
func writeStems(t *testing.T, stems audiosep.Stems, p audio.WriteAudioParams) error {
	t.Helper()
	s, err := audio.NewWriteAudio(p)
	if err != nil {
		return err
	}
	return audiosep.Write(t.Context(), audiosep.Env{}, s, stems)
}

var someTags = audiosep.Tags{{Name: "TITLE", Value: "Für Elise"}, {Name: "ARTIST", Value: "odd"}, {Name: "COMMENT", Value: "even"}, {Name: "COPYRIGHT", Value: "©"}}

// TestWriteAndRead: what is written in any format and encoding is read again to the bit, with
// its tags and loudspeakers.
func TestWriteAndRead(t *testing.T) {
	var written []string // what ffmpeg is to read
	var meant [][][]float64
	for _, c := range []struct {
		ext, encoding  string
		channels, bits int
		rate, samples  int
	}{
		{".flac", "int16", 2, 16, 44100, 10007}, {".flac", "int24", 1, 24, 96000, 4096}, {".flac", "int16", 6, 16, 48000, 5000},
		{".flac", "int24", 8, 24, 44100, 1}, {".flac", "int16", 1, 16, 96001, 9000}, {".flac", "int16", 1, 16, 655350, 17},
		{".aiff", "int16", 2, 16, 44100, 10007}, {".aiff", "int24", 1, 24, 8000, 333}, {".aif", "int32", 3, 24, 44100, 100},
		{".aiff", "float32", 2, 16, 44100, 1001}, {".aifc", "float64", 1, 16, 192000, 1001},
		{".wav", "int16", 6, 16, 44100, 1000}, {".wav", "float32", 2, 16, 44100, 1001},
	} {
		want := music(c.rate, c.channels, c.samples, c.bits)
		h := audiosep.Head{Rate: c.rate, Samples: c.samples, Channels: c.channels, Realisations: 1, Names: []string{"song"}, Encoding: c.encoding, Tags: []audiosep.Tags{someTags}}
		if c.channels == 6 {
			h.Speakers = 0x3F // back, where FLAC's usual ones are at the sides
		}
		dir := t.TempDir()
		p := audio.DefaultWriteAudio()
		p.Pattern = dir + "/{input}" + c.ext
		if err := writeStems(t, stemsOf(t, want, h, "all"), p); err != nil {
			t.Errorf("%+v: %v", c, err)
			continue
		}
		path := filepath.Join(dir, "song"+c.ext)
		got, back, err := audio.ReadFile(path)
		if err != nil {
			t.Errorf("%+v: %v", c, err)
			continue
		}
		if c.ext == ".flac" && c.channels == 8 {
			h.Speakers = 0x63F
		}
		if !reflect.DeepEqual(back, h) {
			t.Errorf("%+v: the head is\n%+v; want\n%+v", c, back, h)
		}
		same(t, got.Data, want.Data)
		if c.ext == ".flac" {
			tool(t, "flac", "--totally-silent", "-t", path)
		}
		if c.rate < 600000 { // ffmpeg's limit
			written, meant = append(written, path), append(meant, want.Data)
		}
	}
	for i, got := range decodedAll(t, written, meant) {
		same(t, got, meant[i])
	}
}

// TestFormatRefuses: what a format cannot hold is said before the work.
func TestFormatRefuses(t *testing.T) {
	p := audio.DefaultWriteAudio()
	signal := music(8000, 1, 10, 16)
	h := audiosep.Head{Rate: 8000, Samples: 10, Channels: 1, Realisations: 1}
	for _, c := range []struct {
		change func()
		want   string
	}{
		{func() { p.Pattern, p.Encoding = "{source}.flac", "float32" }, `parameter encoding is "float32": FLAC files hold integers, and float32 would be rounded; want int16 or int24, or WAV`},
		{func() { p.Pattern, h.Encoding = "{source}.flac", "float64" }, "the recording is stored as float64, and FLAC files hold integers"},
		{func() { p.Pattern, h.Encoding = "{source}.flac", "int32" }, "FLAC files are not written with int32"},
		{func() { p.Pattern, p.Format = "{source}.wav", "flac" }, `parameter format is "flac", and the pattern ends in .wav; want the same format`},
		{func() { p.Pattern, p.Only = "{source}", []string{"drums"} }, `no source is called "drums"; want one of a, b, or a number from 1 to 2`},
		{func() { p.Pattern, p.Two = "{source}", "3" }, `no source is called "3"`},
		{func() { p.Pattern = "-" }, "2 stems would go to standard output; want one: say which by only"},
	} {
		p, h.Encoding = audio.DefaultWriteAudio(), ""
		c.change()
		dir := t.TempDir()
		if p.Pattern != "-" {
			p.Pattern = filepath.Join(dir, p.Pattern)
		}
		if err := writeStems(t, stemsOf(t, signal, h, "a", "b"), p); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v; want %s", err, c.want)
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("the folder has %v; want nothing", left)
		}
	}
}

// TestOnlyAndTwo: the stems that are wanted are written, and the rest is the sum of the others.
func TestOnlyAndTwo(t *testing.T) {
	names := []string{"drums", "bass", "voice"}
	var signals []*audiosep.Signal
	for j := range names {
		signals = append(signals, recording(uint64(j), 2, 100000))
	}
	stems, err := audiosep.NewStems(names, signals)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	p := audio.DefaultWriteAudio()
	p.Pattern, p.Only = dir+"/{out}/only/{n}-{source}", []string{"voice", "1"}
	if err := writeStems(t, stems, p); err != nil {
		t.Fatal(err)
	}
	p.Pattern, p.Only, p.Two, p.Encoding = dir+"/two/{source}.wav", nil, "bass", "float64"
	if err := writeStems(t, stems, p); err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(dir + "/*/*")
	want := []string{dir + "/only/1-drums.wav", dir + "/only/3-voice.wav", dir + "/two/bass.wav", dir + "/two/no-bass.wav"}
	if !reflect.DeepEqual(files, want) {
		t.Fatalf("there are %v; want %v", files, want)
	}
	rest, _, err := audio.ReadFile(want[3])
	if err != nil {
		t.Fatal(err)
	}
	sum := blocks(2, 100000)
	for c := range sum {
		for i := range sum[c] {
			sum[c][i] = signals[0].Data[c][i] + signals[2].Data[c][i]
		}
	}
	same(t, rest.Data, sum)
}
