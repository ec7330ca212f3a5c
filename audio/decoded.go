package audio

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/audiosep/audiosep/internal/spool"
)

// decoded is a recording of a format that is read from front to back only, such as Vorbis: all
// of it, decoded once, on a tape.
type decoded struct {
	reader
	tape  *spool.Tape
	buf   []byte
	order []int // which of what append is given each channel is; none: as they are
}

// mostDecoded bounds what a file is decoded to: 64 GiB, two days of stereo at 48 kHz. How many
// samples a byte of a hostile file stands for is bounded by the format alone.
const mostDecoded = 64 << 30

func newDecoded(rate, channels int) *decoded {
	d := &decoded{tape: &spool.Tape{Most: mostDecoded}}
	d.file = d.tape
	d.rate, d.channels = rate, channels
	d.enc, _ = encodingNamed("float32")
	d.lossy = true
	return d
}

// append takes samples, interleaved.
func (d *decoded) append(x []float32) error {
	d.buf = d.buf[:0]
	for i := range x {
		v := x[i]
		if d.order != nil {
			c := i % d.channels
			v = x[i-c+d.order[c]]
		}
		d.buf = binary.LittleEndian.AppendUint32(d.buf, math.Float32bits(v))
	}
	_, err := d.tape.Write(d.buf)
	if errors.Is(err, spool.ErrFull) {
		return fmt.Errorf("its sound has more than %d GiB when it is decoded; want a shorter recording", mostDecoded>>30)
	}
	return err
}

// trim takes samples of each channel from the front and keeps so many of the rest.
func (d *decoded) trim(skip, samples int64) {
	block := int64(d.block())
	there := d.tape.Size() / block
	skip = min(max(skip, 0), there)
	d.offset, d.samples = skip*block, int(min(max(samples, 0), there-skip))
}

// Close ends the tape.
func (d *decoded) Close() error { return d.tape.Close() }
