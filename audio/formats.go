package audio

import (
	"fmt"
	"slices"
	"strings"
)

// codecFor returns the format whose files have an extension; one without a name if there is none.
func codecFor(extension string) codec {
	extension = strings.ToLower(extension)
	for _, c := range codecs {
		if c.extension == extension || slices.Contains(c.aliases, extension) {
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
	if slices.Contains(c.encodings, e.name) {
		return nil
	}
	if e.float {
		return fmt.Errorf("%s files hold integers, and %s would be rounded; want int16 or int24, or WAV", c.name, e.name)
	}
	return fmt.Errorf("%s files are not written with %s; want %s, or WAV", c.name, e.name, strings.Join(c.encodings, ", "))
}

// check says why the format holds no file of a layout, or no file does.
func (c codec) check(l layout) error {
	err := l.check()
	if err == nil && c.fits != nil {
		err = c.fits(l)
	}
	return err
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
