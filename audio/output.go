package audio

import (
	"bufio"
	"fmt"

	"github.com/audiosep/audiosep/internal/whole"
)

// output is a WAV file that is being written.
type output struct {
	layout
	path    string
	tail    int // bytes of padding after the samples
	w       *bufio.Writer
	buf     []byte
	written int // samples per channel
	clip    clipping
}

// createOutput begins a file of the set and writes its header.
func createOutput(set *whole.Set, path string, l layout) (*output, error) {
	f, err := set.Create(path)
	if err != nil {
		return nil, err
	}
	o := &output{layout: l, path: path, w: bufio.NewWriterSize(f, chunkBytes)}
	head, tail := l.header()
	o.tail = tail
	_, err = o.w.Write(head)
	return o, err
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

// finish writes what is left.
func (o *output) finish() error {
	if o.written != o.samples {
		return fmt.Errorf("%s has been given %d samples; want %d", o.path, o.written, o.samples)
	}
	if _, err := o.w.Write(make([]byte, o.tail)); err != nil {
		return err
	}
	return o.w.Flush()
}
