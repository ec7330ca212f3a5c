package whole

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	mutex "sync" // sync is a function here
	"syscall"
	"time"
)

// Standard is the name that stands for standard input and output.
const Standard = "-"

// IsStandard tells whether a path stands for standard input or output, also where it was taken to
// be a name below some folder.
func IsStandard(path string) bool { return filepath.Base(path) == Standard }

// absent is the error where what is to be read is not there. Systems call that by other names, each after the
// call that found it out; this one says what was wanted, whatever the system.
type absent struct{ what, path string }

func (a *absent) Error() string { return "there is no " + a.what + " " + a.path }
func (a *absent) Unwrap() error { return fs.ErrNotExist }

// sought returns err in words where it says that the file or folder is not there, or may not be read. Below a file
// nothing can be.
func sought(what, path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return &absent{what, path}
	}
	if at := (*fs.PathError)(nil); errors.Is(err, fs.ErrPermission) && errors.As(err, &at) {
		return fmt.Errorf("%s: cannot be read: %w", path, at.Err)
	}
	return err
}

// Stat is os.Stat of a file that is to be read. Where it is not there, the error says so in words and is
// fs.ErrNotExist; so are the errors of all that opens or reads here.
func Stat(path string) (fs.FileInfo, error) {
	info, err := os.Stat(path)
	return info, sought("file", path, err)
}

// ReadDir is os.ReadDir of a folder that is to be read.
func ReadDir(dir string) ([]fs.DirEntry, error) {
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return nil, fmt.Errorf("%s is a file; want a folder", dir)
	}
	entries, err := os.ReadDir(dir)
	return entries, sought("folder", dir, err)
}

// Open opens a regular file to be read. Others, such as a named pipe, could keep the program
// waiting for ever.
func Open(path string) (*os.File, error) {
	info, err := Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file; want one", path)
	}
	f, err := os.Open(path)
	return f, sought("file", path, err)
}

// patience is how long a named pipe is waited for that nobody writes to.
var patience = 10 * time.Second

// ReadFile reads a regular file, as Open opens it.
func ReadFile(path string) ([]byte, error) {
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(f)
	return text, errors.Join(err, f.Close())
}

// OpenPipe opens a file that is read once, from its beginning to its end, and so may be a pipe, such
// as <(…) of a shell. One to which nobody writes is given up after ten seconds.
func OpenPipe(ctx context.Context, path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil || info.Mode()&fs.ModeNamedPipe == 0 {
		f, err := os.Open(path)
		return f, sought("file", path, err)
	}
	type result struct {
		f   *os.File
		err error
	}
	opened, given := make(chan result), make(chan struct{})
	go func() {
		f, err := os.Open(path) // for ever, if nobody writes: it ends with the program
		select {
		case opened <- result{f, err}:
		case <-given:
			f.Close() // nothing, where there is an error
		}
	}()
	select {
	case r := <-opened:
		return r.f, r.err
	case <-ctx.Done():
		close(given)
		return nil, ctx.Err()
	case <-time.After(patience):
		close(given)
		return nil, fmt.Errorf("%s is a pipe that nobody writes to; want a file", path)
	}
}

// Sum returns the length and the SHA-256, in hex, of a regular file.
func Sum(ctx context.Context, path string) (size int64, sum string, err error) {
	f, err := Open(path)
	if err != nil {
		return 0, "", err
	}
	defer f.Close()
	h := sha256.New()
	buf := sumBuffers.Get().(*[sumBytes]byte)
	defer sumBuffers.Put(buf)
	for err == nil {
		var n int
		n, err = f.Read(buf[:])
		h.Write(buf[:n])
		size += int64(n)
		err = errors.Join(err, ctx.Err())
	}
	if !errors.Is(err, io.EOF) || ctx.Err() != nil {
		return 0, "", err
	}
	return size, hex.EncodeToString(h.Sum(nil)), nil
}

// sumBytes is how much is read at a time. The buffers are used again: a run sums each of its stems.
const sumBytes = 1 << 18

var sumBuffers = mutex.Pool{New: func() any { return new([sumBytes]byte) }}
