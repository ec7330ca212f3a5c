package audio

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"sync"

	goaudio "github.com/go-audio/audio"
	"github.com/go-audio/wav"

	"github.com/audiosep/audiosep"
)

// chunkBytes is how much of a file is read at a time.
const chunkBytes = 64 << 10

// reader reads samples that stand in a file one after the other, in any order, from any
// goroutine.
type reader struct {
	layout
	file  io.ReaderAt
	about audiosep.Tags
	spare sync.Pool // of *decoder
}

func (r *reader) form() layout        { return r.layout }
func (r *reader) tags() audiosep.Tags { return r.about }

// Close does nothing: the file is its opener's.
func (r *reader) Close() error { return nil }

// each calls do with the n samples from at on, run by run: interleaved, full scale ±1,
// the first of them sample number first. All of them must be in the file.
func (r *reader) each(ctx context.Context, at, n int, do func(first int, interleaved []float64)) error {
	run := min(n, max(1, chunkBytes/r.block()))
	d, _ := r.spare.Get().(*decoder)
	if d == nil || d.most < run {
		d = r.decoder(run)
	}
	defer r.spare.Put(d)
	for end := at + n; at < end; at += run {
		if err := ctx.Err(); err != nil {
			return err
		}
		run = min(run, end-at)
		x, err := d.decode(r.file, r.offset+int64(at)*int64(r.block()), run)
		if err != nil {
			return fmt.Errorf("samples %d to %d: %w", at, at+run-1, err)
		}
		do(at, x)
	}
	return nil
}

// decoder decodes runs of samples, one after the other.
//
// Integers are decoded by go-audio/wav. It trusts sizes, mistakes floats for integers and
// cannot seek, so it is never shown the file: each run is given to it as a small WAV
// file of its own, of a header made here and the bytes of the run.
type decoder struct {
	layout
	most   int    // samples of every channel that it can decode at a time
	raw    []byte // header and samples; no header for floats
	head   int    // the length of the header
	stored []byte // samples as they are stored, where that is not as WAV does
	ints   goaudio.IntBuffer
	out    []float64
}

func (r *reader) decoder(run int) *decoder {
	d := &decoder{layout: r.layout, most: run}
	if !r.enc.float {
		d.raw = d.plainHeader(run)
		d.head = len(d.raw)
		d.ints.Data = make([]int, run*r.channels)
	}
	d.raw = append(d.raw, make([]byte, run*r.channels*r.enc.bytes)...)
	if r.coding != plain {
		d.stored = make([]byte, run*r.block())
	}
	d.out = make([]float64, run*r.channels)
	return d
}

// plainHeader is the header of integers as go-audio/wav knows it: without the
// extension that header writes for more than two channels or 16 bits.
func (l layout) plainHeader(run int) []byte {
	le := binary.LittleEndian
	block := l.channels * l.enc.bytes
	size := uint32(run * block)
	b := le.AppendUint32([]byte("RIFF"), 36+size)
	b = le.AppendUint32(append(b, "WAVEfmt "...), 16)
	b = le.AppendUint16(b, tagPCM)
	b = le.AppendUint16(b, uint16(l.channels))
	b = le.AppendUint32(b, uint32(l.rate))
	b = le.AppendUint32(b, 0) // bytes a second: nobody reads it
	b = le.AppendUint16(b, uint16(block))
	b = le.AppendUint16(b, uint16(8*l.enc.bytes))
	return le.AppendUint32(append(b, "data"...), size)
}

// decode returns n samples of every channel, interleaved, from byte at of the file on.
// They are good until the next call.
func (d *decoder) decode(file io.ReaderAt, at int64, n int) ([]float64, error) {
	raw := d.raw[d.head : d.head+n*d.channels*d.enc.bytes]
	stored := raw
	if d.coding != plain {
		stored = d.stored[:n*d.block()]
	}
	if got, err := readFull(file, stored, at); err != nil {
		return nil, err
	} else if got < len(stored) {
		return nil, fmt.Errorf("the file has become shorter while it was read: %w", io.ErrUnexpectedEOF)
	}
	d.coding.toPlain(raw, stored, d.enc.bytes)
	out := d.out[:n*d.channels]
	if d.enc.float {
		return out, d.decodeFloats(out, raw)
	}
	return out, d.decodeInts(out)
}

func (d *decoder) decodeInts(out []float64) error {
	d.ints.Data = d.ints.Data[:len(out)]
	n, err := wav.NewDecoder(bytes.NewReader(d.raw)).PCMBuffer(&d.ints)
	if err != nil {
		return err
	}
	if n != len(out) {
		return errors.New("go-audio/wav did not decode them all")
	}
	toFloat(out, d.ints.Data, d.enc)
	return nil
}

// toFloat scales integers of an encoding to full scale ±1. go-audio leaves the 8-bit
// ones as they are stored, 0 to 255.
func toFloat(dst []float64, src []int, e encoding) {
	zero, step := 0, 1/e.scale()
	if e.bytes == 1 {
		zero = 128
	}
	for i, x := range src {
		dst[i] = float64(x-zero) * step
	}
}

func (d *decoder) decodeFloats(out []float64, raw []byte) error {
	for i := range out {
		if d.enc.bytes == 4 {
			out[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:])))
		} else {
			out[i] = math.Float64frombits(binary.LittleEndian.Uint64(raw[8*i:]))
		}
		if !finite(out[i]) {
			return fmt.Errorf("channel %d has the value %g; want finite numbers", i%d.channels, out[i])
		}
	}
	return nil
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
