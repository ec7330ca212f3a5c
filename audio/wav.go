package audio

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"slices"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/counted"
)

// The limits of what is taken for a WAV file. They are far beyond any recording and
// keep the cost of a hostile one small.
const (
	maxChannels = 1024
	maxChunks   = 4096 // before the samples
)

const unknownSize = math.MaxUint32 // of a chunk, where the writer could not seek back

// Tags of the fmt chunk.
const (
	tagPCM        = 1
	tagFloat      = 3
	tagALaw       = 6
	tagMuLaw      = 7
	tagExtensible = 0xFFFE
)

// What follows the tag in the GUIDs of WAVE_FORMAT_EXTENSIBLE, and in those of
// ambisonic B-format, whose channels are read like any others.
const (
	subformatTail = "\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71"
	ambisonicTail = "\x00\x00\x21\x07\xd3\x11\x86\x44\xc8\xc1\xca\x00\x00\x00"
)

// wavCodecs names the formats that are met and not read.
var wavCodecs = map[uint16]string{
	0x0002: "Microsoft ADPCM", 0x0011: "IMA ADPCM",
	0x0031: "GSM 6.10", 0x0040: "G.721 ADPCM", 0x0050: "MPEG audio", 0x0055: "MP3",
	0x0092: "AC-3", 0x00FF: "AAC", 0x0161: "Windows Media Audio", 0x0163: "Windows Media Audio Lossless",
	0x2000: "AC-3", 0x2001: "DTS", 0xF1AC: "FLAC",
}

// layout says where the samples of a file are and how they are stored.
type layout struct {
	rate, channels int
	enc            encoding
	coding         coding
	speakers       uint32 // as in audiosep.Head
	lossy          bool   // the file stores no samples; enc is what they are decoded to
	offset         int64  // of the first sample
	samples        int    // per channel
}

// block is the number of bytes of one sample of all channels.
func (l layout) block() int { return l.channels * l.coding.width(l.enc.bytes) }

// check tells why no sound file has such a rate or number of channels.
func (l layout) check() error {
	if l.channels < 1 || l.channels > maxChannels {
		return fmt.Errorf("%s; want 1 to %d", counted.There(l.channels, "channel"), maxChannels)
	}
	if l.rate < 1 || l.rate > math.MaxInt32 {
		return fmt.Errorf("the rate is %d Hz; want 1 to %d", l.rate, math.MaxInt32)
	}
	return nil
}

// wavForms are the first four bytes of WAV files: usual, longer than 4 GB by either name,
// and with the most significant bytes first.
var wavForms = []string{"RIFF", "RF64", "BW64", "RIFX"}

var wavCodec = codec{name: "WAV",
	knows: func(head string) bool {
		return begins(wavForms...)(head) && len(head) >= 12 && head[8:12] == "WAVE"
	},
	open: func(_ context.Context, in *input) (recording, error) {
		w, err := walkWAV(in, in.size)
		if err != nil {
			return nil, err
		}
		in.cut = w.cut
		return &reader{layout: w.layout, file: in, about: wavAbout(in, w.layout)}, nil
	},
	extension: ".wav", aliases: []string{".wave", ".rf64"}, create: createWAV,
	encodings: []string{"uint8", "int16", "int24", "int32", "float64", "float32"},
}

func createWAV(f io.WriteSeeker, l layout, tags audiosep.Tags) (encoder, error) {
	head, tail := l.header(tags)
	return newRaw(f, l, head, make([]byte, tail))
}

// wavAbout reads the tags of a file: LIST chunks before and behind the samples.
func wavAbout(in *input, l layout) (tags audiosep.Tags) {
	var order binary.ByteOrder = binary.LittleEndian
	if in.head[:4] == "RIFX" {
		return nil
	}
	at := in.base + 12
	for range 64 {
		var head [8]byte
		if n, err := readFull(in, head[:], at); err != nil || n < len(head) {
			return tags
		}
		at += 8
		size := int64(order.Uint32(head[4:]))
		switch name := string(head[:4]); {
		case name == "data":
			size = int64(l.samples) * int64(l.block())
			at = l.offset
		case name == "LIST" && size <= mostTagBytes:
			b := make([]byte, size)
			if n, err := readFull(in, b, at); err != nil || int64(n) < size {
				return tags
			}
			tags = append(tags, infoList(b)...)
		}
		at += size + size&1
	}
	return tags
}

// parseWAV returns where the samples of a file are, and how they are stored.
func parseWAV(r io.ReaderAt, size int64) (layout, error) {
	w, err := walkWAV(r, size)
	return w.layout, err
}

// walkWAV walks the chunks of a file of size bytes up to its samples. No size that the
// file declares is believed beyond size, and nothing is allocated for it.
func walkWAV(r io.ReaderAt, size int64) (w walker, err error) {
	base, err := tagLength(r)
	if err != nil {
		return w, err
	}
	var head [12]byte
	if n, err := readFull(r, head[:], base); err != nil {
		return w, err
	} else if form := string(head[:4]); n < 12 || !begins(wavForms...)(form) || string(head[8:]) != "WAVE" {
		return w, fmt.Errorf("this is no WAV file: it starts with %q; want RIFF and WAVE", head[:n])
	}
	w = walker{r: r, size: size, base: base, at: base + 12, order: binary.LittleEndian}
	if string(head[:4]) == "RIFX" {
		w.order = binary.BigEndian
	}
	w.riff = int64(w.order.Uint32(head[4:8]))
	for range maxChunks {
		done, err := w.chunk()
		if err != nil || done {
			return w, err
		}
	}
	return w, fmt.Errorf("more than %d chunks stand before the samples; want a recording", maxChunks)
}

// readFull reads until p is full or the file ends.
func readFull(r io.ReaderAt, p []byte, at int64) (int, error) {
	n, err := r.ReadAt(p, at)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

// walker goes from chunk to chunk.
type walker struct {
	layout
	r        io.ReaderAt
	order    binary.ByteOrder
	base     int64 // where RIFF stands
	size, at int64
	riff     int64  // the size that the RIFF header or ds64 declares
	long     int64  // the size of the samples that ds64 declares, or 0
	cut      string // why the recording seems to go on beyond the file; empty where it does not
}

// chunk looks at the chunk at w.at and goes behind it; done when the samples are found.
func (w *walker) chunk() (done bool, err error) {
	var head [8]byte
	if n, err := readFull(w.r, head[:], w.at); err != nil {
		return false, err
	} else if n < len(head) {
		return false, fmt.Errorf("the file ends at byte %d before any samples; it is truncated or holds none", w.size)
	}
	w.at += int64(len(head))
	name, declared, left := string(head[:4]), int64(w.order.Uint32(head[4:])), w.size-w.at
	if name == "data" {
		return true, w.data(declared, left)
	}
	if declared > left {
		return false, fmt.Errorf("chunk %q at byte %d says that it has %s; %d are left in the file", name, w.at-8, counted.Of(declared, "byte"), left)
	}
	switch name {
	case "fmt ":
		err = w.format(declared)
	case "ds64":
		err = w.sizes(declared)
	}
	w.at += declared + declared&1 // a byte of padding follows an odd chunk
	return false, err
}

// sizes reads the 64-bit sizes of an RF64 file.
func (w *walker) sizes(declared int64) error {
	var b [16]byte
	if declared < int64(len(b)) {
		return fmt.Errorf("the ds64 chunk has %s; want at least %d", counted.Of(declared, "byte"), len(b))
	}
	if _, err := readFull(w.r, b[:], w.at); err != nil {
		return err
	}
	riff, long := w.order.Uint64(b[:]), w.order.Uint64(b[8:])
	w.riff = int64(min(riff, uint64(math.MaxInt64-w.base-8)))
	switch {
	case isPlaceholder(long) && long > uint64(w.size):
	case long > math.MaxInt64:
		return fmt.Errorf("the samples are said to have %s; %d are in the file", counted.Of(long, "byte"), w.size)
	default:
		w.long = int64(long)
	}
	return nil
}

// format reads the fmt chunk, the first if there are several.
func (w *walker) format(declared int64) error {
	if w.channels > 0 {
		return nil
	}
	if declared < 16 {
		return fmt.Errorf("the fmt chunk has %s; want at least 16", counted.Of(declared, "byte"))
	}
	var b [40]byte
	n, err := readFull(w.r, b[:min(declared, int64(len(b)))], w.at)
	if err != nil {
		return err
	}
	tag := w.order.Uint16(b[0:])
	if tag == tagExtensible {
		if n < len(b) {
			return fmt.Errorf("the extensible fmt chunk has %s; want %d", counted.Of(n, "byte"), len(b))
		}
		tag = w.order.Uint16(b[24:])
		if channels := w.order.Uint16(b[2:]); channels > 2 {
			w.speakers = w.order.Uint32(b[20:])
		}
		if tail := string(b[26:40]); tail != subformatTail && tail != ambisonicTail {
			return fmt.Errorf("the samples are in an unknown subformat, %x; want PCM, floats, A-law or µ-law: %w", b[24:40], errUnread)
		}
	}
	if !slices.Contains([]uint16{tagPCM, tagFloat, tagALaw, tagMuLaw}, tag) {
		name, ok := wavCodecs[tag]
		if !ok {
			name = fmt.Sprintf("codec %#04x", tag)
		}
		return fmt.Errorf("the samples are coded in %s; want PCM, floats, A-law or µ-law: %w", name, errUnread)
	}
	w.rate = int(w.order.Uint32(b[4:]))
	w.channels = int(w.order.Uint16(b[2:]))
	if err := w.check(); err != nil {
		return err
	}
	if law := map[uint16]coding{tagALaw: aLaw, tagMuLaw: muLaw}[tag]; law != plain {
		w.enc, _ = encodingOf(2, false) // what they stand for
		w.coding = law
		return nil
	}
	return w.storage(tag == tagFloat, int(w.order.Uint16(b[14:])), int(w.order.Uint16(b[12:])))
}

// storage checks the format and sets the encoding, from the bits of a sample and the
// bytes of one sample of all channels, which some writers leave 0.
func (w *walker) storage(float bool, bits, block int) error {
	kind, want := "integers", "8, 16, 24 or 32"
	if float {
		kind, want = "floats", "32 or 64"
	}
	// Odd widths such as 20 bits stand at the upper end of whole bytes, and 24 bits at the
	// upper end of four, if block says so: the format has them there, as libsndfile.
	bytes := (bits + 7) / 8
	if bytes == 3 && block == 4*w.channels {
		bytes = 4
	}
	enc, ok := encodingOf(bytes, float)
	if !ok || float && bits%8 != 0 {
		return fmt.Errorf("the samples are %s of %d bits; want %s: %w", kind, bits, want, errUnread)
	}
	if block != enc.bytes*w.channels && block != 0 {
		return fmt.Errorf("%s of %d bits are said to take %s; want %d: have the file written anew, for instance with ffmpeg -i IN.wav OUT.wav",
			counted.Of(w.channels, "channel"), bits, counted.Of(block, "byte"), enc.bytes*w.channels)
	}
	w.enc = enc
	if w.order == binary.BigEndian && bytes > 1 {
		w.coding = bigEndian
	}
	return nil
}

// data sets where the samples are and how many, of the declared bytes and those left.
func (w *walker) data(declared, left int64) error {
	if w.channels == 0 {
		return fmt.Errorf("the samples at byte %d come before their format; want a fmt chunk first", w.at)
	}
	size, err := w.dataSize(declared, left)
	if err != nil {
		return err
	}
	samples, rest := size/int64(w.block()), size%int64(w.block())
	padded := rest == 1 && (size-rest)%2 == 1 // a file has whole words
	if w.at+size == w.size && rest > 0 && !padded {
		w.cut = fmt.Sprintf("it ends in the middle of a sample, after %d of its %s", rest, counted.Of(w.block(), "byte"))
	}
	if samples > math.MaxInt {
		return fmt.Errorf("%s a channel; want at most %d", counted.There(samples, "sample"), math.MaxInt)
	}
	w.offset, w.samples = w.at, int(samples)
	return nil
}

// header returns what stands before the samples of a file. Its sizes are final, so a
// file is written from front to back. tail is what pads the samples to whole words.
//
// go-audio/wav's encoder is not used: it knows neither floats nor WAVE_FORMAT_EXTENSIBLE
// nor padding, and its sizes wrap around at 4 GiB.
func (l layout) header(tags audiosep.Tags) (head []byte, tail int) {
	le := binary.LittleEndian
	size := int64(l.samples) * int64(l.block())
	tail = int(size & 1)
	body := appendInfoList(l.appendFormat([]byte("WAVE")), tags)
	const dataHead, ds64 = 8, 8 + 28
	riff := int64(len(body)) + dataHead + size + int64(tail)
	if riff < unknownSize {
		head = le.AppendUint32([]byte("RIFF"), uint32(riff))
		head = append(append(head, body...), "data"...)
		return le.AppendUint32(head, uint32(size)), tail
	}
	head = le.AppendUint32([]byte("RF64"), unknownSize)
	head = le.AppendUint32(append(head, "WAVEds64"...), ds64-8)
	head = le.AppendUint64(head, uint64(riff+ds64))
	head = le.AppendUint64(head, uint64(size))
	head = le.AppendUint64(head, uint64(l.samples))
	head = le.AppendUint32(head, 0) // no other chunk is long
	head = append(append(head, body[len("WAVE"):]...), "data"...)
	return le.AppendUint32(head, unknownSize), tail
}

// appendFormat appends the fmt chunk and, for floats, the fact chunk.
func (l layout) appendFormat(b []byte) []byte {
	le := binary.LittleEndian
	tag, width := uint16(tagPCM), 8*l.enc.bytes
	if l.enc.float {
		tag = tagFloat
	}
	outer, size := tag, uint32(16)
	switch {
	case l.channels > 2 || width > 16 && !l.enc.float:
		outer, size = tagExtensible, 40
	case l.enc.float:
		size = 18
	}
	b = le.AppendUint32(append(b, "fmt "...), size)
	b = le.AppendUint16(b, outer)
	b = le.AppendUint16(b, uint16(l.channels))
	b = le.AppendUint32(b, uint32(l.rate))
	b = le.AppendUint32(b, uint32(min(int64(l.rate)*int64(l.block()), math.MaxUint32)))
	b = le.AppendUint16(b, uint16(l.block()))
	b = le.AppendUint16(b, uint16(width))
	if size > 16 {
		b = le.AppendUint16(b, uint16(size-18))
	}
	if outer == tagExtensible {
		// Which loudspeakers more than two channels are for may not be known.
		mask := map[int]uint32{1: 0x4, 2: 0x3}[l.channels]
		if l.channels > 2 && bits.OnesCount32(l.speakers) == l.channels {
			mask = l.speakers
		}
		b = le.AppendUint16(b, uint16(width))
		b = le.AppendUint32(b, mask)
		b = append(le.AppendUint16(b, tag), subformatTail...)
	}
	if l.enc.float {
		b = le.AppendUint32(append(b, "fact"...), 4)
		b = le.AppendUint32(b, uint32(min(int64(l.samples), math.MaxUint32)))
	}
	return b
}
