package audio

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/audiosep/audiosep"
)

// noise returns a signal whose samples an encoding holds exactly, both ends of its
// range among them.
func noise(e encoding, channels, samples int) *audiosep.Signal {
	rng := rand.New(rand.NewPCG(1, uint64(channels)))
	s := &audiosep.Signal{Rate: 11025, Channels: channels}
	for range channels {
		d := make([]float64, samples)
		for t := range d {
			switch {
			case e.float && e.bytes == 4:
				d[t] = float64(float32(rng.NormFloat64()))
			case e.float:
				d[t] = rng.NormFloat64()
			default:
				full := int64(e.scale())
				d[t] = float64(rng.Int64N(2*full)-full) / float64(full)
				switch t {
				case 0:
					d[t] = -1
				case 1:
					d[t] = float64(full-1) / float64(full)
				}
			}
		}
		s.Data = append(s.Data, d)
	}
	return s
}

// TestRoundTrip: what is written and read is the same to the bit, and written again
// the same file.
func TestRoundTrip(t *testing.T) {
	dir := t.TempDir()
	for _, e := range encodings {
		for _, channels := range []int{1, 2, 3} {
			for _, samples := range []int{0, 1, 7, 40001} {
				want := noise(e, channels, samples)
				path := filepath.Join(dir, "a.wav")
				if err := WriteFile(path, want, e.name); err != nil {
					t.Fatal(e.name, channels, samples, err)
				}
				got, head, err := ReadFile(path)
				if err != nil {
					t.Fatal(e.name, channels, samples, err)
				}
				wantHead := audiosep.Head{Rate: 11025, Samples: samples, Channels: channels, Realisations: 1, Names: []string{"a"}, Encoding: e.name}
				if !reflect.DeepEqual(head, wantHead) || !reflect.DeepEqual(got, want) {
					t.Errorf("%s, %d channels, %d samples: got %v back and other samples; want %v and the same", e.name, channels, samples, head, wantHead)
				}
			}
		}
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("the folder has %v; want a.wav alone", left)
	}
}

// chunk returns a chunk whose size is what it says, not what it is, if it is 0 or more.
func chunk(name string, says int64, body ...byte) string {
	if says < 0 {
		says = int64(len(body))
	}
	return name + string(binary.LittleEndian.AppendUint32(nil, uint32(says))) + string(body)
}

// fmtChunk returns a plain fmt chunk.
func fmtChunk(tag, channels, rate, block, bits int) string {
	le := binary.LittleEndian
	b := le.AppendUint16(nil, uint16(tag))
	b = le.AppendUint16(b, uint16(channels))
	b = le.AppendUint32(b, uint32(rate))
	b = le.AppendUint32(b, uint32(rate*block))
	b = le.AppendUint16(b, uint16(block))
	return chunk("fmt ", -1, le.AppendUint16(b, uint16(bits))...)
}

var (
	pcm16   = fmtChunk(1, 1, 8000, 2, 16)
	unknown = int64(0xFFFFFFFF)
)

// riff returns a RIFF file of a size that says is, or that is true if says is negative.
func riff(says int64, chunks ...string) string {
	body := "WAVE" + strings.Join(chunks, "")
	return chunk("RIFF", says, []byte(body)...)
}

// extensible returns a fmt chunk of WAVE_FORMAT_EXTENSIBLE.
func extensible(subtag uint16, tail string) string {
	b := []byte(fmtChunk(0xFFFE, 1, 8000, 2, 16)[8:])
	b = append(b, 22, 0, 16, 0, 4, 0, 0, 0, byte(subtag), byte(subtag>>8))
	return chunk("fmt ", -1, append(b, tail...)...)
}

func parse(file string) (layout, error) {
	return parseWAV(strings.NewReader(file), int64(len(file)))
}

func TestParseAccepts(t *testing.T) {
	six := []byte{1, 0, 2, 0, 3, 0}
	ds64 := func(n byte) string {
		return chunk("ds64", -1, append(append(make([]byte, 8), n, 0, 0, 0, 0, 0, 0, 0), make([]byte, 12)...)...)
	}
	rf64 := func(chunks ...string) string { return strings.Replace(riff(unknown, chunks...), "RIFF", "RF64", 1) }
	for _, c := range []struct {
		what, file string
		samples    int
	}{
		{"plain", riff(-1, pcm16, chunk("data", -1, six...)), 3},
		{"RIFF's size is ignored", riff(7, pcm16, chunk("data", -1, six...)), 3},
		{"an odd chunk and its padding", riff(-1, pcm16, chunk("note", -1, 'x'), "\x00", chunk("data", -1, six...)), 3},
		{"chunks behind the samples", riff(-1, pcm16, chunk("data", -1, six...), chunk("LIST", -1, 1, 2, 3, 4)), 3},
		{"half a sample at the end", riff(-1, pcm16, chunk("data", -1, 1, 0, 2, 0, 3)), 2},
		{"piped, as ffmpeg does", riff(unknown, pcm16, chunk("data", unknown, six...)), 3},
		{"piped, RIFF's size 0", riff(0, pcm16, chunk("data", 0, six...)), 3},
		{"piped, as sox does", riff(0x7FFFF024, pcm16, chunk("data", 0x7FFFF000, six...)), 3},
		{"piped, half a sample at the end", riff(unknown, pcm16, chunk("data", unknown, 1, 0, 2)), 1},
		{"a header never completed", riff(36, pcm16, chunk("data", 0, six...)), 3},
		{"truly empty", riff(-1, pcm16, chunk("data", 0)), 0},
		{"truly empty, with chunks behind", riff(-1, pcm16, chunk("data", 0), chunk("LIST", -1, 1, 2)), 0},
		{"RF64", rf64(ds64(4), pcm16, chunk("data", unknown, six...)), 2},
		{"RF64 without a size", rf64(ds64(0), pcm16, chunk("data", unknown, six...)), 3},
		{"RF64 with a short size", rf64(ds64(9), pcm16, chunk("data", 6, six...)), 3},
		{"RF64 with an old short size", rf64(ds64(6), pcm16, chunk("data", 2, six...)), 3},
		{"RF64 with an old short size, a chunk behind", rf64(ds64(6), pcm16, chunk("data", 2, six...), chunk("LIST", -1, 1, 2)), 3},
		{"RF64 of a writer into a pipe", rf64(chunk("ds64", -1, []byte(strings.Repeat("\xff", 28))...), pcm16, chunk("data", unknown, six...)), 3},
		{"piped, as arecord does", riff(0x7FFFFF24, pcm16, chunk("data", 0x7FFFFF00, six...)), 3},
		{"piped, as speexdec and opusdec do", riff(0x7FFFFFFF, pcm16, chunk("data", 0x7FFFFFFF, six...)), 3},
		{"2 GiB for unknown", riff(0x80000024, pcm16, chunk("data", 0x80000000, six...)), 3},
		{"all ones less a header", riff(unknown, pcm16, chunk("data", 0xFFFFFFDB, six...)), 3},
		{"a size never completed, RIFF's is right", riff(-1, pcm16, chunk("data", 0, six...)), 3},
		{"the size counts the header", riff(-1, pcm16, chunk("data", 50, six...)), 3},
		{"both sizes count the header", riff(86, pcm16, chunk("data", 50, six...)), 3},
		{"sixteen bytes too many, RIFF's size is right", riff(-1, pcm16, chunk("data", 22, six...)), 3},
		{"the size counts padding that is not there", riff(-1, pcm16, chunk("data", 7, six...)), 3},
		{"the same, RIFF's size too", riff(43, pcm16, chunk("data", 7, six...)), 3},
		{"a size in samples", riff(-1, pcm16, chunk("data", 3, six...)), 3},
		{"a little behind the samples", riff(-1, pcm16, chunk("data", 2, six...)), 1},
		{"zeros behind the samples", riff(-1, pcm16, chunk("data", 6, append(six[:6:6], make([]byte, 1<<17)...)...)), 3},
		{"a second format", riff(-1, pcm16, fmtChunk(1, 2, 8000, 4, 16), chunk("data", -1, six...)), 3},
		{"no bytes a sample", riff(-1, fmtChunk(1, 1, 8000, 0, 16), chunk("data", -1, six...)), 3},
		{"24 bits in four bytes", riff(-1, fmtChunk(1, 1, 8000, 4, 24), chunk("data", -1, 0, 1, 2, 3)), 1},
		{"ambisonic", riff(-1, extensible(1, ambisonicTail), chunk("data", -1, six...)), 3},
		{"an ID3 tag before", "ID3\x03\x00\x00\x00\x00\x00\x0a" + strings.Repeat("x", 10) + riff(-1, pcm16, chunk("data", -1, six...)), 3},
		{"an ID3 tag before, the size counts the header", "ID3\x03\x00\x00\x00\x00\x00\x0a" + strings.Repeat("x", 10) + riff(-1, pcm16, chunk("data", 50, six...)), 3},
		{"µ-law", riff(-1, fmtChunk(7, 1, 8000, 1, 8), chunk("data", -1, six...)), 6},
		{"extensible A-law", riff(-1, extensible(6, subformatTail), chunk("data", -1, six...)), 6},
		{"12 bits in two bytes", riff(-1, fmtChunk(1, 1, 8000, 2, 12), chunk("data", -1, six...)), 3},
	} {
		if l, err := parse(c.file); err != nil || l.samples != c.samples {
			t.Errorf("%s: %d samples, %v; want %d", c.what, l.samples, err, c.samples)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	data := chunk("data", -1, 1, 0)
	for _, c := range []struct{ what, file, want string }{
		{"empty", "", `this is empty; want a sound file, such as WAV, Wave64, AIFF`},
		{"text", "Dear Sir or Madam", `this is no sound file that is known: it starts with "Dear Sir or "; want WAV, Wave64, AIFF`},
		{"Speex", "OggS" + strings.Repeat("\x00", 24) + "Speex", "this is Speex; want WAV, Wave64, AIFF, FLAC, Ogg Vorbis, Ogg Opus or MP3: convert it first"},
		{"Matroska", "\x1aE\xdf\xa3", "this is Matroska; want WAV, Wave64, AIFF, FLAC"},
		{"AVI", chunk("RIFF", -1, []byte("AVI LIST")...), "this is an AVI film"},
		{"another RIFF", chunk("RIFF", -1, []byte("WEBPVP8 ")...), "this is no sound file that is known"},
		{"M4A", "\x00\x00\x00\x20ftypM4A \x00", "this is M4A (MPEG-4 audio); want WAV, Wave64, AIFF, FLAC"},
		{"MP4", "\x00\x00\x00\x20ftypisom\x00", "this is MPEG-4; want WAV, Wave64, AIFF, FLAC"},
		{"MP3", "\xff\xfb\x90\x64\x00\x00\x00\x00\x00\x00\x00\x00", "the file ends in the frame at byte 0; it is truncated"},
		{"MP3 of 22 kHz without checksum", "\xff\xf3\x40\xc4\x00\x00\x00\x00", "the file ends in the frame at byte 0; it is truncated"},
		{"MP3 with a tag", "ID3\x04\x00\x00\x00\x00\x00\x02xx\xff\xfb\x90\x64", "the file ends in the frame at byte 12; it is truncated"},
		{"WavPack with a tag", "ID3\x04\x00\x00\x00\x00\x00\x02xxwvpk", "this is WavPack"},
		{"AAC", "\xff\xf1\x50\x80\x00\x00\x00\x00", "this is AAC"},
		{"all ones", strings.Repeat("\xff", 12), "this is no sound file that is known"},
		{"no chunks", riff(-1), "the file ends at byte 12 before any samples"},
		{"no data", riff(-1, pcm16), "the file ends at byte 36 before any samples"},
		{"half a chunk head", riff(-1, pcm16, "dat"), "the file ends at byte 39 before any samples"},
		{"truncated", riff(2036, pcm16, chunk("data", 2000, make([]byte, 600)...)), "the header promises 1000 samples a channel, 300 are there: the file is truncated"},
		{"truncated at 3 GB", riff(3000000036, pcm16, chunk("data", 3000000000, 1, 2)), "promises 1500000000 samples a channel, 1 are there: the file is truncated"},
		{"truncated by one sample", riff(40, pcm16, chunk("data", 4, 1, 2)), "promises 2 samples a channel, 1 are there"},
		{"much behind the samples", riff(-1, pcm16, chunk("data", 2, []byte(strings.Repeat("\x01\x80", 40000))...)), "promises 1 sample a channel, and 79998 bytes follow them that are no chunk"},
		{"RF64 with two sizes, both wrong", "RF64" + riff(-1, chunk("ds64", -1, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0), pcm16, chunk("data", 4, make([]byte, 20)...))[4:], "have 5 bytes by the ds64 chunk and 4 by their own"},
		{"RF64 truncated", "RF64" + riff(-1, chunk("ds64", -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10), pcm16, chunk("data", unknown, 1, 0))[4:], "promises 576460752303423488 samples a channel, 1 are there"},
		{"RF64 beyond int64", "RF64" + riff(-1, chunk("ds64", -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xF0), pcm16)[4:], "the samples are said to have"},
		{"short ds64", "RF64" + riff(-1, chunk("ds64", -1, 0, 0))[4:], "the ds64 chunk has 2 bytes; want at least 16"},
		{"lying LIST", riff(-1, chunk("LIST", 0xFFFFFFF0), pcm16, data), `chunk "LIST" at byte 12 says that it has 4294967280 bytes`},
		{"lying fmt", riff(-1, chunk("fmt ", 0xFFFFFFFE, 1, 0)), `chunk "fmt " at byte 12 says that it has 4294967294 bytes; 2 are left in the file`},
		{"short fmt", riff(-1, chunk("fmt ", -1, 1, 0), data), "the fmt chunk has 2 bytes; want at least 16"},
		{"short extensible", riff(-1, fmtChunk(0xFFFE, 1, 8000, 2, 16), data), "the extensible fmt chunk has 16 bytes; want 40"},
		{"unknown subformat", riff(-1, extensible(1, "what is this??"), data), "unknown subformat"},
		{"extensible ADPCM", riff(-1, extensible(0x11, subformatTail), data), "coded in IMA ADPCM"},
		{"data first", riff(-1, data, pcm16), "the samples at byte 20 come before their format"},
		{"smpl first, hostile", riff(-1, chunk("smpl", 36, append(make([]byte, 28), 0xFF, 0xFF, 0xFF, 0xFF)...)), `chunk "smpl"`},
		{"unheard-of codec", riff(-1, fmtChunk(0x1234, 1, 8000, 2, 16), data), "coded in codec 0x1234; want PCM, floats, A-law or µ-law"},
		{"no channels", riff(-1, fmtChunk(1, 0, 8000, 2, 16), data), "there are 0 channels; want 1 to 1024"},
		{"65535 channels", riff(-1, fmtChunk(1, 65535, 8000, 65534, 16), data), "there are 65535 channels; want 1 to 1024"},
		{"no rate", riff(-1, fmtChunk(1, 1, 0, 2, 16), data), "the rate is 0 Hz; want 1 to 2147483647"},
		{"64-bit integers", riff(-1, fmtChunk(1, 1, 8000, 8, 64), data), "the samples are integers of 64 bits; want 8, 16, 24 or 32"},
		{"no bits", riff(-1, fmtChunk(1, 1, 8000, 0, 0), data), "the samples are integers of 0 bits"},
		{"16-bit floats", riff(-1, fmtChunk(3, 1, 8000, 2, 16), data), "the samples are floats of 16 bits; want 32 or 64"},
		{"31-bit floats", riff(-1, fmtChunk(3, 1, 8000, 4, 31), data), "the samples are floats of 31 bits; want 32 or 64"},
		{"24 bits in five bytes", riff(-1, fmtChunk(1, 2, 8000, 10, 24), data), "2 channels of 24 bits are said to take 10 bytes; want 6"},
		{"endless chunks", riff(-1, strings.Repeat(chunk("junk", -1), maxChunks+1), pcm16, data), "more than 4096 chunks stand before the samples"},
	} {
		if _, err := (&input{ReaderAt: strings.NewReader(c.file), size: int64(len(c.file))}).decode(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want %s", c.what, err, c.want)
		}
	}
}

// sparse is a file of a head and ones.
type sparse struct {
	head string
	size int64
}

func (s sparse) ReadAt(p []byte, at int64) (int, error) {
	n := 0
	for ; n < len(p) && at < s.size; n, at = n+1, at+1 {
		p[n] = 1
		if at < int64(len(s.head)) {
			p[n] = s.head[at]
		}
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// TestParseLong: sizes of more than 32 bits in fields of 32 are seen to be wrong.
func TestParseLong(t *testing.T) {
	head := func(riffSize, size int64) string { return riff(riffSize, pcm16, chunk("data", size)) }
	for _, c := range []struct {
		what    string
		sparse  sparse
		samples int
		want    string
	}{
		{"wrapped around", sparse{head(1036, 1000), 44 + 1000 + 2<<32}, (1000 + 2<<32) / 2, ""},
		{"wrapped around, more behind", sparse{head(1036, 1000), 44 + 2000 + 2<<32}, 0, "bytes follow them that are no chunk"},
		{"piped by sox, more than it says", sparse{head(0x7FFFF024, 0x7FFFF000), 44 + 3<<30}, 3 << 29, ""},
		{"piped by ffmpeg, more than 4 GiB", sparse{head(unknown, unknown), 44 + 5<<30}, 5 << 29, ""},
		{"a header from the time when the recording was shorter", sparse{head(1036, 1000), 44 + 1<<20}, 0, "promises 500 samples a channel, and 1047576 bytes follow"},
	} {
		l, err := parseWAV(c.sparse, c.sparse.size)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) || l.samples != c.samples {
			t.Errorf("%s: %d samples, %v; want %d, %q", c.what, l.samples, err, c.samples, c.want)
		}
	}
}

// TestIntegersAtTheUpperEnd: 24 bits in four bytes have full scale where 32 bits do.
func TestIntegersAtTheUpperEnd(t *testing.T) {
	file := riff(-1, fmtChunk(1, 1, 8000, 4, 24), chunk("data", -1, 0, 0, 0, 0x40, 0, 0, 0, 0xC0))
	l, err := parse(file)
	if err != nil {
		t.Fatal(err)
	}
	r := reader{layout: l, file: strings.NewReader(file)}
	err = r.each(t.Context(), 0, 2, func(_ int, x []float64) {
		if x[0] != 0.5 || x[1] != -0.5 {
			t.Errorf("the samples are %v; want ±0.5", x)
		}
	})
	if err != nil {
		t.Error(err)
	}
}

// TestHeader: what header writes is read as what was meant, beyond 4 GB too.
func TestHeader(t *testing.T) {
	for _, e := range encodings {
		for _, channels := range []int{1, 2, 3, maxChannels} {
			for _, samples := range []int{0, 1, 1 << 20, 1 << 32, 1 << 40} {
				want := layout{rate: 192000, channels: channels, enc: e, samples: samples}
				head, tail := want.header(nil)
				want.offset = int64(len(head))
				size := want.offset + int64(samples)*int64(want.block()) + int64(tail)
				got, err := parseWAV(bytes.NewReader(head), size)
				if err != nil || got != want {
					t.Fatalf("%+v, %v; want %+v", got, err, want)
				}
				if size%2 != 0 {
					t.Errorf("%+v has %d bytes; want an even number", want, size)
				}
				if form, long := string(head[:4]), size-8 >= unknownSize; form == "RF64" != long {
					t.Errorf("a file of %d bytes is %s", size, form)
				}
				if form := string(head[:4]); form == "RIFF" && int64(binary.LittleEndian.Uint32(head[4:])) != size-8 {
					t.Errorf("a file of %d bytes says %d", size, binary.LittleEndian.Uint32(head[4:]))
				}
			}
		}
	}
}

// FuzzDecodeWAV: no file, however wrong, makes more samples than it has bytes for, reads
// beyond its end, or gives a number that is not finite.
func FuzzDecodeWAV(f *testing.F) {
	files, err := filepath.Glob("testdata/*.wav")
	if err != nil || len(files) == 0 {
		f.Fatal("no seeds", err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(riff(unknown, pcm16, chunk("data", unknown, 1, 0))))
	f.Add([]byte(riff(-1, chunk("smpl", -1, append(make([]byte, 28), 0xFF, 0xFF, 0xFF, 0xFF)...), pcm16)))
	f.Fuzz(func(t *testing.T, file []byte) {
		l, err := parseWAV(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			return
		}
		if l.check() != nil || l.samples < 0 || l.offset < 0 || l.offset+int64(l.samples)*int64(l.block()) > int64(len(file)) {
			t.Fatalf("%+v in a file of %d bytes", l, len(file))
		}
		r := reader{layout: l, file: bytes.NewReader(file)}
		next := 0
		err = r.each(t.Context(), 0, l.samples, func(first int, x []float64) {
			if first != next || len(x) == 0 || len(x)%l.channels != 0 {
				t.Fatalf("%d numbers from sample %d on; want whole samples from %d on", len(x), first, next)
			}
			next += len(x) / l.channels
			for _, v := range x {
				if !finite(v) || !l.enc.float && math.Abs(v) > 1 {
					t.Fatalf("%s holds %g", l.enc.name, v)
				}
			}
		})
		if err == nil && next != l.samples {
			t.Fatalf("%d samples read; want %d", next, l.samples)
		}
		if err != nil && !l.enc.float {
			t.Fatal(err)
		}
	})
}
