package audio

import (
	"bufio"
	"fmt"
	"hash/crc64"
	"io"
	"os"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/counted"
)

// encoder writes the samples of a file.
type encoder interface {
	// write appends the samples from to to-1 of every channel.
	write(channels [][]float64, from, to int, clip *clipping) error
	// finish writes what is left.
	finish() error
	// keep has everything that was written reach the file, and returns what goOn needs.
	keep() (state []byte, err error)
	// goOn goes on behind what keep told of, in a file that ends there.
	goOn(state []byte) error
	// head returns how many bytes at the start of the file finish writes again.
	head() int64
}

// output is a sound file that is being written.
type output struct {
	layout
	encoder
	path    string
	written int // samples per channel
	clip    clipping
	sum     uint64 // CRC-64 of the bytes from head to summed of the file
	summed  int64
}

// newOutput begins a file in a format: what stands before the samples.
func newOutput(c codec, f io.WriteSeeker, path string, l layout, tags audiosep.Tags) (*output, error) {
	e, err := c.create(f, l, tags)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &output{layout: l, path: path, encoder: e}, nil
}

// append takes a block of samples, [channel][sample].
func (o *output) append(block [][]float64) error {
	n := len(block[0])
	if n > o.samples-o.written {
		return fmt.Errorf("%s is given %s; want %d", o.path, counted.Of(o.written+n, "sample"), o.samples)
	}
	run := max(1, chunkBytes/o.block())
	for from := 0; from < n; from += run {
		if err := o.write(block, from, min(n, from+run), &o.clip); err != nil {
			return fmt.Errorf("%s, block from sample %d on: %w", o.path, o.written, err)
		}
	}
	o.written += n
	return nil
}

// clipError says what clipped, or nil.
func (o *output) clipError() error {
	if o.clip.samples == 0 {
		return nil
	}
	return fmt.Errorf("%s would clip: %v; %s", o.path, &o.clip, clipRemedy)
}

// kept is where an output was.
type kept struct {
	Bytes   int64   `json:"bytes"` // in the file
	Sum     uint64  `json:"sum"`   // CRC-64 of them, but for those that are written again
	Written int     `json:"written"`
	Clipped int     `json:"clipped"`
	Peak    float64 `json:"peak"`
	Encoder []byte  `json:"encoder,omitempty"`
}

// keep has everything that was written reach the file f.
func (o *output) keep(f *os.File) (k kept, err error) {
	k = kept{Written: o.written, Clipped: o.clip.samples, Peak: o.clip.peak}
	if k.Encoder, err = o.encoder.keep(); err == nil {
		k.Bytes, err = f.Seek(0, io.SeekEnd)
	}
	if err == nil {
		err = o.sumTo(f, k.Bytes)
	}
	k.Sum = o.sum
	return k, err
}

// sumTo carries the sum of the file on to a position.
func (o *output) sumTo(f io.ReaderAt, end int64) error {
	o.summed = max(o.summed, min(o.encoder.head(), end))
	table, buf := crc64.MakeTable(crc64.ECMA), make([]byte, 1<<16)
	for o.summed < end {
		n, err := f.ReadAt(buf[:min(int64(len(buf)), end-o.summed)], o.summed)
		if n == 0 {
			return fmt.Errorf("byte %d: %w", o.summed, err)
		}
		o.sum = crc64.Update(o.sum, table, buf[:n])
		o.summed += int64(n)
	}
	return nil
}

// goOn goes on in the file f where k was. What stands behind that was written later, and is
// written again.
func (o *output) goOn(f *os.File, k kept) error {
	size, err := f.Seek(0, io.SeekEnd)
	switch {
	case err != nil:
		return err
	case size < k.Bytes:
		return fmt.Errorf("%s has %s; want %d, as an earlier run kept them", f.Name(), counted.Of(size, "byte"), k.Bytes)
	}
	if err := o.sumTo(f, k.Bytes); err != nil {
		return err
	}
	if o.sum != k.Sum {
		return fmt.Errorf("%s is damaged: what an earlier run has written has another checksum", f.Name())
	}
	if err := f.Truncate(k.Bytes); err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekEnd); err != nil {
		return err
	}
	o.written, o.clip = k.Written, clipping{k.Clipped, k.Peak}
	return o.encoder.goOn(k.Encoder)
}

const clipRemedy = `set the encoding to "float32", or turn the recording down`

// end writes what is left.
func (o *output) end() error {
	if o.written != o.samples {
		return fmt.Errorf("%s has been given %s; want %d", o.path, counted.Of(o.written, "sample"), o.samples)
	}
	return o.finish()
}

// rawEncoder writes samples one after the other.
type rawEncoder struct {
	layout
	f    io.Writer
	w    *bufio.Writer
	buf  []byte
	tail []byte // what follows the samples
}

// newRaw begins a file with a head.
func newRaw(f io.Writer, l layout, head, tail []byte) (encoder, error) {
	e := &rawEncoder{layout: l, f: f, w: bufio.NewWriterSize(f, chunkBytes), tail: tail}
	_, err := e.w.Write(head)
	return e, err
}

func (e *rawEncoder) write(channels [][]float64, from, to int, clip *clipping) error {
	var err error
	if e.buf, err = e.enc.appendSamples(e.buf[:0], channels, from, to, clip); err != nil {
		return err
	}
	e.coding.fromPlain(e.buf, e.enc.bytes)
	_, err = e.w.Write(e.buf)
	return err
}

func (e *rawEncoder) head() int64 { return 0 }

func (e *rawEncoder) keep() ([]byte, error) { return nil, e.w.Flush() }

// goOn drops the head, which the file has.
func (e *rawEncoder) goOn([]byte) error {
	e.w.Reset(e.f)
	return nil
}

func (e *rawEncoder) finish() error {
	if _, err := e.w.Write(e.tail); err != nil {
		return err
	}
	return e.w.Flush()
}
