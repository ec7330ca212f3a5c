package audio

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/thesyncim/gopus"

	"github.com/audiosep/audiosep/internal/counted"
)

// Ogg Opus: RFC 6716 and RFC 7845. Packets are decoded by github.com/thesyncim/gopus, a port of
// libopus; the pages are read here. Its samples are 48 kHz, whatever the rate that was encoded.
var opusCodec = codec{name: "Ogg Opus",
	knows: func(head string) bool {
		return begins("OggS")(head) && len(head) >= 36 && head[28:36] == "OpusHead"
	},
	open:      openOpus,
	extension: ".opus", lossy: true,
}

const (
	opusRate       = 48000
	opusMostFrames = 5760    // samples of a packet of 120 ms, the longest
	opusMostPacket = 1 << 16 // bytes; 48 frames of 1275 are fewer
)

func openOpus(ctx context.Context, in *input) (recording, error) {
	o := oggReader{in: in, at: in.base, strict: true}
	head, err := o.next()
	if err != nil {
		return nil, fmt.Errorf("the header of the stream, up to byte %d: %w", o.at, noEOF(err))
	}
	h, err := opusHead(head)
	if err != nil {
		return nil, err
	}
	v, err := h.decoder()
	if err == nil {
		err = v.SetGain(h.gain)
	}
	if err != nil {
		return nil, fmt.Errorf("the decoder takes no stream of %s with this gain (%w): %w", counted.Of(h.channels, "channel"), err, errUnread)
	}
	tags, err := o.next()
	if err != nil {
		return nil, fmt.Errorf("the tags of the stream, up to byte %d: %w", o.at, noEOF(err))
	}
	if len(tags) < 8 || string(tags[:8]) != "OpusTags" {
		return nil, fmt.Errorf("the second packet of the stream is %.8q; want OpusTags: %s", tags, broken)
	}
	about := vorbisComment(tags[8:])
	d := newDecoded(opusRate, h.channels)
	if h.family == opusSurround {
		d.arrange(h.channels)
	}
	if err := d.check(); err != nil {
		return nil, err
	}
	whole := false
	defer func() { // after an error, or a panic on its way to the wall
		if !whole {
			d.Close()
		}
	}()
	pcm := make([]float32, opusMostFrames*h.channels)
	skip, samples, err := o.decode(ctx, d, func(packet []byte) ([]float32, error) {
		if len(packet) == 0 {
			return nil, errors.New("it is empty")
		}
		n, err := v.Decode(packet, pcm)
		return pcm[:n*h.channels], err
	})
	if err != nil {
		return nil, err
	}
	d.trim(skip+h.before, samples-h.before)
	d.about = about
	whole = true
	return d, nil
}

// How the channels of a stream are to be heard (RFC 7845, 5.1.1): mono and stereo, the loudspeakers of
// Vorbis, or not known.
const (
	opusStereo   = 0
	opusSurround = 1
	opusDiscrete = 255
)

// opusStream is what the identification header says.
type opusStream struct {
	channels int
	before   int64 // samples that come before the first that counts
	gain     int   // in 1/256 dB
	family   byte
	// Of the streams of a packet the first so many hold two channels each. Each channel of the whole
	// is one of theirs, or silent where the table says 255.
	streams, pairs int
	table          []byte
}

// opusHead reads the identification header (RFC 7845, 5.1).
func opusHead(b []byte) (h opusStream, err error) {
	if len(b) < 19 {
		return h, fmt.Errorf("the header of the stream has %s; want 19 or more: %s", counted.Of(len(b), "byte"), broken)
	}
	if b[8]&0xf0 != 0 {
		return h, fmt.Errorf("the stream is of version %d; want 1: %w", b[8], errUnread)
	}
	h = opusStream{channels: int(b[9]), family: b[18], before: int64(binary.LittleEndian.Uint16(b[10:])), gain: int(int16(binary.LittleEndian.Uint16(b[16:])))}
	most := map[byte]int{opusStereo: 2, opusSurround: 8, opusDiscrete: 255}[h.family]
	switch {
	case most == 0:
		return h, fmt.Errorf("the stream has %s of mapping family %d; want family 0, 1 or 255: %w", counted.Of(h.channels, "channel"), h.family, errUnread)
	case h.channels < 1 || h.channels > most:
		return h, fmt.Errorf("the stream has %s of mapping family %d; want 1 to %d: %s", counted.Of(h.channels, "channel"), h.family, most, broken)
	case h.family == opusStereo:
		h.streams, h.pairs, h.table = 1, h.channels-1, []byte{0, 1}[:h.channels]
		return h, nil
	case len(b) < 21+h.channels:
		return h, fmt.Errorf("the header of the stream has %s; want %d for %s: %s", counted.Of(len(b), "byte"), 21+h.channels, counted.Of(h.channels, "channel"), broken)
	}
	h.streams, h.pairs, h.table = int(b[19]), int(b[20]), b[21:21+h.channels:21+h.channels]
	return h, nil
}

// opusDecoder is what gopus has for one stream and for several alike.
type opusDecoder interface {
	Decode(packet []byte, pcm []float32) (int, error)
	SetGain(gain int) error
}

func (h opusStream) decoder() (opusDecoder, error) {
	if h.streams == 1 && h.pairs == h.channels-1 && h.table[0] == 0 && int(h.table[h.channels-1]) == h.channels-1 {
		return gopus.NewDecoder(gopus.DecoderConfig{SampleRate: opusRate, Channels: h.channels, MaxPacketSamples: opusMostFrames, MaxPacketBytes: opusMostPacket})
	}
	return gopus.NewMultistreamDecoder(opusRate, h.channels, h.streams, h.pairs, bytes.Clone(h.table))
}
