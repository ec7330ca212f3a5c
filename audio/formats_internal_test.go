package audio

import (
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
