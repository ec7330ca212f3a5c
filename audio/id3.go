package audio

import (
	"io"
	"unicode/utf16"

	"github.com/audiosep/audiosep"
)

// id3 reads the texts of an ID3 tag of version 2.3 or 2.4 at the start of a file, which has so
// many bytes (https://id3.org/id3v2.4.0-frames, section 4.2).
func id3(r io.ReaderAt, length int64) (tags audiosep.Tags) {
	const most = 1 << 20 // a picture may be longer; texts come first
	b := make([]byte, min(length, most))
	n, err := readFull(r, b, 0)
	if b = b[:n]; err != nil || n < 10 || b[3] < 3 || b[3] > 4 || b[5]&0xC0 != 0 {
		return nil
	}
	version := b[3]
	for b = b[10:]; len(b) > 10; {
		size := int(b[4])<<24 | int(b[5])<<16 | int(b[6])<<8 | int(b[7])
		if version == 4 {
			size = int(b[4]&0x7F)<<21 | int(b[5]&0x7F)<<14 | int(b[6]&0x7F)<<7 | int(b[7]&0x7F)
		}
		name := string(b[:4])
		if b = b[10:]; size < 1 || size > len(b) {
			return tags
		}
		if name == "TYER" { // version 2.3 has the year alone
			name = "TDRC"
		}
		if ours := named(id3Tags, name); ours != "" && size <= mostTagBytes {
			tags = add(tags, ours, id3Text(b[0], b[1:size]))
		}
		b = b[size:]
	}
	return tags
}

// id3Text decodes a text: Latin-1 (or what add makes of it), UTF-16 with a mark or big-endian,
// UTF-8.
func id3Text(coding byte, b []byte) string {
	if coding != 1 && coding != 2 {
		return string(b)
	}
	little := false
	if coding == 1 && len(b) >= 2 {
		little = b[0] == 0xFF
		b = b[2:]
	}
	var u []uint16
	for ; len(b) >= 2; b = b[2:] {
		if little {
			u = append(u, uint16(b[0])|uint16(b[1])<<8)
		} else {
			u = append(u, uint16(b[0])<<8|uint16(b[1]))
		}
	}
	return string(utf16.Decode(u))
}
