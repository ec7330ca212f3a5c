package audio

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/hajimehoshi/go-mp3"
)

// MP3: MPEG-1 audio, layer III (ISO/IEC 11172-3). The frames are walked here, so that broken
// ones are told and the length is known; github.com/hajimehoshi/go-mp3 decodes them, to 16 bits.
// What it makes of MPEG-2, below 32 kHz, is up to 1000 steps of 16 bits off ffmpeg's, so that is
// not read; nor is joint stereo, where it mixes what it should not in short blocks.
var mp3Codec = codec{name: "MP3",
	knows: func(head string) bool { _, ok := mp3HeaderOf(head); return ok },
	open:  openMP3,
}

// mp3Header is what the four bytes before a frame say.
type mp3Header struct {
	rate, channels int
	bytes          int  // of the frame, with these
	samples        int  // per channel
	side           int  // bytes of side information
	joint          bool // the two channels are coded as sum and difference, or as one and angles
	crc            int  // bytes of a checksum
}

// mp3BitRates in kbit/s, of MPEG-1 and of MPEG-2.
var mp3BitRates = [2][15]int{
	{0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320},
	{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160},
}

// mp3HeaderOf reads the header of a frame of layer III; not ok if there is none.
func mp3HeaderOf(b string) (h mp3Header, ok bool) {
	if len(b) < 4 || b[0] != 0xFF || b[1]&0xE6 != 0xE2 || b[2]>>4 == 15 || b[2]>>2&3 == 3 || b[1]>>3&3 == 1 {
		return h, false
	}
	version := 3 - int(b[1]>>3&3) // 0: MPEG-1, 1: MPEG-2, 3: MPEG-2.5
	h.rate = [3]int{44100, 48000, 32000}[b[2]>>2&3]
	h.samples, h.channels, h.side = 1152, 2, 32
	table := 0
	if version > 0 {
		h.rate, h.samples, h.side, table = h.rate/2, 576, 17, 1
	}
	if version == 3 {
		h.rate /= 2
	}
	if b[3]>>6 == 3 {
		h.channels, h.side = 1, h.side/2+1
	}
	h.joint = b[3]>>6 == 1 && b[3]>>4&3 != 0
	if b[1]&1 == 0 {
		h.crc = 2
	}
	h.bytes = h.samples/8*1000*mp3BitRates[table][b[2]>>4]/h.rate + int(b[2]>>1&1)
	return h, h.bytes > 4+h.crc+h.side
}

// mp3Frames is what a walk over the frames of a file has found.
type mp3Frames struct {
	mp3Header       // of the first with sound
	first     int64 // where that is
	end       int64 // of the last
	count     int64
	skip      int64 // samples before the first that counts
	pad       int64 // samples behind the last that counts, with those that the decoder delays; -1: unknown
}

// decoderDelay is how many samples a decoder of layer III lags behind: 528 and one.
const decoderDelay = 528 + 1

func openMP3(ctx context.Context, in *input) (recording, error) {
	f, err := walkMP3(ctx, in)
	if err != nil {
		return nil, err
	}
	if f.rate < 32000 {
		return nil, fmt.Errorf("this is MPEG-2, at %d Hz; want MPEG-1, at 32000, 44100 or 48000 Hz: %w", f.rate, errUnread)
	}
	d := newDecoded(f.rate, f.channels)
	whole := false
	defer func() { // after an error, or a panic on its way to the wall
		if !whole {
			d.Close()
		}
	}()
	if err := f.decode(ctx, in, d); err != nil {
		return nil, err
	}
	samples := f.count*int64(f.samples) - f.skip
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
		h, ok := mp3HeaderOf(string(b[:min(4, len(b))]))
		if !ok && f.count > 0 && mp3Tail(b) {
			return f, nil
		}
		switch {
		case !ok && len(b) > 2 && b[0] == 0xFF && b[1]&0xE6 == 0xE2 && b[2]>>4 == 0:
			return f, fmt.Errorf("the frame at byte %d has a free bit rate: %w", at, errUnread)
		case !ok:
			return f, fmt.Errorf("no frame stands at byte %d, after %d frames: the file is broken; keep what can be read with ffmpeg -i IN OUT.wav", at, f.count)
		case f.rate > 0 && (h.rate != f.rate || h.channels != f.channels || h.samples != f.samples):
			return f, fmt.Errorf("the frame at byte %d is of %d Hz and %d channels, those before of %d Hz and %d: %w", at, h.rate, h.channels, f.rate, f.channels, errUnread)
		case h.joint:
			return f, fmt.Errorf("the frame at byte %d is in joint stereo: %w", at, errUnread)
		case h.bytes > len(b): // it is cut short
			if f.count == 0 {
				return f, fmt.Errorf("the file ends in the frame at byte %d; it is truncated", at)
			}
			return f, nil
		}
		if f.rate == 0 {
			f.mp3Header, f.first = h, at+int64(h.bytes)
			if f.info(b[:h.bytes]) {
				at += int64(h.bytes)
				f.end = at
				continue
			}
			f.first = at
		}
		f.count++
		at += int64(h.bytes)
		f.end = at
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
	at := 4 + f.side // a checksum, where there is one, is not counted
	if len(frame) >= 36+4 && string(frame[36:40]) == "VBRI" {
		return true
	}
	if len(frame) < at+8 || string(frame[at:at+4]) != "Xing" && string(frame[at:at+4]) != "Info" {
		return false
	}
	flags := binary.BigEndian.Uint32(frame[at+4:])
	at += 8
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

// decode decodes the frames. go-mp3 makes two channels of one, and cuts samples off towards
// zero: what it says is v stood between v and v±1, so the middle is taken.
func (f *mp3Frames) decode(ctx context.Context, in *input, d *decoded) error {
	m, err := mp3.NewDecoder(struct{ io.Reader }{io.NewSectionReader(in, f.first, f.end-f.first)})
	if err != nil {
		return err
	}
	raw := make([]byte, 4*1152*16)
	out := make([]float32, 0, len(raw)/2)
	want := f.count * int64(f.samples)
	for done := int64(0); done < want; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := io.ReadFull(m, raw)
		out = out[:0]
		for i := 0; i+4 <= n; i += 4 {
			for c := range f.channels {
				v := float64(int16(binary.LittleEndian.Uint16(raw[i+2*c:])))
				if v != 0 {
					v += math.Copysign(0.5, v)
				}
				out = append(out, float32(v/32767))
			}
		}
		if err := d.append(out); err != nil {
			return err
		}
		done += int64(n / 4)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			if done < want {
				return fmt.Errorf("%d samples a channel were decoded of %d: the file is broken", done, want)
			}
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}
