package audio

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/counted"
)

// ReadAudioParams are the parameters of read_audio.
type ReadAudioParams struct {
	Files        []string `json:"files" file:"in" min:"1" doc:"The sound file, or several if they are realisations. A file called - is standard input."`
	Names        []string `json:"names" doc:"Names of the recordings, after which outputs are called, instead of the files' own."`
	Realisations bool     `json:"realisations" doc:"The files are recordings of one scene, alike in rate, channels and length: one model is learnt of all, and each is separated by it."`
}

var readAudioStage = audiosep.Define("read_audio",
	`Reads sound files, told by their content and not by their names: WAV (8 to 32-bit integers, 32 and 64-bit floats, A-law and µ-law, up to 1024 channels, longer than 4 GB too, RIFX), Wave64, AIFF and AIFF-C, FLAC, Ogg Vorbis, MP3 and Ogg Opus (without the samples that the encoder added; MP3 without intensity stereo, Opus at 48 kHz). Surround sound of Ogg files is put into the order of WAV files. Whatever else ffmpeg can read is read through it, where it is on the PATH; the log says so.
Files written into a pipe, whose header does not know their length, are read to their end; a truncated file is refused, and a FLAC or Ogg file whose checksums are wrong. WAV, AIFF and FLAC are read where they stand; the others are decoded once into a temporary file.`,
	ReadAudioParams{}, NewReadAudio)

// Validate refuses several files that are not said to be realisations.
func (p ReadAudioParams) Validate() error {
	if len(p.Files) > 1 && !p.Realisations {
		return &audiosep.ParamError{Name: "files", What: fmt.Sprintf("has %s; want one", counted.Of(len(p.Files), "entry")),
			Hint: "run the pipeline for each, or set realisations if they are recordings of one scene"}
	}
	if len(p.Names) > 0 && len(p.Names) != len(p.Files) {
		return &audiosep.ParamError{Name: "names", What: fmt.Sprintf("has %s; want one for each of the %s, or none", counted.Of(len(p.Names), "entry"), counted.Of(len(p.Files), "file"))}
	}
	return nil
}

// NewReadAudio returns a Source that reads p.Files. They are opened by Head and read
// in small pieces, in any order and from any goroutine; Close closes them.
func NewReadAudio(p ReadAudioParams) (audiosep.Source, error) {
	if err := audiosep.CheckStruct(p); err != nil {
		return nil, err
	}
	return &readAudio{p: p, log: slog.New(slog.DiscardHandler)}, nil
}

// File is a recording in a file, open until it is closed.
type File interface {
	audiosep.Source
	io.Closer
}

// Open opens a recording; several files are realisations of one scene.
func Open(files ...string) (File, error) {
	if len(files) == 0 {
		return nil, errors.New("there is no file to open; want at least one")
	}
	s := &readAudio{p: ReadAudioParams{Files: files, Realisations: true}, log: slog.New(slog.DiscardHandler)}
	if _, err := s.Head(context.Background()); err != nil {
		return nil, err
	}
	return s, nil
}

type readAudio struct {
	p   ReadAudioParams
	log *slog.Logger

	mu    sync.Mutex // guards opening and closing
	head  audiosep.Head
	files []*soundFile // nil until Head
	loud  sync.Once    // tells of samples far beyond full scale
	heard heard
}

// UseLog has what is to be known of the files told to log.
func (s *readAudio) UseLog(log *slog.Logger) { s.log = log }

// Needs says what it takes: for each thread a piece of a file, as bytes, as integers and as numbers. The
// bytes of integers are garbage once go-audio/wav has decoded them, as many as the file has.
func (s *readAudio) Needs(e audiosep.Extent) (n audiosep.Needs) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.files {
		r, ok := f.recording.(*reader)
		if !ok {
			continue
		}
		values := int64(max(1, chunkBytes/r.block()) * r.channels)
		one := values * int64(r.enc.bytes+8)
		if !r.enc.float {
			one += values * 8
			n.Garbage += int64(r.samples) * int64(r.channels) * int64(r.enc.bytes)
		}
		n.Streams += int64(max(1, e.Threads)) * one
	}
	return n
}

// Head opens the files and says what they are.
func (s *readAudio) Head(ctx context.Context) (audiosep.Head, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.files != nil {
		return s.head, nil
	}
	var files []*soundFile
	for _, path := range s.p.Files {
		w, err := openFile(ctx, path, s.log)
		if err == nil {
			err = ctx.Err()
			files = append(files, w)
		}
		if err != nil {
			return audiosep.Head{}, errors.Join(err, closeAll(files))
		}
	}
	if err := s.describe(files); err != nil {
		return audiosep.Head{}, errors.Join(err, closeAll(files))
	}
	s.files = files
	return s.head, nil
}

// describe sets the head from the files, which must be alike.
func (s *readAudio) describe(files []*soundFile) error {
	s.head = audiosep.Head{Realisations: len(files)}
	widest, lossy, tagged := files[0].form().enc, false, false
	for i, f := range files {
		w, path := f.form(), f.path
		if w.samples == 0 {
			return fmt.Errorf("%s has no samples; want at least 1", path)
		}
		h := audiosep.Head{Rate: w.rate, Channels: w.channels, Samples: w.samples}
		if first := s.head; i == 0 {
			s.head.Rate, s.head.Channels, s.head.Samples = h.Rate, h.Channels, h.Samples
		} else if h.Rate != first.Rate || h.Channels != first.Channels || h.Samples != first.Samples {
			return fmt.Errorf("%s has %s, but %s has %s; want realisations of one scene alike in rate, channels and length",
				path, describe(h), files[0].path, describe(first))
		}
		s.head.Tags = append(s.head.Tags, f.tags())
		tagged = tagged || f.tags() != nil
		if i == 0 {
			s.head.Speakers = w.speakers
		}
		if w.enc.width() > widest.width() {
			widest = w.enc
		}
		lossy = lossy || w.lossy
	}
	if s.head.Names = s.p.Names; len(s.head.Names) == 0 {
		s.head.Names = Names(s.p.Files)
	}
	if !tagged {
		s.head.Tags = nil
	}
	if !lossy {
		s.head.Encoding = widest.name
	}
	return nil
}

func describe(h audiosep.Head) string {
	return fmt.Sprintf("%d Hz, %s and %s", h.Rate, counted.Of(h.Channels, "channel"), counted.Of(h.Samples, "sample"))
}

// ReadAt fills dst[layer] with the samples from at on, zeros outside the recording.
func (s *readAudio) ReadAt(ctx context.Context, dst [][]float64, at int) error {
	if err := s.check(dst); err != nil {
		return err
	}
	n := len(dst[0])
	from, to := max(at, 0), min(at+n, s.head.Samples)
	for _, d := range dst {
		clear(d[:min(n, max(0, from-at))])
		clear(d[min(n, max(0, to-at)):])
	}
	if from >= to {
		return ctx.Err()
	}
	c := s.head.Channels
	for r, w := range s.files {
		mine := make([][]float64, c)
		for i := range mine {
			mine[i] = dst[r*c+i][from-at : to-at]
		}
		if err := s.read(ctx, w, mine, from); err != nil {
			return fmt.Errorf("%s: %w", w.path, err)
		}
		if !w.form().enc.float {
			continue
		}
		peak := peakOf(mine)
		s.heard.add(peak, to-from)
		if peak > farBeyond {
			s.loud.Do(func() {
				s.log.Warn("samples are far beyond full scale, which is 1: what is told in its units, such as eps, means something else there", "file", w.path, "above", farBeyond,
					"remedy", "scale the recording, for instance with sox IN OUT norm")
			})
		}
	}
	return nil
}

// farBeyond is what no sample of a recording in units of full scale is beyond: 30 dB. farBelow is
// what the loudest of one is not below, unless it is silent: -120 dB.
const (
	farBeyond = 32
	farBelow  = 1e-6
)

// heard is how much was read of recordings in floating point, and how loud it was.
type heard struct {
	mu      sync.Mutex
	samples int // of all files, those that were read twice twice
	peak    float64
}

func (h *heard) add(peak float64, samples int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.samples += samples
	h.peak = max(h.peak, peak)
}

// tellOfSoft tells of a recording that was read whole and is far below full scale.
func (s *readAudio) tellOfSoft() {
	s.heard.mu.Lock()
	defer s.heard.mu.Unlock()
	if peak := s.heard.peak; peak > 0 && peak < farBelow && s.heard.samples >= len(s.files)*s.head.Samples {
		s.log.Warn("samples are far below full scale, which is 1: what is told in its units, such as eps, hides them, and powers of samples below 1e-162 are 0", "file", s.files[0].path, "loudest", peak,
			"remedy", "scale the recording, for instance with sox IN OUT norm")
	}
}

// peakOf returns the greatest magnitude of x.
func peakOf(x [][]float64) (peak float64) {
	for _, d := range x {
		for _, v := range d {
			if v < 0 {
				v = -v
			}
			if v > peak {
				peak = v
			}
		}
	}
	return peak
}

func (s *readAudio) check(dst [][]float64) error {
	if s.files == nil {
		return errors.New("the files are not open; want a call of Head before, and of Close after")
	}
	if len(dst) != s.head.Layers() {
		return &audiosep.ShapeError{What: "dst", Is: counted.Of(len(dst), "layer"), Want: fmt.Sprint(s.head.Layers())}
	}
	for l, d := range dst {
		if len(d) != len(dst[0]) {
			return &audiosep.ShapeError{What: fmt.Sprintf("layer %d of dst", l), Is: counted.Of(len(d), "sample"), Want: fmt.Sprint(len(dst[0]))}
		}
	}
	return nil
}

// read fills the channels of one realisation, all of it inside the recording.
func (s *readAudio) read(ctx context.Context, w *soundFile, dst [][]float64, at int) error {
	return w.each(ctx, at, len(dst[0]), func(first int, x []float64) { deinterleave(dst, first-at, x) })
}

// deinterleave writes x to dst[channel], from sample at on.
func deinterleave(dst [][]float64, at int, x []float64) {
	for c, d := range dst {
		for t, i := at, c; i < len(x); t, i = t+1, i+len(dst) {
			d[t] = x[i]
		}
	}
}

// Digest returns the SHA-256 and the length of standard input, where name means it.
func (s *readAudio) Digest(name string) (sum [sha256.Size]byte, size int64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.files {
		if s.p.Files[i] == name && f.bytes > 0 {
			return f.sum, f.bytes, true
		}
	}
	return sum, 0, false
}

// Close closes the files; a later Head opens them again.
func (s *readAudio) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tellOfSoft()
	err := closeAll(s.files)
	s.files = nil
	return err
}

func closeAll(files []*soundFile) error {
	var errs []error
	for _, w := range files {
		errs = append(errs, w.Close())
	}
	return errors.Join(errs...)
}

// ReadFile reads a whole sound file, as read_audio does. The Head has the file's base
// name and encoding.
func ReadFile(path string) (*audiosep.Signal, audiosep.Head, error) {
	f, err := openFile(context.Background(), path, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, audiosep.Head{}, err
	}
	defer f.Close()
	return f.whole()
}

// Decode reads a whole sound file of size bytes from r, in any format that read_audio reads without
// ffmpeg. name is what errors and the Head call it.
func Decode(r io.ReaderAt, size int64, name string) (*audiosep.Signal, audiosep.Head, error) {
	f, err := (&input{ReaderAt: r, path: name, size: size}).decode(context.Background())
	if err != nil {
		return nil, audiosep.Head{}, fmt.Errorf("%s: %w", name, err)
	}
	defer f.Close()
	return f.whole()
}

// whole returns all samples and what is told of the file.
func (f *soundFile) whole() (*audiosep.Signal, audiosep.Head, error) {
	w := f.form()
	s := &audiosep.Signal{Rate: w.rate, Channels: w.channels, Data: make([][]float64, w.channels)}
	for c := range s.Data {
		s.Data[c] = make([]float64, w.samples)
	}
	err := f.each(context.Background(), 0, w.samples, func(first int, x []float64) { deinterleave(s.Data, first, x) })
	if err != nil {
		return nil, audiosep.Head{}, fmt.Errorf("%s: %w", f.path, err)
	}
	h := audiosep.Head{Rate: w.rate, Samples: w.samples, Channels: w.channels, Realisations: 1,
		Names: Names([]string{f.path}), Encoding: w.enc.name, Speakers: w.speakers}
	if f.tags() != nil {
		h.Tags = []audiosep.Tags{f.tags()}
	}
	if w.lossy {
		h.Encoding = ""
	}
	return s, h, nil
}
