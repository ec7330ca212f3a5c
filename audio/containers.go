package audio

import (
	"fmt"
	"io"
	"strings"
)

// containers names what a file is that is no WAV, by its first bytes.
var containers = []struct{ magic, name string }{
	{"FORM", "IFF"}, {"ID3", "MP3"}, {"riff\x2e\x91\xcf\x11", "Sony Wave64 of another kind"}, {".snd", "AU"}, {"caff", "CAF"},
	{"\x1aE\xdf\xa3", "Matroska"}, {"\x30\x26\xb2\x75", "Windows Media Audio"}, {"wvpk", "WavPack"},
	{"MAC ", "Monkey's Audio"}, {"TTA1", "TTA"}, {"#!AMR", "AMR"}, {"MThd", "MIDI"},
}

// container names what a file is by its first bytes; "" where they tell nothing.
func container(start string) string {
	if strings.HasPrefix(start, "OggS") {
		for _, inside := range [][2]string{{"Speex", "Speex"}, {"\x7fFLAC", "FLAC in Ogg"}} {
			if strings.HasPrefix(start[min(28, len(start)):], inside[0]) {
				return inside[1]
			}
		}
		return "Ogg"
	}
	for _, c := range containers {
		if strings.HasPrefix(start, c.magic) {
			return c.name
		}
	}
	if len(start) < 12 {
		start += strings.Repeat("\x00", 12-len(start))
	}
	switch sync, layer := start[0] == 0xFF && start[1]&0xE0 == 0xE0, start[1]>>1&3; {
	case strings.HasPrefix(start[4:], "ftypM4"):
		return "M4A (MPEG-4 audio)"
	case strings.HasPrefix(start[4:], "ftyp"):
		return "MPEG-4"
	case strings.HasPrefix(start, "RIFF") && start[8:12] == "AVI ":
		return "an AVI film"
	case sync && start[1]&0xF6 == 0xF0:
		return "AAC"
	// Frames of MPEG audio: version 1 is reserved, as are layer 0, bit rate 15 and rate 3.
	case sync && start[1]>>3&3 != 1 && layer != 0 && start[2]>>4 != 15 && start[2]>>2&3 != 3:
		return "MP3"
	}
	return ""
}

// notSound says what a file is that no codec knows.
func notSound(in *input) error {
	name := container(in.head)
	if name == "" && in.base > 0 {
		name = "MP3"
	}
	if name != "" {
		return fmt.Errorf("this is %s; want %s: %w", name, codecNames(), errUnread)
	}
	if len(in.head) == 0 {
		return fmt.Errorf("this is empty; want a sound file, such as %s: %w", codecNames(), errUnread)
	}
	return fmt.Errorf("this is no sound file that is known: it starts with %q; want %s: %w", in.head[:min(12, len(in.head))], codecNames(), errUnread)
}

// codecNames lists the formats that are read.
func codecNames() string {
	var names []string
	for _, c := range codecs {
		names = append(names, c.name)
	}
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}

// tagLength returns the length of the ID3 tag at the start of a file, 0 without one
// (https://id3.org/id3v2.4.0-structure: ten bytes, the last four the length of the
// rest in seven bits each, and perhaps a footer of ten).
func tagLength(r io.ReaderAt) (int64, error) {
	var head [10]byte
	n, err := readFull(r, head[:], 0)
	if err != nil || n < len(head) || string(head[:3]) != "ID3" {
		return 0, err
	}
	length := int64(10)
	if head[5]&0x10 != 0 {
		length += 10
	}
	return length + int64(head[6]&0x7F)<<21 + int64(head[7]&0x7F)<<14 + int64(head[8]&0x7F)<<7 + int64(head[9]&0x7F), nil
}
