package audio

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/counted"
	"github.com/audiosep/audiosep/internal/whole"
)

// WriteFile writes s, of one realisation, to a sound file, whole or not at all; a file that is
// there is replaced. The name's extension tells the format, .wav, .flac or .aiff; the encoding is
// uint8 (WAV and AIFF), int16, int24, or, but for FLAC, int32, float32 or float64. It is an error,
// and nothing is written, if an integer encoding would clip.
func WriteFile(path string, s *audiosep.Signal, encoding string) (err error) {
	format, l, err := storable(path, s, encoding)
	if err != nil {
		return err
	}
	set := whole.Set{Overwrite: true}
	defer func() { err = errors.Join(err, set.Close()) }()
	f, err := set.Create(path)
	if err != nil {
		return err
	}
	if err := encode(f, path, format, l, s); err != nil {
		return err
	}
	return set.Commit(context.Background())
}

// Encode returns the bytes of the file that WriteFile would write.
func Encode(name string, s *audiosep.Signal, encoding string) ([]byte, error) {
	format, l, err := storable(name, s, encoding)
	if err != nil {
		return nil, err
	}
	var m inMemory
	err = encode(&m, name, format, l, s)
	return m.data, err
}

// inMemory is a file in memory that is written.
type inMemory struct {
	data []byte
	at   int64
}

func (m *inMemory) Write(p []byte) (int, error) {
	if most := m.at + int64(len(p)); most > int64(len(m.data)) {
		m.data = append(m.data, make([]byte, most-int64(len(m.data)))...)
	}
	n := copy(m.data[m.at:], p)
	m.at += int64(n)
	return n, nil
}

func (m *inMemory) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += m.at
	case io.SeekEnd:
		offset += int64(len(m.data))
	}
	if offset < 0 || offset > int64(len(m.data)) {
		return m.at, fmt.Errorf("offset %d is not in %s", offset, counted.Of(len(m.data), "byte"))
	}
	m.at = offset
	return offset, nil
}

// storable returns the format and the layout of a file of this name, or why it cannot hold s.
func storable(name string, s *audiosep.Signal, encoding string) (codec, layout, error) {
	e, ok := encodingNamed(encoding)
	if !ok {
		return codec{}, layout{}, fmt.Errorf("encoding is %q; want uint8, int16, int24, int32, float32 or float64", encoding)
	}
	format := codecFor(filepath.Ext(name))
	if format.create == nil {
		return codec{}, layout{}, fmt.Errorf("the name %s ends in none of %s", name, extensionNames())
	}
	if err := format.holds(e); err != nil {
		return codec{}, layout{}, err
	}
	h, err := s.Head(context.Background())
	if err != nil {
		return codec{}, layout{}, err
	}
	if h.Realisations != 1 {
		return codec{}, layout{}, &audiosep.ShapeError{What: "the signal", Is: counted.Of(len(s.Data), "layer"), Want: fmt.Sprintf("its %s", counted.Of(h.Channels, "channel"))}
	}
	l := layout{rate: h.Rate, channels: h.Channels, enc: e, samples: h.Samples}
	return format, l, format.check(l)
}

// encode writes all of a file.
func encode(w io.WriteSeeker, name string, format codec, l layout, s *audiosep.Signal) error {
	o, err := newOutput(format, w, name, l, nil)
	if err != nil {
		return err
	}
	if err := o.append(s.Data); err != nil {
		return err
	}
	if err := o.clipError(); err != nil {
		return err
	}
	return o.end()
}

// WriteFiles writes each of the stems to a file of its own, as write_audio does with its
// defaults: whole or not at all, and in the place of no other. pattern is such as
// "stems/{input}-{source}.wav".
func WriteFiles(ctx context.Context, stems audiosep.Stems, pattern string) error {
	p := DefaultWriteAudio()
	p.Pattern = pattern
	s, err := NewWriteAudio(p)
	if err != nil {
		return err
	}
	return audiosep.Write(ctx, audiosep.Env{}, s, stems)
}
