package audio

import (
	"bytes"
	"fmt"
	"math"
	"strings"

	"github.com/audiosep/audiosep/internal/counted"
)

// dataSize returns how many bytes of samples there are: those that the header declares,
// where the file bears it out, and else what the file tells.
func (w *walker) dataSize(declared, left int64) (int64, error) {
	if w.long > 0 && declared != w.long {
		switch {
		// By EBU Tech 3306 ds64 counts where the 32-bit size is -1. Some editors leave an old
		// one there; then the size counts that ends where something does.
		case declared == unknownSize || w.endsAt(w.long):
			declared = w.long
		case !w.endsAt(declared):
			return 0, fmt.Errorf("the samples have %s by the ds64 chunk and %d by their own, and neither ends where the file or a chunk does; have it written anew, for instance with ffmpeg -ignore_length 1 -i IN.wav OUT.wav", counted.Of(w.long, "byte"), declared)
		}
	}
	if w.openEnded(declared, left) {
		return left, nil
	}
	if declared > left {
		return w.tooLarge(declared, left)
	}
	return w.tooSmall(declared, left)
}

// openEnded tells whether the writer did not know the size of the samples, which then
// go on to the end of the file: it wrote into a pipe, or was stopped before it could
// complete the header.
func (w *walker) openEnded(declared, left int64) bool {
	switch {
	case declared == unknownSize:
		return true
	case declared == 0:
		return w.riff >= unknownSize || w.base+8+w.riff <= w.at || w.riffEnds() && left > 0 && !w.chunkAt(w.at)
	default:
		return isPlaceholder(uint64(declared)) && (declared > left || !w.endsAt(declared))
	}
}

// isPlaceholder tells whether a size is one that writers put where they do not know it
// yet: the greatest there is, of signed or unsigned numbers, rounded to whole blocks or
// less a header. ffmpeg writes 2³²-1, sox 0x7FFFF000 in whole blocks, arecord
// 0x7FFFFF00, speexdec, opusdec and Android's oboe 2³¹-1, others 2³¹ or 2³²-37. A file
// that is truly as long and was truncated cannot be told from these.
func isPlaceholder(size uint64) bool {
	const near = 1 << 16
	for _, greatest := range []uint64{math.MaxInt32, math.MaxUint32, math.MaxInt64, math.MaxUint64} {
		if max(size, greatest)-min(size, greatest) <= near {
			return true
		}
	}
	return false
}

// tooLarge judges a size beyond the end of the file: was it truncated, or is the size
// wrong? Nothing is missing if all whole samples are there, if RIFF's size is that of
// the file, or if the size is that of the file: some recorders count the header too.
func (w *walker) tooLarge(declared, left int64) (int64, error) {
	block := int64(w.block())
	if declared/block == left/block || w.riffEnds() || declared == w.size-w.base {
		return left, nil
	}
	return 0, fmt.Errorf("the header promises %s a channel, %d are there: the file is truncated; get it whole, or keep what is there with ffmpeg -i CUT.wav OUT.wav",
		counted.Of(declared/block, "sample"), left/block)
}

// tooSmall judges a size that leaves bytes behind the samples. Chunks and tags may
// stand there, zeros, and a little of anything.
func (w *walker) tooSmall(declared, left int64) (int64, error) {
	const little = 1 << 16
	rest, block := left-declared, int64(w.block())
	switch {
	case w.endsAt(declared):
		return declared, nil
	case declared*block == left: // a size in samples, not in bytes
		return left, nil
	case rest <= little || w.paddingAt(w.at+declared):
		return declared, nil
	case rest%(1<<32) == 0: // a size that wrapped around at 4 GiB
		return left, nil
	}
	return 0, fmt.Errorf("the header promises %s a channel, and %s follow them that are no chunk: its size is wrong; have it written anew, for instance with ffmpeg -ignore_length 1 -i IN.wav OUT.wav",
		counted.Of(declared/block, "sample"), counted.Of(rest, "byte"))
}

// riffEnds tells whether RIFF's size is that of the file, up to a byte of padding.
func (w *walker) riffEnds() bool {
	missing := w.base + 8 + w.riff - w.size
	return missing >= -1 && missing <= 1
}

// endsAt tells whether the file or a chunk follows n bytes of samples, perhaps after a
// byte of padding.
func (w *walker) endsAt(n int64) bool {
	if n > w.size-w.at {
		return false
	}
	end := w.at + n
	return w.size-end <= n&1 || w.chunkAt(end+n&1) || w.chunkAt(end)
}

// chunkAt tells whether a chunk stands at a byte of the file, or a tag of the kinds
// that are put behind any file.
func (w *walker) chunkAt(at int64) bool {
	var head [8]byte
	if n, err := readFull(w.r, head[:], at); err != nil || n < len(head) {
		return false
	}
	for _, tag := range []string{"TAG", "ID3", "APETAGEX"} {
		if strings.HasPrefix(string(head[:]), tag) {
			return true
		}
	}
	for _, c := range head[:4] {
		if c < ' ' || c > '~' {
			return false
		}
	}
	size := int64(w.order.Uint32(head[4:]))
	return size <= w.size-at-8
}

// paddingAt tells whether zeros stand at a byte of the file, as where a recorder takes
// room in advance.
func (w *walker) paddingAt(at int64) bool {
	var b [4096]byte
	n, err := readFull(w.r, b[:], at)
	return err == nil && len(bytes.Trim(b[:n], "\x00")) == 0
}
