package audio

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/whole"
)

// codec is a format of sound files.
type codec struct {
	name string
	// knows tells by the first bytes of a file, up to headBytes, whether it is in this format.
	knows func(head string) bool
	// open reads what stands before the samples. What it returns does not close the input.
	open func(ctx context.Context, in *input) (recording, error)

	extension string // of names, with its dot; aliases are others
	aliases   []string
	lossy     bool

	// What follows is nil in formats that are not written.
	// create begins a file. It may go back to write its head again.
	create func(f io.WriteSeeker, l layout, tags audiosep.Tags) (encoder, error)
	// encodings are those that the format holds; the last takes what was never stored.
	encodings []string
	// fits says why the format holds no file of such a layout; nil: it holds all.
	fits func(l layout) error
}

// codecs are the formats that are read: one file and one line for each.
var codecs = []codec{
	wavCodec,
	w64Codec,
	aiffCodec,
	flacCodec,
	vorbisCodec,
	opusCodec,
	mp3Codec,
}

// errUnread is wrapped by a codec's open where the file is of its format, but of a kind that is
// not read.
var errUnread = errors.New("convert it first, for instance with ffmpeg -i IN OUT.wav, or have ffmpeg on the PATH")

// headBytes is how much of a file tells its format.
const headBytes = 64

// recording is a sound file that is open. Its methods may be called from any goroutine.
type recording interface {
	form() layout
	tags() audiosep.Tags
	// each calls do with the n samples from at on, run by run: interleaved, full scale ±1,
	// the first of them sample number first. All of them must be in the file. What do is
	// given is good until it returns.
	each(ctx context.Context, at, n int, do func(first int, interleaved []float64)) error
	io.Closer
}

// input is a file to be read.
type input struct {
	io.ReaderAt
	path string
	file *os.File // nil if it came through a pipe
	size int64
	base int64 // where the recording begins, behind an ID3 tag
	head string
	cut  string // why the recording seems to go on beyond the file; empty where it does not
}

// soundFile is a recording with the name of its file and what must be closed with it.
type soundFile struct {
	recording
	path, format string
	file         io.Closer
	sum          [sha256.Size]byte // of standard input, which cannot be read again
	bytes        int64             // of the same; else 0
}

// openFile opens a sound file, whatever its format. Every codec is called through here and
// through soundFile.each, so that no panic of a decoder gets out.
func openFile(ctx context.Context, path string, log *slog.Logger) (*soundFile, error) {
	if whole.IsStandard(path) {
		return openStandard(ctx, log)
	}
	f, err := whole.Open(path)
	if err != nil {
		return nil, err
	}
	in := &input{ReaderAt: f, path: path, file: f}
	info, err := f.Stat()
	var s *soundFile
	if err == nil {
		in.size = info.Size()
		s, err = in.open(ctx, log)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	s.file = f
	return s, nil
}

// open opens the recording with the codec that knows it, or else with ffmpeg.
func (in *input) open(ctx context.Context, log *slog.Logger) (*soundFile, error) {
	s, err := in.decode(ctx)
	if err == nil && in.cut != "" {
		log.Warn("the file seems to be truncated; what there is of it is read", "file", in.path, "why", in.cut)
	}
	if !errors.Is(err, errUnread) {
		return s, err
	}
	rec, err := withFFmpeg(ctx, in, err, log)
	if err != nil {
		return nil, err
	}
	return &soundFile{recording: rec, path: in.path, format: "what ffmpeg has made of it"}, rec.form().check()
}

// look finds where the recording begins, behind a tag, and its first bytes.
func (in *input) look() (err error) {
	if in.base, err = tagLength(in); err != nil {
		return err
	}
	head := make([]byte, headBytes)
	n, err := readFull(in, head, in.base)
	in.head = string(head[:n])
	return err
}

// decode opens the recording with the codec that knows it.
func (in *input) decode(ctx context.Context) (*soundFile, error) {
	if err := in.look(); err != nil {
		return nil, err
	}
	for _, c := range codecs {
		if !c.knows(in.head) {
			continue
		}
		s := &soundFile{path: in.path, format: c.name}
		err := s.guard(func() (err error) {
			s.recording, err = c.open(ctx, in)
			return err
		})
		if err == nil {
			err = s.form().check()
		}
		if err != nil {
			return nil, err
		}
		return s, nil
	}
	return nil, notSound(in)
}

// guard calls do and returns a panic of it as an error.
func (s *soundFile) guard(do func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &panicError{s.format, r, debug.Stack()}
		}
	}()
	return do()
}

// panicError is a fault of a decoder, which a broken file has brought about.
type panicError struct {
	format string
	what   any
	Stack  []byte
}

func (e *panicError) Error() string {
	return fmt.Sprintf("the decoder of %s failed (%v): the file is broken, or the decoder is; convert it first, for instance with ffmpeg -i IN OUT.wav", e.format, e.what)
}

func (s *soundFile) each(ctx context.Context, at, n int, do func(first int, interleaved []float64)) error {
	return s.guard(func() error { return s.recording.each(ctx, at, n, do) })
}

func (s *soundFile) Close() error {
	err := s.recording.Close()
	if s.file != nil {
		err = errors.Join(err, s.file.Close())
	}
	return err
}

// begins returns a codec's knows: whether a file begins so.
func begins(magic ...string) func(string) bool {
	return func(head string) bool {
		for _, m := range magic {
			if strings.HasPrefix(head, m) {
				return true
			}
		}
		return false
	}
}
