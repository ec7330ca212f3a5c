package audio

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"github.com/audiosep/audiosep/internal/whole"
)

// codec is a format of sound files.
type codec struct {
	name string
	// knows tells by the first bytes of a file, up to headBytes, whether it is in this format.
	knows func(head string) bool
	// open reads what stands before the samples. What it returns does not close the input.
	open func(ctx context.Context, in *input) (recording, error)
}

// codecs are the formats that are read: one file and one line for each.
var codecs = []codec{
	wavCodec,
	w64Codec,
	aiffCodec,
	flacCodec,
}

// headBytes is how much of a file tells its format.
const headBytes = 64

// recording is a sound file that is open. Its methods may be called from any goroutine.
type recording interface {
	form() layout
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
	size int64
	base int64 // where the recording begins, behind an ID3 tag
	head string
}

// soundFile is a recording with the name of its file and what must be closed with it.
type soundFile struct {
	recording
	path, format string
	file         io.Closer
}

// openFile opens a sound file, whatever its format. Every codec is called through here and
// through soundFile.each, so that no panic of a decoder gets out.
func openFile(ctx context.Context, path string) (*soundFile, error) {
	f, err := whole.Open(path)
	if err != nil {
		return nil, err
	}
	s, err := openInput(ctx, f, path)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	s.file = f
	return s, nil
}

func openInput(ctx context.Context, f *os.File, path string) (*soundFile, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return openReader(ctx, f, info.Size(), path)
}

// openReader opens a recording of size bytes.
func openReader(ctx context.Context, r io.ReaderAt, size int64, path string) (*soundFile, error) {
	in := &input{ReaderAt: r, path: path, size: size}
	var err error
	if in.base, err = tagLength(r); err != nil {
		return nil, err
	}
	head := make([]byte, headBytes)
	n, err := readFull(r, head, in.base)
	if err != nil {
		return nil, err
	}
	in.head = string(head[:n])
	for _, c := range codecs {
		if !c.knows(in.head) {
			continue
		}
		s := &soundFile{path: path, format: c.name}
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
