package audio

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/whole"
)

// WriteFile writes s, of one realisation, to a sound file, whole or not at all; a file that is
// there is replaced. The name's extension tells the format, .wav, .flac or .aiff; the encoding is
// uint8 (WAV and AIFF), int16, int24, or, but for FLAC, int32, float32 or float64. It is an error,
// and nothing is written, if an integer encoding would clip.
func WriteFile(path string, s *audiosep.Signal, encoding string) (err error) {
	e, ok := encodingNamed(encoding)
	if !ok {
		return fmt.Errorf("encoding is %q; want uint8, int16, int24, int32, float32 or float64", encoding)
	}
	format := codecFor(filepath.Ext(path))
	if format.create == nil {
		return fmt.Errorf("the name %s ends in none of %s", path, extensionNames())
	}
	if err := format.holds(e); err != nil {
		return err
	}
	h, err := s.Head(context.Background())
	if err != nil {
		return err
	}
	if h.Realisations != 1 {
		return &audiosep.ShapeError{What: "the signal", Is: fmt.Sprintf("%d layers", len(s.Data)), Want: fmt.Sprintf("its %d channels", h.Channels)}
	}
	l := layout{rate: h.Rate, channels: h.Channels, enc: e, samples: h.Samples}
	if err := format.check(l); err != nil {
		return err
	}
	set := whole.Set{Overwrite: true}
	defer func() { err = errors.Join(err, set.Close()) }()
	f, err := set.Create(path)
	if err != nil {
		return err
	}
	o, err := newOutput(format, f, path, l, nil)
	if err != nil {
		return err
	}
	if err := o.append(s.Data); err != nil {
		return err
	}
	if err := o.clipError(); err != nil {
		return err
	}
	if err := o.end(); err != nil {
		return err
	}
	return set.Commit(context.Background())
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
