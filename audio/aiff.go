package audio

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/counted"
)

// AIFF: Apple, Audio Interchange File Format 1.3, and the draft of AIFF-C of 1991.
var aiffCodec = codec{name: "AIFF",
	knows: func(head string) bool {
		return begins("FORM")(head) && len(head) >= 12 && (head[8:12] == "AIFF" || head[8:12] == "AIFC")
	},
	open: func(_ context.Context, in *input) (recording, error) {
		a := aiffParser{in: in, compressed: in.head[8:12] == "AIFC"}
		if err := a.parse(); err != nil {
			return nil, err
		}
		return &reader{layout: a.layout, file: in, about: a.about}, nil
	},
	extension: ".aiff", aliases: []string{".aif", ".aifc"}, create: createAIFF,
	encodings: []string{"uint8", "int16", "int24", "int32", "float64", "float32"}, fits: fitsAIFF,
}

// aiffParser goes from chunk to chunk.
type aiffParser struct {
	layout
	in         *input
	about      audiosep.Tags
	compressed bool // AIFF-C
	frames     int64
	have       bool  // COMM
	sound      int64 // where the samples begin; 0 before SSND
	bytes      int64 // of samples that are there
	promised   int64 // by SSND
}

func (a *aiffParser) parse() error {
	at := a.in.base + 12
	for range maxChunks {
		var head [8]byte
		if n, err := readFull(a.in, head[:], at); err != nil {
			return err
		} else if n < len(head) {
			return a.finish()
		}
		at += int64(len(head))
		name, declared, left := string(head[:4]), int64(binary.BigEndian.Uint32(head[4:])), a.in.size-at
		var err error
		switch {
		case name == "SSND" && a.sound == 0:
			err = a.ssnd(at, declared, left)
		case declared > left && a.sound > 0:
			return a.finish() // something behind the samples, cut short
		case declared > left:
			return fmt.Errorf("chunk %q at byte %d says that it has %s; %d are left in the file", name, at-8, counted.Of(declared, "byte"), left)
		case name == "COMM" && !a.have:
			err = a.comm(at, declared)
		case declared <= mostTagBytes && named(aiffTags, name) != "":
			b := make([]byte, declared)
			_, err = readFull(a.in, b, at)
			a.about = add(a.about, named(aiffTags, name), string(b))
		}
		if err != nil {
			return err
		}
		at += min(declared+declared&1, left)
	}
	return fmt.Errorf("there are more than %d chunks; want a recording", maxChunks)
}

// comm reads channels, frames, bits, the rate and, in AIFF-C, how samples are stored.
func (a *aiffParser) comm(at, declared int64) error {
	want := int64(18)
	if a.compressed {
		want = 22
	}
	if declared < want {
		return fmt.Errorf("the COMM chunk at byte %d has %s; want at least %d", at-8, counted.Of(declared, "byte"), want)
	}
	var b [22]byte
	if _, err := readFull(a.in, b[:want], at); err != nil {
		return err
	}
	be := binary.BigEndian
	a.channels, a.frames = int(be.Uint16(b[0:])), int64(be.Uint32(b[2:]))
	rate := extended(b[8:18])
	if !(rate >= 1 && rate <= math.MaxInt32) || rate != math.Trunc(rate) {
		return fmt.Errorf("the rate is %g Hz; want a whole number from 1 to %d", rate, math.MaxInt32)
	}
	a.rate, a.have = int(rate), true
	kind := "NONE"
	if a.compressed {
		kind = string(b[18:22])
	}
	if err := a.storage(kind, int(be.Uint16(b[6:]))); err != nil {
		return err
	}
	return a.check()
}

// storage sets the encoding from the compression type and the bits of a sample, which stand
// at the upper end of whole bytes.
func (a *aiffParser) storage(kind string, bits int) error {
	bytes, float := (bits+7)/8, false
	a.coding = bigEndian
	switch kind {
	case "NONE", "twos":
	case "sowt":
		a.coding = plain
	case "raw ":
		a.coding, bytes = plain, 1
	case "in24":
		bytes = 3
	case "in32":
		bytes = 4
	case "fl32", "FL32":
		bytes, float = 4, true
	case "fl64", "FL64":
		bytes, float = 8, true
	case "alaw", "ALAW":
		a.coding, bytes = aLaw, 2
	case "ulaw", "ULAW":
		a.coding, bytes = muLaw, 2
	default:
		return fmt.Errorf("the samples are coded in %q; want PCM, floats, A-law or µ-law: %w", kind, errUnread)
	}
	if bytes == 1 && kind != "raw " {
		a.coding = signed8
	}
	var ok bool
	if a.enc, ok = encodingOf(bytes, float); !ok {
		return fmt.Errorf("the samples have %d bits; want 1 to 32: %w", bits, errUnread)
	}
	return nil
}

// extended reads an 80-bit float of IEEE 754: sign and exponent, then 64 bits of mantissa,
// the first of which is the units.
func extended(b []byte) float64 {
	exponent := int(binary.BigEndian.Uint16(b))
	x := math.Ldexp(float64(binary.BigEndian.Uint64(b[2:])), exponent&0x7FFF-16383-63)
	if exponent&0x8000 != 0 {
		x = -x
	}
	return x
}

// ssnd notes where the samples are.
func (a *aiffParser) ssnd(at, declared, left int64) error {
	var b [4]byte
	n, err := readFull(a.in, b[:], at)
	if err != nil {
		return err
	}
	offset := int64(binary.BigEndian.Uint32(b[:]))
	if n < len(b) || left < 8 || offset > left-8 {
		return fmt.Errorf("the samples at byte %d are said to begin %s on; %d are left in the file", at, counted.Of(offset, "byte"), left)
	}
	a.sound = at + 8 + offset
	a.promised = max(0, declared-8-offset)
	a.bytes = min(a.promised, left-8-offset)
	if declared == 0 || isPlaceholder(uint64(declared)) { // written into a pipe
		a.bytes = left - 8 - offset
	}
	return nil
}

// finish sets how many samples there are.
func (a *aiffParser) finish() error {
	switch {
	case !a.have:
		return fmt.Errorf("the file ends at byte %d without a COMM chunk; it is truncated or no AIFF", a.in.size)
	case a.sound == 0 && a.frames == 0:
		return nil
	case a.sound == 0:
		return fmt.Errorf("the file ends at byte %d before any samples; it is truncated or holds none", a.in.size)
	}
	there := a.bytes / int64(a.block())
	if open := a.frames == 0 || isPlaceholder(uint64(a.frames)); open && there > 0 {
		a.frames = there
	}
	if a.frames > there {
		return fmt.Errorf("the header promises %s a channel, %d are there: the file is truncated; get it whole, or keep what is there with ffmpeg -i IN OUT.wav", counted.Of(a.frames, "sample"), there)
	}
	a.offset, a.samples = a.sound, int(a.frames)
	return nil
}
