package audio

import (
	"bytes"
	"encoding/binary"
	"os"
	"strings"
	"testing"
)

// What a format cannot hold is known before the work.
func TestFits(t *testing.T) {
	int32s, _ := encodingNamed("int32")
	int16s, _ := encodingNamed("int16")
	for _, c := range []struct {
		extension string
		l         layout
		want      string
	}{
		{".wav", layout{rate: 48000, channels: 2, enc: int32s, samples: 1 << 30}, ""},
		{".aiff", layout{rate: 48000, channels: 2, enc: int32s, samples: 1 << 30}, "AIFF holds 4 GB"},
		{".aiff", layout{rate: 48000, channels: 2, enc: int32s, samples: 1 << 28}, ""},
		{".flac", layout{rate: 48000, channels: 9, enc: int16s, samples: 1}, "FLAC holds 8"},
		{".flac", layout{rate: 1 << 20, channels: 1, enc: int16s, samples: 1}, "FLAC holds less than 1048576"},
		{".flac", layout{rate: 48000, channels: 8, enc: int16s, samples: 1}, ""},
	} {
		err := codecFor(c.extension).check(c.l)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s, %+v: %v; want %q", c.extension, c.l, err, c.want)
		}
	}
}

// An Opus stream whose first page says that it ends before its samples do is broken (RFC 7845, 4.5).
func TestOpusFirstPosition(t *testing.T) {
	file, err := os.ReadFile("testdata/opusenc-celt.opus")
	if err != nil {
		t.Fatal(err)
	}
	page := file[bytes.LastIndex(file, []byte("OggS")):]
	page[5] = 0 // not the last: of that one the position may be less
	binary.LittleEndian.PutUint64(page[6:], 100)
	mendOgg(file)
	if _, _, err := Decode(bytes.NewReader(file), int64(len(file)), "x.opus"); err == nil || !strings.Contains(err.Error(), "is said to end at 100; want a position of") {
		t.Errorf("the error is %v; want that the file is broken", err)
	}
}
