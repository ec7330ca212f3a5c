package audio

import (
	"fmt"
	"slices"
	"strings"
)

// codecFor returns the format whose files have an extension; one that is not written if there
// is none.
func codecFor(extension string) codec {
	extension = strings.ToLower(extension)
	for _, c := range codecs {
		if c.create != nil && (c.extension == extension || slices.Contains(c.aliases, extension)) {
			return c
		}
	}
	return codec{}
}

// extensionNames lists the extensions of files that are written.
func extensionNames() string {
	var names []string
	for _, c := range codecs {
		if c.create != nil {
			names = append(names, c.extension)
		}
	}
	return strings.Join(names, ", ")
}

// holds says why files of the format hold no samples of an encoding.
func (c codec) holds(e encoding) error {
	if slices.Contains(c.encodings, e.name) || e.bytes == 1 && c.name != "FLAC" {
		return nil
	}
	if c.name == "FLAC" && e.float {
		return fmt.Errorf("%s files hold integers, and %s would be rounded; want int16 or int24, or WAV", c.name, e.name)
	}
	return fmt.Errorf("%s files are not written with %s; want %s, or WAV", c.name, e.name, strings.Join(c.encodings, ", "))
}

// fits says why the format holds no file of such a rate or so many channels.
func (c codec) fits(l layout) error {
	if c.name != "FLAC" {
		return nil
	}
	if l.channels > 8 {
		return fmt.Errorf("there are %d channels, and FLAC holds 8; want WAV or AIFF", l.channels)
	}
	if l.rate >= 1<<20 {
		return fmt.Errorf("the rate is %d Hz, and FLAC holds less than %d; want WAV or AIFF", l.rate, 1<<20)
	}
	return nil
}

// encoding chooses how to store samples that came in the encoding called input, which is empty
// if they were never stored; name is the encoding that is asked for, or "input".
func (c codec) encoding(name, input string) (encoding, error) {
	if name == "input" {
		name = input
	}
	e, ok := encodingNamed(name)
	switch {
	case !ok:
		e, _ = encodingNamed(c.encodings[len(c.encodings)-1])
	case e.bytes == 1: // 8 bits are too few for the parts of a recording
		e, _ = encodingNamed("int16")
	}
	return e, c.holds(e)
}

// bytes is how many a file will have at most, about: all of its samples as they are.
func (c codec) bytes(l layout) int64 { return int64(l.samples) * int64(l.block()) }
