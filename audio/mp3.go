package audio

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/audiosep/audiosep/internal/counted"
	"github.com/audiosep/audiosep/internal/mp3"
)

// MP3: MPEG-1, MPEG-2 and MPEG-2.5 audio, layer III (ISO/IEC 11172-3, 13818-3), decoded by
// internal/mp3: what github.com/hajimehoshi/go-mp3 makes of short blocks in joint stereo, and of
// MPEG-2, is up to a third of full scale off ffmpeg's.
var mp3Codec = codec{name: "MP3",
	knows: func(head string) bool { _, ok := mp3.Parse([]byte(head)); return ok },
	open:  openMP3,

	extension: ".mp3", lossy: true,
}

// mp3Frames is what a walk over the frames of a file has found.
type mp3Frames struct {
	mp3.Header       // of the first with sound
	first      int64 // where that is
	count      int64
	skip       int64 // samples before the first that counts
	pad        int64 // samples behind the last that counts, with those that the decoder delays; -1: unknown
	promised   int64 // frames, as a header says; 0: unknown
}

// decoderDelay is how many samples a decoder of layer III lags behind: 528 and one.
const decoderDelay = 528 + 1

func openMP3(ctx context.Context, in *input) (recording, error) {
	f, err := walkMP3(ctx, in)
	if err != nil {
		return nil, err
	}
	d := newDecoded(f.Rate, f.Channels)
	whole := false
	defer func() { // after an error, or a panic on its way to the wall
		if !whole {
			d.Close()
		}
	}()
	if err := f.decode(ctx, in, d); err != nil {
		return nil, err
	}
	samples := f.count*int64(f.Samples) - f.skip
	if f.pad >= 0 {
		samples -= max(0, f.pad-decoderDelay)
	}
	d.trim(f.skip, samples)
	d.about = id3(in, in.base)
	whole = true
	return d, nil
}

// walkMP3 goes from frame to frame. All must be alike in rate and channels.
func walkMP3(ctx context.Context, in *input) (f mp3Frames, err error) {
	f.pad = -1
	w := window{in: in}
	for at := in.base; ; {
		if err := ctx.Err(); err != nil {
			return f, err
		}
		b, err := w.from(at, 2048)
		if err != nil {
			return f, err
		}
		h, ok := mp3.Parse(b)
		if !ok && f.count > 0 && mp3Tail(b) {
			if f.count < f.promised {
				in.cut = fmt.Sprintf("it has %d of %d frames", f.count, f.promised)
			}
			return f, nil
		}
		switch {
		case !ok:
			return f, fmt.Errorf("no frame stands at byte %d, after %s: the file is broken; keep what can be read with ffmpeg -i IN OUT.wav", at, counted.Of(f.count, "frame"))
		case h.Bytes == 0:
			return f, fmt.Errorf("the frame at byte %d has a free bit rate: %w", at, errUnread)
		case f.Rate > 0 && (h.Rate != f.Rate || h.Channels != f.Channels || h.Samples != f.Samples):
			return f, fmt.Errorf("the frame at byte %d is of %d Hz and %s, those before of %d Hz and %d: %w", at, h.Rate, counted.Of(h.Channels, "channel"), f.Rate, f.Channels, errUnread)
		case h.Bytes > len(b): // it is cut short
			if f.count == 0 {
				return f, fmt.Errorf("the file ends in the frame at byte %d; it is truncated", at)
			}
			in.cut = fmt.Sprintf("it ends in the middle of frame %d", f.count+1)
			return f, nil
		}
		if f.Rate == 0 {
			f.Header, f.first = h, at+int64(h.Bytes)
			if f.info(b[:h.Bytes]) {
				at += int64(h.Bytes)
				continue
			}
			f.first = at
		}
		f.count++
		at += int64(h.Bytes)
	}
}

// mp3Tail tells whether what follows the last frame is a tag, or nothing but zeros.
func mp3Tail(b []byte) bool {
	for _, tag := range []string{"TAG", "ID3", "APETAGEX", "LYRICS"} {
		if strings.HasPrefix(string(b), tag) {
			return true
		}
	}
	return strings.Trim(string(b), "\x00") == ""
}

// info reads the Xing or Info header that LAME and its like put in a frame of its own, with the
// samples that the encoder has added before and behind (Mp3 Info Tag revision 1). It tells
// whether the frame is such, and holds no sound.
func (f *mp3Frames) info(frame []byte) bool {
	at := 4 + f.Side // a checksum, where there is one, is not counted
	if len(frame) >= 36+4 && string(frame[36:40]) == "VBRI" {
		return true
	}
	if len(frame) < at+8 || string(frame[at:at+4]) != "Xing" && string(frame[at:at+4]) != "Info" {
		return false
	}
	flags := binary.BigEndian.Uint32(frame[at+4:])
	at += 8
	if flags&1 != 0 && len(frame) >= at+4 {
		f.promised = int64(binary.BigEndian.Uint32(frame[at:]))
	}
	for bit, size := range []int{4, 4, 100, 4} { // frames, bytes, table of contents, quality
		if flags>>bit&1 != 0 {
			at += size
		}
	}
	if len(frame) < at+24 {
		return true
	}
	if name := string(frame[at : at+4]); name == "LAME" || name == "Lavf" || name == "Lavc" {
		b := frame[at+21:]
		f.skip = (int64(b[0])<<4 | int64(b[1])>>4) + decoderDelay
		f.pad = int64(b[1]&15)<<8 | int64(b[2])
	}
	return true
}

// decode decodes the frames that the walk has counted.
func (f *mp3Frames) decode(ctx context.Context, in *input, d *decoded) error {
	var m mp3.Decoder
	w := window{in: in}
	out := make([]float32, 0, 2*1152)
	at := f.first
	for n := range f.count {
		if err := ctx.Err(); err != nil {
			return err
		}
		b, err := w.from(at, 2048)
		if err != nil {
			return err
		}
		h, ok := mp3.Parse(b)
		if !ok || h.Bytes > len(b) || h.Samples != f.Samples || h.Channels != f.Channels {
			return fmt.Errorf("frame %d at byte %d has changed while the file was read", n+1, at)
		}
		switch err := m.Decode(h, b[:h.Bytes]); {
		case errors.Is(err, mp3.ErrIntensity):
			return fmt.Errorf("frame %d at byte %d: %w: %w", n+1, at, err, errUnread)
		case err != nil:
			return fmt.Errorf("frame %d at byte %d: %w: the file is broken; keep what can be read with ffmpeg -i IN OUT.wav", n+1, at, err)
		}
		out = out[:0]
		for t := range f.Samples {
			for c := range f.Channels {
				out = append(out, float32(m.Samples[c][t]))
			}
		}
		if err := d.append(out); err != nil {
			return err
		}
		at += int64(h.Bytes)
	}
	return nil
}
