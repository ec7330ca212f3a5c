// Package flac decodes frames of FLAC, of 4 to 32 bits, and encodes those of 8 to 24 (RFC 9639).
// The decoder never reads beyond
// the bytes that it is given and allocates nothing for what they claim but a block of samples
// of at most 65536 for each of 8 channels.
package flac

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Info is a STREAMINFO block (RFC 9639, section 8.2).
type Info struct {
	MaxBlock int // samples of the longest block
	Rate     int // Hz
	Channels int // 1 to 8
	Bits     int // of a sample, 4 to 32
	Samples  int // per channel; 0 if it was not known
}

// InfoBytes is the length of a STREAMINFO block.
const InfoBytes = 34

// ParseInfo reads a STREAMINFO block.
func ParseInfo(b []byte) (Info, error) {
	if len(b) < InfoBytes {
		return Info{}, fmt.Errorf("the STREAMINFO block has %d bytes; want %d", len(b), InfoBytes)
	}
	packed := binary.BigEndian.Uint64(b[10:])
	i := Info{
		MaxBlock: int(binary.BigEndian.Uint16(b[2:])),
		Rate:     int(packed >> 44),
		Channels: int(packed>>41&7) + 1,
		Bits:     int(packed>>36&31) + 1,
		Samples:  int(packed & (1<<36 - 1)),
	}
	if i.Rate == 0 {
		return Info{}, errors.New("the rate is 0 Hz; want a recording")
	}
	if i.Bits < 4 {
		return Info{}, fmt.Errorf("the samples have %d bits; want 4 to 32", i.Bits)
	}
	return i, nil
}

// Header is what stands before the subframes of a frame (RFC 9639, section 9.1).
type Header struct {
	Variable bool   // the frames differ in length: Number counts samples, not frames
	Number   uint64 // of the frame, or of its first sample
	Block    int    // samples
	Bytes    int    // of the header itself
	stereo   int    // how two channels are decorrelated; 0: not
}

// Stereo decorrelation, as bits 4 to 7 of the third byte name it.
const (
	leftSide  = 8
	sideRight = 9
	midSide   = 10
)

// MaxHeader is the greatest length of a Header.
const MaxHeader = 16

// Parse reads the header at the start of b and tells whether it is one of a frame of this
// stream, whose checksum is right.
func (i Info) Parse(b []byte) (h Header, ok bool) {
	if len(b) < 6 || b[0] != 0xFF || b[1]&0xFE != 0xF8 || b[3]&1 != 0 {
		return h, false
	}
	h.Variable = b[1]&1 != 0
	h.Bytes = 4
	if h.Number, ok = h.number(b); !ok {
		return h, false
	}
	if h.Block, ok = h.block(int(b[2]>>4), b); !ok {
		return h, false
	}
	if !h.rate(int(b[2]&15), i.Rate, b) || !h.alike(b[3], i) {
		return h, false
	}
	if len(b) <= h.Bytes || crc8(b[:h.Bytes]) != b[h.Bytes] {
		return h, false
	}
	h.Bytes++
	return h, true
}

// number reads a number of up to 36 bits coded as UTF-8 codes letters.
func (h *Header) number(b []byte) (uint64, bool) {
	first := b[h.Bytes]
	h.Bytes++
	more := 0
	for mask := byte(0x80); first&mask != 0; mask >>= 1 {
		more++
	}
	if more == 0 {
		return uint64(first), true
	}
	if more == 1 || more > 7 || len(b) < h.Bytes+more {
		return 0, false
	}
	n := uint64(first & (0x7F >> more))
	for range more - 1 {
		if b[h.Bytes]&0xC0 != 0x80 {
			return 0, false
		}
		n = n<<6 | uint64(b[h.Bytes]&0x3F)
		h.Bytes++
	}
	return n, true
}

func (h *Header) block(code int, b []byte) (int, bool) {
	switch {
	case code == 0:
		return 0, false
	case code == 1:
		return 192, true
	case code <= 5:
		return 576 << (code - 2), true
	case code <= 7:
		n, ok := h.extra(code-5, b)
		return n + 1, ok
	}
	return 256 << (code - 8), true
}

// extra reads a number of one or two bytes that did not fit into the code.
func (h *Header) extra(bytes int, b []byte) (n int, ok bool) {
	if len(b) < h.Bytes+bytes {
		return 0, false
	}
	for range bytes {
		n = n<<8 | int(b[h.Bytes])
		h.Bytes++
	}
	return n, true
}

// knownRates are those with a code of their own.
var knownRates = [12]int{0, 88200, 176400, 192000, 8000, 16000, 22050, 24000, 32000, 44100, 48000, 96000}

// rate tells whether a frame has the stream's rate; 0 says so.
func (h *Header) rate(code, want int, b []byte) bool {
	switch {
	case code == 0:
		return true
	case code < len(knownRates):
		return knownRates[code] == want
	case code == 15:
		return false
	}
	n, ok := h.extra(min(code-11, 2), b)
	return ok && n*[3]int{1000, 1, 10}[code-12] == want
}

// alike tells whether a frame has the stream's channels and bits.
func (h *Header) alike(b byte, i Info) bool {
	channels := int(b>>4) + 1
	if b>>4 >= leftSide {
		channels, h.stereo = 2, int(b>>4)
	}
	bits := [8]int{i.Bits, 8, 12, 0, 16, 20, 24, 32}[b>>1&7]
	return h.stereo <= midSide && channels == i.Channels && bits == i.Bits
}

// crc8 is the checksum of headers: x⁸ + x² + x + 1.
func crc8(b []byte) (crc byte) {
	for _, x := range b {
		crc = table8[crc^x]
	}
	return crc
}

// CRC16 goes on with the checksum of frames, x¹⁶ + x¹⁵ + x² + 1. That of a whole frame, its
// own checksum included, is 0.
func CRC16(crc uint16, b ...byte) uint16 {
	for _, x := range b {
		crc = crc<<8 ^ table16[byte(crc>>8)^x]
	}
	return crc
}

var table8, table16 = tables()

func tables() (t8 [256]byte, t16 [256]uint16) {
	for i := range 256 {
		a, b := byte(i), uint16(i)<<8
		for range 8 {
			a = a<<1 ^ a>>7*0x07
			b = b<<1 ^ b>>15*0x8005
		}
		t8[i], t16[i] = a, b
	}
	return t8, t16
}

// Next finds the frame behind the one of header h at the start of b: the next place where a
// header stands whose number goes on, and the checksum of all before it is right. It
// returns the length of the first and the header of the second; not ok if there is none in b.
func (i Info) Next(h Header, b []byte) (n int, next Header, ok bool) {
	number := h.Number + 1
	if h.Variable {
		number = h.Number + uint64(h.Block)
	}
	var crc uint16
	for n, x := range b {
		if crc == 0 && x == 0xFF && n > h.Bytes {
			if next, ok := i.Parse(b[n:]); ok && next.Number == number && next.Variable == h.Variable {
				return n, next, true
			}
		}
		crc = crc<<8 ^ table16[byte(crc>>8)^x]
	}
	return 0, next, false
}
