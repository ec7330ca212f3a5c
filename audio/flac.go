package audio

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/counted"
	"github.com/audiosep/audiosep/internal/flac"
)

// FLAC: RFC 9639. Frames are decoded and encoded by internal/flac: github.com/mewkiz/flac knows no
// samples of 32 bits, and what it writes ffmpeg refuses where the last frame is short.
var flacCodec = codec{name: "FLAC",
	knows: begins("fLaC"),
	open: func(ctx context.Context, in *input) (recording, error) {
		f := &flacFile{in: in}
		if err := f.metadata(); err != nil {
			return nil, err
		}
		if err := f.index(ctx); err != nil {
			return nil, err
		}
		f.decoders.New = func() any { return new(flacDecoder) }
		return f, nil
	},
	extension: ".flac", create: createFLAC,
	encodings: []string{"int16", "int24"}, fits: fitsFLAC,
}

// flacFile is an open FLAC file. Where its frames are is known, so it is read from anywhere.
type flacFile struct {
	layout
	in       *input
	info     flac.Info
	about    audiosep.Tags
	frames   []flacFrame
	end      int64 // of the last frame
	decoders sync.Pool
}

// flacFrame says where a frame begins.
type flacFrame struct {
	first  int   // sample
	offset int64 // in the file
}

func (f *flacFile) form() layout        { return f.layout }
func (f *flacFile) tags() audiosep.Tags { return f.about }
func (f *flacFile) Close() error        { return nil }

// metadata reads STREAMINFO and goes to the first frame, f.offset.
func (f *flacFile) metadata() error {
	at := f.in.base + 4
	for n := range maxChunks {
		var b [4 + flac.InfoBytes]byte
		got, err := readFull(f.in, b[:], at)
		if err != nil {
			return err
		}
		length := int64(b[1])<<16 | int64(b[2])<<8 | int64(b[3])
		if got < 4 || length > f.in.size-at-4 {
			return fmt.Errorf("the block of metadata at byte %d is said to have %s; %d are left in the file", at, counted.Of(length, "byte"), max(0, f.in.size-at-4))
		}
		if kind := b[0] & 0x7F; (n == 0) != (kind == 0) {
			return fmt.Errorf("block %d of metadata, at byte %d, is of type %d; want STREAMINFO first and once", n, at, kind)
		}
		if n == 0 {
			if f.info, err = flac.ParseInfo(b[4:min(got, 4+int(length))]); err != nil {
				return err
			}
		}
		if b[0]&0x7F == 4 && length < 1<<20 {
			comment := make([]byte, length)
			if _, err := readFull(f.in, comment, at+4); err != nil {
				return err
			}
			f.about = vorbisComment(comment)
		}
		at += 4 + length
		if b[0]&0x80 != 0 {
			f.offset = at
			f.rate, f.channels = f.info.Rate, f.info.Channels
			f.enc, _ = encodingOf((f.info.Bits+7)/8, false)
			f.loudspeakers()
			return nil
		}
	}
	return fmt.Errorf("more than %d blocks of metadata stand before the samples; want a recording", maxChunks)
}

// loudspeakers takes the channel mask out of the tags, or the usual one.
func (f *flacFile) loudspeakers() {
	f.speakers = flacSpeakers[f.channels]
	f.about = slices.DeleteFunc(f.about, func(t audiosep.Tag) bool {
		if t.Name != maskTag {
			return false
		}
		if mask, err := strconv.ParseUint(t.Value, 0, 32); err == nil && f.channels > 2 {
			f.speakers = uint32(mask)
		}
		return true
	})
}

// index finds all frames. Their checksums are looked at, so a file that is broken is refused
// here, not in the middle of the work.
func (f *flacFile) index(ctx context.Context) error {
	at, header, err := f.offset, flac.Header{}, error(nil)
	w := window{in: f.in}
	b, err := w.from(at, flac.MaxHeader)
	if err != nil {
		return err
	}
	if len(b) == 0 {
		return f.finish(at)
	}
	header, ok := f.info.Parse(b)
	if !ok {
		return fmt.Errorf("no frame of this recording stands at byte %d; the file is broken", at)
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		f.frames = append(f.frames, flacFrame{f.samples, at})
		if f.samples > math.MaxInt-header.Block {
			return fmt.Errorf("there are more than %d samples a channel", f.samples)
		}
		f.samples += header.Block
		n, next, err := f.next(&w, at, header)
		if err != nil {
			return fmt.Errorf("frame %d at byte %d: %w; the file is broken or truncated: get it whole, or keep what is there with ffmpeg -i IN OUT.wav", len(f.frames), at, err)
		}
		at += int64(n)
		if next.Block == 0 {
			return f.finish(at)
		}
		header = next
	}
}

// next returns the length of the frame at a byte and the header of the next; its Block is
// 0 if the frame is the last.
func (f *flacFile) next(w *window, at int64, h flac.Header) (int, flac.Header, error) {
	most := f.info.MaxFrame(h.Block) + flac.MaxHeader
	for want := min(most, 1<<16); ; want = min(most, 4*want) {
		b, err := w.from(at, want)
		if err != nil {
			return 0, h, err
		}
		if n, next, ok := f.info.Next(h, b[:min(len(b), most)]); ok {
			return n, next, nil
		}
		if len(b) < want || want == most {
			var d flac.Decoder
			n, err := d.Decode(f.info, h, b)
			return n, flac.Header{}, err
		}
	}
}

// finish holds the length against what the file promises, and looks at what is behind the
// last frame, which may be tags.
func (f *flacFile) finish(at int64) error {
	f.end = at
	if f.info.Samples > 0 && f.samples != f.info.Samples {
		return fmt.Errorf("the header promises %s a channel, %d are there: the file is broken or truncated; get it whole, or keep what is there with ffmpeg -i IN OUT.wav", counted.Of(f.info.Samples, "sample"), f.samples)
	}
	b := make([]byte, 4096)
	n, err := readFull(f.in, b, at)
	if err != nil {
		return err
	}
	b = b[:n]
	if rest := string(b); len(bytes.Trim(b, "\x00")) > 0 && !strings.HasPrefix(rest, "TAG") && !strings.HasPrefix(rest, "ID3") && !strings.HasPrefix(rest, "APETAGEX") {
		return fmt.Errorf("after %s a channel, %s follow from byte %d on that are no frame: the file is broken", counted.Of(f.samples, "sample"), counted.Of(f.in.size-at, "byte"), at)
	}
	return nil
}

// window reads a file from front to back in pieces.
type window struct {
	in  io.ReaderAt
	at  int64
	buf []byte
}

// from returns at least n bytes from byte at on, fewer at the end of the file.
func (w *window) from(at int64, n int) ([]byte, error) {
	if have := w.at + int64(len(w.buf)) - at; at < w.at || have < int64(n) {
		keep := 0
		if at >= w.at && have > 0 {
			keep = copy(w.buf, w.buf[at-w.at:])
		}
		size := max(n, 1<<18)
		if cap(w.buf) < size {
			w.buf = append(make([]byte, 0, size), w.buf[:keep]...)
		}
		got, err := readFull(w.in, w.buf[keep:size], at+int64(keep))
		w.at, w.buf = at, w.buf[:keep+got]
		if err != nil {
			return nil, err
		}
	}
	return w.buf[at-w.at:], nil
}

// flacDecoder is what one goroutine needs to decode.
type flacDecoder struct {
	flac.Decoder
	raw []byte
	out []float64
}

func (f *flacFile) each(ctx context.Context, at, n int, do func(first int, interleaved []float64)) error {
	d := f.decoders.Get().(*flacDecoder)
	defer f.decoders.Put(d)
	scale := math.Ldexp(1, 1-f.info.Bits)
	k := sort.Search(len(f.frames), func(k int) bool { return f.frames[k].first > at }) - 1
	for end := at + n; at < end; k++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		block, err := f.decode(d, k)
		if err != nil {
			return fmt.Errorf("frame %d at byte %d: %w", k+1, f.frames[k].offset, err)
		}
		from, to := at-f.frames[k].first, min(end-f.frames[k].first, block)
		d.out = d.out[:0]
		for t := from; t < to; t++ {
			for c := range f.channels {
				d.out = append(d.out, float64(d.Samples[c][t])*scale)
			}
		}
		do(at, d.out)
		at += to - from
	}
	return nil
}

// decode decodes a frame and returns how many samples it has.
func (f *flacFile) decode(d *flacDecoder, k int) (int, error) {
	offset, end := f.frames[k].offset, f.end
	if k+1 < len(f.frames) {
		end = f.frames[k+1].offset
	}
	size := int(end - offset)
	if cap(d.raw) < size {
		d.raw = make([]byte, size)
	}
	d.raw = d.raw[:size]
	if got, err := readFull(f.in, d.raw, offset); err != nil {
		return 0, err
	} else if got < size {
		return 0, fmt.Errorf("the file has become shorter while it was read: %w", io.ErrUnexpectedEOF)
	}
	h, ok := f.info.Parse(d.raw)
	if !ok {
		return 0, fmt.Errorf("its header has changed while the file was read")
	}
	_, err := d.Decode(f.info, h, d.raw)
	return h.Block, err
}
