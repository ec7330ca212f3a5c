package audio

import (
	"context"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/audiosep/audiosep/internal/counted"
)

// Wave64: WAV with sizes of 64 bits, which count their own heads of 24 bytes, and with GUIDs
// for names, which begin with those of WAV (Sony Pictures Digital, Wave 64, 2006). ffmpeg counts
// the padding behind the samples among them, so what it writes may end in zeros.
var w64Codec = codec{name: "Wave64",
	knows: func(head string) bool { return begins(w64Riff)(head) && len(head) >= 40 && head[24:40] == w64Wave },
	open: func(_ context.Context, in *input) (recording, error) {
		l, err := parseW64(in)
		return &reader{layout: l, file: in}, err
	},
	extension: ".w64",
}

const (
	w64Riff = "riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"
	w64Tail = "\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a" // of the other GUIDs
	w64Wave = "wave" + w64Tail
)

func parseW64(in *input) (layout, error) {
	w := walker{r: in, size: in.size, base: in.base, at: in.base + 40, order: binary.LittleEndian}
	for range maxChunks {
		var head [24]byte
		if n, err := readFull(in, head[:], w.at); err != nil {
			return w.layout, err
		} else if n < len(head) {
			return w.layout, fmt.Errorf("the file ends at byte %d before any samples; it is truncated or holds none", in.size)
		}
		name, declared := string(head[:16]), int64(binary.LittleEndian.Uint64(head[16:]))
		body, left := declared-24, in.size-w.at-24
		known := strings.HasSuffix(name, w64Tail)
		if known && name[:4] == "data" {
			w.at += 24
			return w.layout, w.w64Data(body, left)
		}
		if body < 0 || body > left {
			return w.layout, fmt.Errorf("chunk %q at byte %d says that it has %s; %d are left in the file", name[:4], w.at, counted.Of(declared, "byte"), left+24)
		}
		if known && name[:4] == "fmt " {
			w.at += 24
			if err := w.format(body); err != nil {
				return w.layout, err
			}
			w.at -= 24
		}
		w.at += min(declared+-declared&7, left+24) // whole groups of eight bytes
	}
	return w.layout, fmt.Errorf("more than %d chunks stand before the samples; want a recording", maxChunks)
}

// w64Data sets where the samples are, of size bytes by the file's word, where left are.
func (w *walker) w64Data(size, left int64) error {
	if w.channels == 0 {
		return fmt.Errorf("the samples at byte %d come before their format; want a fmt chunk first", w.at)
	}
	if open := size <= 0 && left > 0 || isPlaceholder(uint64(size+24)); open { // written into a pipe
		size = left
	}
	size = max(size, 0)
	if block := int64(w.block()); size/block > left/block {
		return fmt.Errorf("the header promises %s a channel, %d are there: the file is truncated; get it whole, or keep what is there with ffmpeg -i IN OUT.wav", counted.Of(size/block, "sample"), left/block)
	}
	w.offset, w.samples = w.at, int(size/int64(w.block()))
	return nil
}
