package audio

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/jfreymuth/vorbis"

	"github.com/audiosep/audiosep"
)

// Ogg Vorbis: Vorbis I specification, of which appendix A is about Ogg. Packets are decoded by
// github.com/jfreymuth/vorbis; the pages are read here, since github.com/jfreymuth/oggvorbis
// panics on broken ones and cuts what goes beyond full scale.
var vorbisCodec = codec{name: "Ogg Vorbis",
	knows: func(head string) bool {
		return begins("OggS")(head) && len(head) >= 35 && head[28:35] == "\x01vorbis"
	},
	open:      openVorbis,
	extension: ".ogg", aliases: []string{".oga"}, lossy: true,
}

func openVorbis(ctx context.Context, in *input) (recording, error) {
	o := oggReader{in: in, at: in.base}
	var v vorbis.Decoder
	var about audiosep.Tags
	for n := range 3 {
		packet, err := o.next()
		if err == nil && n == 1 && len(packet) > 7 {
			about = vorbisComment(packet[7:])
		}
		if err == nil && n == 2 {
			packet, err = mendSetup(packet)
		}
		if err == nil && n != 1 { // the comments are not read by a module that trusts their sizes
			err = v.ReadHeader(packet)
		}
		if err != nil {
			return nil, fmt.Errorf("the headers of the stream, up to byte %d: %w", o.at, noEOF(err))
		}
	}
	d := newDecoded(v.SampleRate(), v.Channels())
	d.arrange(v.Channels())
	if err := d.check(); err != nil {
		return nil, err
	}
	whole := false
	defer func() { // after an error, or a panic on its way to the wall
		if !whole {
			d.Close()
		}
	}()
	buf := make([]float32, v.BufferSize())
	skip, samples, err := o.decode(ctx, d, func(packet []byte) ([]float32, error) { return v.DecodeInto(packet, buf) })
	if err != nil {
		return nil, err
	}
	d.trim(skip, samples)
	d.about = about
	whole = true
	return d, nil
}

// vorbisOrder says for each channel of a file, of three to eight, which of the stream's it is (Vorbis
// I, section 4.3.9): in a file the middle one comes third and that of low frequencies fourth. The
// loudspeakers are flacSpeakers.
var vorbisOrder = [9][]int{
	3: {0, 2, 1},
	4: {0, 1, 2, 3},
	5: {0, 2, 1, 3, 4},
	6: {0, 2, 1, 5, 3, 4},
	7: {0, 2, 1, 6, 5, 3, 4},
	8: {0, 2, 1, 7, 5, 6, 3, 4},
}

// arrange has the channels of a stream put into the order of files from here on. Of more than eight
// nothing is known, and they stay as they are.
func (d *decoded) arrange(channels int) {
	if channels < len(vorbisOrder) {
		d.order, d.speakers = vorbisOrder[channels], flacSpeakers[channels]
	}
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
