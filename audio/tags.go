package audio

import (
	"encoding/binary"
	"strings"
	"unicode/utf8"

	"github.com/audiosep/audiosep"
)

// maskTag is the name by which FLAC files tell which loudspeakers their channels are for, where
// these are not the usual ones.
const maskTag = "WAVEFORMATEXTENSIBLE_CHANNEL_MASK"

// flacSpeakers are the usual loudspeakers of so many channels in FLAC (RFC 9639, section 9.1.3),
// as bits of dwChannelMask; one and two channels need none to be named.
var flacSpeakers = [9]uint32{3: 0x7, 4: 0x33, 5: 0x607, 6: 0x60F, 7: 0x70F, 8: 0x63F}

// What other formats call the tags.
var (
	aiffTags = map[string]string{"TITLE": "NAME", "ARTIST": "AUTH", "COPYRIGHT": "(c) ", "COMMENT": "ANNO"}
	wavTags  = map[string]string{"TITLE": "INAM", "ARTIST": "IART", "ALBUM": "IPRD", "DATE": "ICRD", "GENRE": "IGNR",
		"COMMENT": "ICMT", "TRACKNUMBER": "ITRK", "COPYRIGHT": "ICOP"}
	id3Tags = map[string]string{"TITLE": "TIT2", "ARTIST": "TPE1", "ALBUM": "TALB", "DATE": "TDRC", "GENRE": "TCON",
		"TRACKNUMBER": "TRCK", "COPYRIGHT": "TCOP", "COMPOSER": "TCOM", "ALBUMARTIST": "TPE2"}
)

// named returns the name of a tag that another format calls so.
func named(names map[string]string, theirs string) string {
	for name, s := range names {
		if s == theirs {
			return name
		}
	}
	return ""
}

// What is read of a file's tags: pictures and the like are not.
const (
	mostTags     = 200
	mostTagBytes = 64 << 10 // of one value, and of a list of them
)

// add appends a tag, if it is one that a person could have written.
func add(tags audiosep.Tags, name, value string) audiosep.Tags {
	value = strings.TrimRight(value, "\x00")
	if name == "" || value == "" || len(tags) >= mostTags || len(value) > mostTagBytes || strings.ContainsAny(name, "=\x00") {
		return tags
	}
	if !utf8.ValidString(value) { // an old one: take it for Latin-1
		var b strings.Builder
		for _, c := range []byte(value) {
			b.WriteRune(rune(c))
		}
		value = b.String()
	}
	return append(tags, audiosep.Tag{Name: strings.ToUpper(name), Value: value})
}

// vorbisComment reads the tags of FLAC and Ogg: little-endian lengths, then NAME=value.
func vorbisComment(b []byte) (tags audiosep.Tags) {
	next := func() (string, bool) {
		if len(b) < 4 {
			return "", false
		}
		n := int(binary.LittleEndian.Uint32(b))
		if b = b[4:]; n > len(b) {
			return "", false
		}
		s := string(b[:n])
		b = b[n:]
		return s, true
	}
	if _, ok := next(); !ok || len(b) < 4 { // who wrote it
		return nil
	}
	b = b[4:] // how many
	for {
		s, ok := next()
		if !ok {
			return tags
		}
		if name, value, ok := strings.Cut(s, "="); ok && !strings.EqualFold(name, "METADATA_BLOCK_PICTURE") {
			tags = add(tags, name, value)
		}
	}
}

// infoList reads the body of a LIST chunk of WAV.
func infoList(b []byte) (tags audiosep.Tags) {
	if !strings.HasPrefix(string(b), "INFO") {
		return nil
	}
	for b = b[4:]; len(b) >= 8; {
		n := int(binary.LittleEndian.Uint32(b[4:]))
		name := string(b[:4])
		if b = b[8:]; n > len(b) {
			return tags
		}
		tags = add(tags, named(wavTags, name), string(b[:n]))
		b = b[min(len(b), n+n&1):]
	}
	return tags
}

// appendInfoList appends a LIST chunk of WAV, if there are tags that it has names for.
func appendInfoList(b []byte, tags audiosep.Tags) []byte {
	le := binary.LittleEndian
	list := []byte("INFO")
	for _, t := range tags {
		if name, ok := wavTags[t.Name]; ok {
			list = le.AppendUint32(append(list, name...), uint32(len(t.Value)+1))
			list = append(append(list, t.Value...), 0)
			list = append(list, make([]byte, len(list)&1)...)
		}
	}
	if len(list) == len("INFO") {
		return b
	}
	return append(le.AppendUint32(append(b, "LIST"...), uint32(len(list))), list...)
}
