package audio

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"strings"

	"github.com/audiosep/audiosep/internal/counted"
)

// What a Vorbis setup header may ask for. libvorbis writes codebooks of up to 6561 entries; a
// hostile header of 20 bytes could ask for 10¹² numbers.
const (
	mostEntries = 1 << 16 // of one codebook
	mostValues  = 1 << 22 // in all codebooks together
)

// mendSetup walks a setup header as far as the floors, refuses codebooks that take much memory or
// have no end, and returns the header as the module that decodes reads it: for a floor 1 without
// partitions, as libvorbis has it for the low frequency effects of 5.1, the module reads a class
// that the format (Vorbis I, section 7.2.2) does not have; one of zeros is put in.
func mendSetup(packet []byte) ([]byte, error) {
	if !strings.HasPrefix(string(packet), "\x05vorbis") {
		return nil, errors.New("want a Vorbis setup header")
	}
	r := lowBits{b: packet[7:]}
	values := 0
	for n := range r.read(8) + 1 {
		book, err := r.codebook()
		if values += book; err == nil && values > mostValues {
			err = fmt.Errorf("the codebooks have more than %d numbers", mostValues)
		}
		if err != nil {
			return nil, fmt.Errorf("codebook %d: %w", n, err)
		}
	}
	for range r.read(6) + 1 {
		r.read(16) // transforms in time, of which there are none
	}
	var bare []int
	for range r.read(6) + 1 {
		if at := r.floor(); at >= 0 {
			bare = append(bare, 8*7+at)
		}
	}
	return withClasses(packet, bare), nil
}

// floor walks one floor (Vorbis I, sections 6.2.1 and 7.2.2). It returns the bit at which the classes
// would stand if it is of kind 1 and has no partitions, and so no classes, and -1 otherwise.
func (r *lowBits) floor() (bare int) {
	if r.read(16) == 0 {
		r.at += 8 + 16 + 16 + 6 + 8
		r.at += 8 * (r.read(4) + 1)
		return -1
	}
	partitions := make([]int, r.read(5))
	classes := 0
	for i := range partitions {
		partitions[i] = r.read(4)
		classes = max(classes, partitions[i]+1)
	}
	bare = r.at
	var points [16]int
	for c := range classes {
		points[c] = r.read(3) + 1
		subclasses := r.read(2)
		if subclasses > 0 {
			r.at += 8
		}
		r.at += 8 << subclasses
	}
	r.at += 2
	width := r.read(4)
	for _, c := range partitions {
		r.at += width * points[c]
	}
	if len(partitions) > 0 {
		return -1
	}
	return bare
}

// withClasses returns the packet with a class of one point, no subclasses and no book, 13 bits, put in
// before each of the bits.
func withClasses(packet []byte, bits []int) []byte {
	if len(bits) == 0 {
		return packet
	}
	const class = 3 + 2 + 8
	out := make([]byte, len(packet)+(class*len(bits)+7)/8)
	r, to := lowBits{b: packet}, 0
	for r.at < 8*len(packet) {
		if len(bits) > 0 && r.at == bits[0] {
			bits = bits[1:]
			to += class
		}
		out[to/8] |= byte(r.read(1) << (to % 8))
		to++
	}
	return out
}

// codebook walks one codebook (Vorbis I, section 3.2.1) and returns how many numbers it has.
func (r *lowBits) codebook() (int, error) {
	if r.read(24) != 0x564342 {
		return 0, errors.New("it does not begin as one")
	}
	dimensions, entries := r.read(16), r.read(24)
	if entries < 1 || entries > mostEntries || dimensions < 1 || dimensions*entries > mostValues {
		return 0, fmt.Errorf("it has %s of %s; want 1 to %d, and at most %d numbers", counted.Of(entries, "entry"), counted.Of(dimensions, "number"), mostEntries, mostValues)
	}
	if err := r.lengths(entries); err != nil {
		return 0, err
	}
	if lookup := r.read(4); lookup > 0 {
		r.read(32)
		r.read(32)
		width := r.read(4) + 1
		r.read(1)
		count := entries * dimensions
		if lookup == 1 {
			count = root(entries, dimensions)
		}
		for range count {
			r.read(width)
		}
	}
	if r.short {
		return 0, errors.New("it is truncated")
	}
	return dimensions * entries, nil
}

// lengths walks the lengths of a codebook's words, which must be those of a whole tree,
// Σ 2^-length = 1, or one word alone. Of others the module that decodes makes no end, or panics.
func (r *lowBits) lengths(entries int) error {
	used, sum := 0, uint64(0) // sum in units of 2^-32
	word := func(length, n int) {
		used += n
		sum += uint64(n) << (32 - length)
	}
	if r.read(1) == 0 {
		sparse := r.read(1) == 1
		for range entries {
			if !sparse || r.read(1) == 1 {
				word(r.read(5)+1, 1)
			}
		}
	} else {
		length := r.read(5) + 1
		for at := 0; at < entries; length++ {
			n := r.read(bits.Len(uint(entries - at)))
			if at += n; at > entries || length > 32 {
				return errors.New("its entries do not add up")
			}
			word(length, n)
		}
	}
	switch {
	case r.short:
		return errors.New("it is truncated")
	case entries == 1 || used == 0:
		return fmt.Errorf("it has %d words for %s; want at least two entries, one of them with a word: %w", used, counted.Of(entries, "entry"), errUnread)
	case used > 1 && sum != 1<<32:
		return errors.New("the lengths of its words are not those of a tree: the file is broken")
	}
	return nil
}

// root is the greatest r with r to the power of n at most x.
func root(x, n int) int {
	r := 1
	for {
		power := 1
		for range n {
			if power *= r + 1; power > x {
				return r
			}
		}
		r++
	}
}

// lowBits reads bits, the least significant of a byte first.
type lowBits struct {
	b     []byte
	at    int // bits
	short bool
}

// read reads n bits, 0 to 32; zeros past the end.
func (r *lowBits) read(n int) int {
	var word [16]byte
	if from := r.at / 8; from < len(r.b) {
		copy(word[:], r.b[from:])
	}
	v := binary.LittleEndian.Uint64(word[:]) >> (r.at % 8) & (1<<n - 1)
	r.at += n
	r.short = r.short || r.at > 8*len(r.b)
	return int(v)
}
