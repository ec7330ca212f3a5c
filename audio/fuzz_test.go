package audio

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/audiosep/audiosep/internal/flac"
)

// fuzzCodec holds a codec against hostile files: an error, or samples that are finite and as
// many as it says, in little time; never a panic, not even one that the wall would catch. mend
// makes checksums right, which would keep what is broken from the decoder.
func fuzzCodec(f *testing.F, c codec, pattern string, mend func(file []byte)) {
	files, err := filepath.Glob("testdata/" + pattern)
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
	f.Fuzz(func(t *testing.T, file []byte) {
		file = bytes.Clone(file)
		if mend != nil {
			mend(file)
		}
		in := &input{ReaderAt: bytes.NewReader(file), size: int64(len(file))}
		in.head = string(file[:min(len(file), headBytes)])
		if !c.knows(in.head) {
			return
		}
		begun := time.Now()
		s := &soundFile{path: "x", format: c.name}
		err := s.guard(func() (err error) {
			s.recording, err = c.open(t.Context(), in)
			return err
		})
		if err == nil {
			defer s.Close()
			next := 0
			err = s.each(t.Context(), 0, s.form().samples, func(first int, x []float64) {
				if first != next || len(x) == 0 || len(x)%s.form().channels != 0 {
					t.Fatalf("%d numbers from sample %d on; want whole samples from %d on", len(x), first, next)
				}
				for _, v := range x {
					if math.IsNaN(v) || math.IsInf(v, 0) {
						t.Fatalf("a sample is %g", v)
					}
				}
				next += len(x) / s.form().channels
			})
			if err == nil && next != s.form().samples {
				t.Fatalf("%d samples; want %d", next, s.form().samples)
			}
		}
		var p *panicError
		if errors.As(err, &p) {
			t.Fatalf("%v\n%s", p, p.Stack)
		}
		if took := time.Since(begun); took > 20*time.Second {
			t.Errorf("%d bytes took %v", len(file), took)
		}
	})
}

// mendOgg gives every page its checksum.
func mendOgg(file []byte) {
	for {
		at := bytes.Index(file, []byte("OggS"))
		if at < 0 || len(file)-at < 27 {
			return
		}
		page := file[at:]
		length := 27 + int(page[26])
		for i := 27; i < min(27+int(page[26]), len(page)); i++ {
			length += int(page[i])
		}
		if length > len(page) {
			file = page[4:]
			continue
		}
		clear(page[22:26])
		binary.LittleEndian.PutUint32(page[22:], oggSum(0, page[:length]))
		file = page[length:]
	}
}

// mendFLAC gives the header of every frame that begins as one its checksum, and the frame that of all
// before the next; where chance makes a frame longer it stays broken.
func mendFLAC(file []byte) {
	const head = len("fLaC") + 4
	if len(file) < head+flac.InfoBytes {
		return
	}
	info, err := flac.ParseInfo(file[head:])
	if err != nil {
		return
	}
	var starts []int
	for at := head + flac.InfoBytes; ; {
		n := bytes.IndexByte(file[at:], 0xFF)
		if n < 0 {
			break
		}
		if at += n; mendFLACHeader(info, file[at:]) {
			starts = append(starts, at)
		}
		at++
	}
	for i, at := range starts {
		end := len(file)
		if i+1 < len(starts) {
			end = starts[i+1]
		}
		if end-at > 2 {
			binary.BigEndian.PutUint16(file[end-2:], flac.CRC16(0, file[at:end-2]...))
		}
	}
}

// mendFLACHeader looks for the checksum that makes bytes the header of a frame.
func mendFLACHeader(info flac.Info, b []byte) bool {
	if len(b) < 17 || b[1]&0xFE != 0xF8 {
		return false
	}
	for at := 5; at < 16; at++ {
		was := b[at]
		for sum := range 256 {
			b[at] = byte(sum)
			if h, ok := info.Parse(b); ok && h.Bytes == at+1 {
				return true
			}
		}
		b[at] = was
	}
	return false
}

func FuzzWAV(f *testing.F)    { fuzzCodec(f, wavCodec, "*.wav", nil) }
func FuzzWave64(f *testing.F) { fuzzCodec(f, w64Codec, "ffmpeg-w64.wav", nil) }
func FuzzAIFF(f *testing.F)   { fuzzCodec(f, aiffCodec, "*.aif?", nil) }
func FuzzFLAC(f *testing.F)   { fuzzCodec(f, flacCodec, "*.flac", mendFLAC) }
func FuzzVorbis(f *testing.F) { fuzzCodec(f, vorbisCodec, "*.ogg", mendOgg) }
func FuzzOpus(f *testing.F)   { fuzzCodec(f, opusCodec, "*.opus", mendOgg) }
func FuzzMP3(f *testing.F)    { fuzzCodec(f, mp3Codec, "*.mp3", nil) }
