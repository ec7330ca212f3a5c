package audio

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/audiosep/audiosep/internal/counted"
)

// oggReader takes the packets of a stream out of an Ogg file (RFC 3533).
type oggReader struct {
	in     *input
	at     int64 // of the next page
	serial uint32
	begun  bool
	page   uint32 // the number that the next page should have
	head   [27 + 255]byte
	body   []byte
	sizes  []byte // of the segments of the page that are still to be read
	packet []byte
	open   bool // the packet goes on, on the next page

	// granule is the position that the page on which the last packet ended gives, -1 if none;
	// it is that of the last packet that ends there.
	granule int64
	// strict: no more samples end on the first page with sound than its position says (RFC 7845, 4.5);
	// otherwise what is too many comes before the first that counts (Vorbis I, A.2).
	strict bool
	ends   bool // no packet ends behind this one on its page
	last   bool // the page is the stream's last
}

// mostPacket bounds a packet; a setup header may have some 100 kB, a picture in a tag more.
const mostPacket = 32 << 20

// broken says what may be done about a file that breaks the rules of its format.
const broken = "the file is broken; mend it first, for instance with ffmpeg -i IN OUT.wav"

// next returns the next packet, good until the next call; io.EOF behind the last.
func (o *oggReader) next() ([]byte, error) {
	if !o.open {
		o.packet = o.packet[:0]
	}
	for {
		for len(o.sizes) > 0 {
			size := int(o.sizes[0])
			o.sizes = o.sizes[1:]
			o.packet = append(o.packet, o.body[:size]...)
			o.body = o.body[size:]
			if len(o.packet) > mostPacket {
				return nil, fmt.Errorf("a packet before byte %d has more than %d bytes", o.at, mostPacket)
			}
			if size < 255 {
				o.open = false
				o.ends = true
				for _, s := range o.sizes {
					o.ends = o.ends && s == 255
				}
				return o.packet, nil
			}
			o.open = true
		}
		if err := o.readPage(); err != nil {
			return nil, err
		}
	}
}

// readPage reads the stream's next page, passing over those of others.
func (o *oggReader) readPage() error {
	for {
		n, err := readFull(o.in, o.head[:], o.at)
		if err != nil {
			return err
		}
		if o.begun && o.last {
			if n >= 4 && string(o.head[:4]) == "OggS" { // it is chained; whatever else follows, such as a tag, is no sound
				return fmt.Errorf("another recording begins at byte %d; want one: %w", o.at, errUnread)
			}
			return io.EOF
		}
		segments := int(o.head[26])
		switch {
		case n == 0 && o.begun: // not all writers say which page is the last
			if o.in.cut = "no page is said to be the last"; o.open {
				o.in.cut = "it ends in the middle of a packet"
			}
			return io.EOF
		case n < 27+segments:
			return fmt.Errorf("the page at byte %d is truncated: %w", o.at, io.ErrUnexpectedEOF)
		case string(o.head[:4]) != "OggS" || o.head[4] != 0:
			return fmt.Errorf("no page stands at byte %d; want OggS", o.at)
		}
		if err := o.take(segments); err != nil || len(o.sizes) > 0 || o.last {
			return err
		}
	}
}

// take reads the body of the page whose head was read.
func (o *oggReader) take(segments int) error {
	le := binary.LittleEndian
	sizes, length := o.head[27:27+segments], 0
	for _, s := range sizes {
		length += int(s)
	}
	o.body = append(o.body[:0], make([]byte, length)...)
	if n, err := readFull(o.in, o.body, o.at+int64(27+segments)); err != nil {
		return err
	} else if n < length {
		return fmt.Errorf("the page at byte %d is truncated: %w", o.at, io.ErrUnexpectedEOF)
	}
	at, flags, serial, number := o.at, o.head[5], le.Uint32(o.head[14:]), le.Uint32(o.head[18:])
	sum := le.Uint32(o.head[22:])
	clear(o.head[22:26])
	if oggSum(oggSum(0, o.head[:27+segments]), o.body) != sum {
		return fmt.Errorf("the checksum of the page at byte %d is wrong: the file is broken", at)
	}
	o.at += int64(27 + segments + length)
	switch {
	case !o.begun:
		o.begun, o.serial, o.page = true, serial, number
	case serial != o.serial && flags&2 != 0:
		return fmt.Errorf("another stream begins at byte %d; want one recording: %w", at, errUnread)
	case serial != o.serial:
		return nil
	}
	if number != o.page {
		return fmt.Errorf("page %d is missing before byte %d: the file is broken", o.page, at)
	}
	o.page++
	if (flags&1 != 0) != o.open {
		return fmt.Errorf("the packet that goes on at byte %d is broken", at)
	}
	o.granule, o.last, o.sizes = int64(le.Uint64(o.head[6:])), flags&4 != 0, sizes
	return nil
}

// decode puts on d what packet makes of each packet, interleaved. It returns how many samples come
// before the first of the stream, and how many there are to the last position that a page gives. A
// page gives the position at its end; the first page tells where the stream begins, if that is not
// 0, and the last how much of its last packet counts.
func (o *oggReader) decode(ctx context.Context, d *decoded, packet func([]byte) ([]float32, error)) (skip, samples int64, err error) {
	var done, end int64 // samples so far, and the position of the last page
	first := true
	for {
		if err := ctx.Err(); err != nil {
			return 0, 0, err
		}
		raw, err := o.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return 0, 0, err
		}
		x, err := packet(raw)
		if err != nil {
			return 0, 0, fmt.Errorf("a packet before byte %d cannot be decoded: %w: %s", o.at, err, broken)
		}
		if err := d.append(x); err != nil {
			return 0, 0, err
		}
		done += int64(len(x) / d.channels)
		if !o.ends || o.granule < 0 {
			continue
		}
		if end = o.granule; first && !o.last && end < done {
			if o.strict {
				return 0, 0, fmt.Errorf("the page before byte %d has %s and is said to end at %d; want a position of %d or more: %s", o.at, counted.Of(done, "sample"), end, done, broken)
			}
			skip = done - end
		}
		if first && end > done { // it was cut out of a longer stream
			skip = done - end
		}
		first = false
	}
	return max(skip, 0), end + min(skip, 0), nil
}

var oggTable = func() (table [256]uint32) {
	for i := range table {
		crc := uint32(i) << 24
		for range 8 {
			crc = crc<<1 ^ crc>>31*0x04C11DB7
		}
		table[i] = crc
	}
	return table
}()

// oggSum goes on with the checksum of pages: that of Ethernet, with the most significant bit
// first.
func oggSum(crc uint32, b []byte) uint32 {
	for _, x := range b {
		crc = crc<<8 ^ oggTable[byte(crc>>24)^x]
	}
	return crc
}
