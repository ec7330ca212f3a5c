package audio

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// output is a WAV file that is being written beside its place. It is put there by
// publish, whole; discard leaves nothing behind.
type output struct {
	layout
	path, beside string
	tail         int // bytes of padding after the samples
	file         *os.File
	w            *bufio.Writer
	buf          []byte
	written      int // samples per channel
	clip         clipping
	published    bool // and new, so that it may be withdrawn
}

// createOutput creates the file and writes its header. The folder must be there.
func createOutput(path string, l layout) (*output, error) {
	// The name cannot be guessed and no other run has it; it is hidden, and short
	// enough wherever path is.
	beside := filepath.Join(filepath.Dir(path), ".audiosep-"+rand.Text()+".part")
	f, err := os.OpenFile(beside, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, err
	}
	o := &output{layout: l, path: path, beside: beside, file: f, w: bufio.NewWriterSize(f, chunkBytes)}
	head, tail := l.header()
	o.tail = tail
	if _, err := o.w.Write(head); err != nil {
		return nil, errors.Join(err, o.discard())
	}
	return o, nil
}

// write appends a block of samples, [channel][sample].
func (o *output) write(block [][]float64) error {
	n := len(block[0])
	if n > o.samples-o.written {
		return fmt.Errorf("%s is given %d samples; want %d", o.path, o.written+n, o.samples)
	}
	run := max(1, chunkBytes/o.block())
	for from := 0; from < n; from += run {
		var err error
		o.buf, err = o.enc.appendSamples(o.buf[:0], block, from, min(n, from+run), &o.clip)
		if err == nil {
			_, err = o.w.Write(o.buf)
		}
		if err != nil {
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

const clipRemedy = `set the encoding to "float32", or turn the recording down`

// finish writes what is left to the disk and closes the file.
func (o *output) finish() error {
	if o.written != o.samples {
		return fmt.Errorf("%s has been given %d samples; want %d", o.path, o.written, o.samples)
	}
	_, err := o.w.Write(make([]byte, o.tail))
	if err == nil {
		err = o.w.Flush()
	}
	if err == nil {
		err = o.file.Sync()
	}
	if err != nil {
		return err
	}
	err = o.file.Close()
	o.file = nil
	return err
}

// publish puts the finished file in its place. Unless it may overwrite, it fails if
// something has got there since the run began.
func (o *output) publish(overwrite bool) error {
	if !overwrite {
		err := os.Link(o.beside, o.path)
		if err == nil {
			o.published = true
			return os.Remove(o.beside)
		}
		// Not every file system has links; there a look before the renaming must do.
		if _, there := os.Lstat(o.path); errors.Is(err, fs.ErrExist) || there == nil {
			return existsError(o.path)
		}
		o.published = true
	}
	return os.Rename(o.beside, o.path)
}

func existsError(path string) error {
	return fmt.Errorf("%s exists already; set overwrite, or choose another pattern or folder: %w", path, fs.ErrExist)
}

// discard removes the file; what publish overwrote is not restored.
func (o *output) discard() error {
	var errs []error
	if o.file != nil {
		errs = append(errs, o.file.Close())
		o.file = nil
	}
	errs = append(errs, removeIfThere(o.beside))
	if o.published {
		errs = append(errs, removeIfThere(o.path))
	}
	return errors.Join(errs...)
}

func removeIfThere(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// makeFolder makes a folder and those above it. It returns the ones that were not
// there before, outermost first.
func makeFolder(dir string) (made []string, err error) {
	switch _, err := os.Stat(dir); {
	case err == nil:
		return nil, nil // if it is no folder, creating a file in it says so
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	if parent := filepath.Dir(dir); parent != dir {
		if made, err = makeFolder(parent); err != nil {
			return made, err
		}
	}
	switch err := os.Mkdir(dir, 0o777); {
	case err == nil:
		return append(made, dir), nil
	case errors.Is(err, fs.ErrExist): // somebody else was faster
		return made, nil
	default:
		return made, err
	}
}

// syncFolder makes the names in a folder last through a loss of power.
func syncFolder(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // it has no such call, and orders names itself
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	// Some file systems cannot; then there is nothing more to do.
	if err := d.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, fs.ErrInvalid) {
		return errors.Join(err, d.Close())
	}
	return d.Close()
}
