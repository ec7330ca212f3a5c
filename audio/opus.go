package audio

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/thesyncim/gopus"
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
	channels, before, err := opusHead(head)
	if err != nil {
		return nil, err
	}
	v, err := gopus.NewDecoder(gopus.DecoderConfig{SampleRate: opusRate, Channels: channels, MaxPacketSamples: opusMostFrames, MaxPacketBytes: opusMostPacket})
	if err == nil {
		err = v.SetGain(int(int16(binary.LittleEndian.Uint16(head[16:]))))
	}
	if err != nil {
		return nil, fmt.Errorf("the decoder takes no stream of %d channels with this gain (%w): %w", channels, err, errUnread)
	}
	tags, err := o.next()
	if err != nil {
		return nil, fmt.Errorf("the tags of the stream, up to byte %d: %w", o.at, noEOF(err))
	}
	if len(tags) < 8 || string(tags[:8]) != "OpusTags" {
		return nil, fmt.Errorf("the second packet of the stream is %.8q; want OpusTags: %s", tags, broken)
	}
	about := vorbisComment(tags[8:])
	d := newDecoded(opusRate, channels)
	whole := false
	defer func() { // after an error, or a panic on its way to the wall
		if !whole {
			d.Close()
		}
	}()
	pcm := make([]float32, opusMostFrames*channels)
	skip, samples, err := o.decode(ctx, d, func(packet []byte) ([]float32, error) {
		if len(packet) == 0 {
			return nil, errors.New("it is empty")
		}
		n, err := v.Decode(packet, pcm)
		return pcm[:n*channels], err
	})
	if err != nil {
		return nil, err
	}
	d.trim(skip+before, samples-before)
	d.about = about
	whole = true
	return d, nil
}

// opusHead reads the identification header (RFC 7845, 5.1): how many channels there are, and how
// many samples come before the first that counts.
func opusHead(b []byte) (channels int, before int64, err error) {
	switch {
	case len(b) < 19:
		return 0, 0, fmt.Errorf("the header of the stream has %d bytes; want 19 or more: %s", len(b), broken)
	case b[8]&0xf0 != 0:
		return 0, 0, fmt.Errorf("the stream is of version %d; want 1: %w", b[8], errUnread)
	case b[9] < 1 || b[9] > 2 || b[18] > 1:
		return 0, 0, fmt.Errorf("the stream has %d channels of mapping family %d; want 1 or 2, of family 0: %w", b[9], b[18], errUnread)
	case b[18] == 1:
		want := map[byte]string{1: "\x01\x00\x00", 2: "\x01\x01\x00\x01"}[b[9]] // one stream, as family 0
		if string(b[19:]) != want {
			return 0, 0, fmt.Errorf("the %d channels of the stream are coded as %x; want one stream of all: %w", b[9], b[19:], errUnread)
		}
	}
	return int(b[9]), int64(binary.LittleEndian.Uint16(b[10:])), nil
}
