package audio

import (
	"context"
	"errors"
	"fmt"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/whole"
)

// WriteFile writes s, of one realisation, to a WAV file, whole or not at all; a file that
// is there is replaced. The encoding is uint8, int16, int24, int32, float32 or float64. It is an
// error, and nothing is written, if an integer encoding would clip.
func WriteFile(path string, s *audiosep.Signal, encoding string) (err error) {
	e, ok := encodingNamed(encoding)
	if !ok {
		return fmt.Errorf("encoding is %q; want uint8, int16, int24, int32, float32 or float64", encoding)
	}
	h, err := s.Head(context.Background())
	if err != nil {
		return err
	}
	if h.Realisations != 1 {
		return &audiosep.ShapeError{What: "the signal", Is: fmt.Sprintf("%d layers", len(s.Data)), Want: fmt.Sprintf("its %d channels", h.Channels)}
	}
	l := layout{rate: h.Rate, channels: h.Channels, enc: e, samples: h.Samples}
	if err := l.check(); err != nil {
		return err
	}
	set := whole.Set{Overwrite: true}
	defer func() { err = errors.Join(err, set.Close()) }()
	o, err := createOutput(&set, path, l)
	if err != nil {
		return err
	}
	if err := o.write(s.Data); err != nil {
		return err
	}
	if err := o.clipError(); err != nil {
		return err
	}
	if err := o.finish(); err != nil {
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
