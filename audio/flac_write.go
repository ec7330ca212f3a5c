package audio

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/counted"
	"github.com/audiosep/audiosep/internal/flac"
)

// flacEncoder writes a FLAC file.
type flacEncoder struct {
	layout
	f       io.WriteSeeker
	w       *bufio.Writer
	enc     *flac.Encoder
	block   [][]int32 // [channel][sample]
	plain   []byte    // samples as WAV stores them
	coded   []byte
	waiting int // samples in the block
}

func fitsFLAC(l layout) error {
	if l.channels > 8 {
		return fmt.Errorf("%s, and FLAC holds 8; want WAV or AIFF", counted.There(l.channels, "channel"))
	}
	if l.rate >= 1<<20 {
		return fmt.Errorf("the rate is %d Hz, and FLAC holds less than %d; want WAV or AIFF", l.rate, 1<<20)
	}
	return nil
}

func createFLAC(f io.WriteSeeker, l layout, tags audiosep.Tags) (encoder, error) {
	if l.speakers != 0 && l.speakers != flacSpeakers[l.channels] {
		tags = append(tags[:len(tags):len(tags)], audiosep.Tag{Name: maskTag, Value: "0x" + strconv.FormatUint(uint64(l.speakers), 16)})
	}
	e := &flacEncoder{layout: l, f: f, w: bufio.NewWriterSize(f, chunkBytes)}
	e.enc = flac.NewEncoder(flac.Info{Rate: l.rate, Channels: l.channels, Bits: 8 * l.enc.bytes, Samples: l.samples})
	for range l.channels {
		e.block = append(e.block, make([]int32, flac.BlockSize))
	}
	head := e.enc.AppendInfo([]byte("fLaC\x00\x00\x00\x22"))
	comment := appendVorbisComment(nil, tags)
	head = binary.BigEndian.AppendUint32(head, 4<<24|1<<31|uint32(len(comment)))
	_, err := e.w.Write(append(head, comment...))
	return e, err
}

// appendVorbisComment appends tags as vorbisComment reads them.
func appendVorbisComment(b []byte, tags audiosep.Tags) []byte {
	le := binary.LittleEndian
	text := func(s string) { b = append(le.AppendUint32(b, uint32(len(s))), s...) }
	text("audiosep")
	b = le.AppendUint32(b, uint32(len(tags)))
	for _, t := range tags {
		text(t.Name + "=" + t.Value)
	}
	return b
}

func (e *flacEncoder) write(channels [][]float64, from, to int, clip *clipping) error {
	var err error
	enc := e.layout.enc
	if e.plain, err = enc.appendSamples(e.plain[:0], channels, from, to, clip); err != nil {
		return err
	}
	for b := e.plain; len(b) > 0; {
		for c := range e.channels {
			var v int32
			for i, x := range b[:enc.bytes] {
				v |= int32(x) << (8*i + 32 - 8*enc.bytes)
			}
			e.block[c][e.waiting] = v >> (32 - 8*enc.bytes)
			b = b[enc.bytes:]
		}
		if e.waiting++; e.waiting == flac.BlockSize {
			if err := e.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

// flush writes the block as a frame.
func (e *flacEncoder) flush() error {
	for c := range e.block {
		e.block[c] = e.block[c][:e.waiting]
	}
	e.coded = e.enc.Append(e.coded[:0], e.block)
	for c := range e.block {
		e.block[c] = e.block[c][:flac.BlockSize]
	}
	e.waiting = 0
	_, err := e.w.Write(e.coded)
	return err
}

// finish writes what is left, then the head again, which has the checksum of all samples.
func (e *flacEncoder) finish() error {
	if e.waiting > 0 {
		if err := e.flush(); err != nil {
			return err
		}
	}
	if err := e.w.Flush(); err != nil {
		return err
	}
	if _, err := e.f.Seek(8, io.SeekStart); err != nil {
		return err
	}
	if _, err := e.f.Write(e.enc.AppendInfo(nil)); err != nil {
		return err
	}
	_, err := e.f.Seek(0, io.SeekEnd)
	return err
}

// flacState is what is not in the file yet, or was coded into it.
type flacState struct {
	Encoder []byte    `json:"encoder"` // of flac.Encoder
	Waiting [][]int32 `json:"waiting"` // [channel][sample]
}

func (e *flacEncoder) head() int64 { return 8 + flac.InfoBytes }

func (e *flacEncoder) keep() ([]byte, error) {
	if err := e.w.Flush(); err != nil {
		return nil, err
	}
	var s flacState
	for _, x := range e.block {
		s.Waiting = append(s.Waiting, x[:e.waiting])
	}
	var err error
	if s.Encoder, err = e.enc.MarshalBinary(); err != nil {
		return nil, err
	}
	return json.Marshal(s)
}

func (e *flacEncoder) goOn(state []byte) error {
	var s flacState
	if err := json.Unmarshal(state, &s); err != nil {
		return err
	}
	if len(s.Waiting) != len(e.block) || len(s.Waiting[0]) >= flac.BlockSize {
		return errors.New("what is kept of a FLAC file is damaged")
	}
	for c, x := range s.Waiting {
		copy(e.block[c], x)
	}
	e.waiting = len(s.Waiting[0])
	e.w.Reset(e.f)
	return e.enc.UnmarshalBinary(s.Encoder)
}
