package flac

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
)

// MaxFrame returns the greatest length in bytes that a frame of block samples can have and
// be worth it: each sample as it is, with one bit more for a side channel.
func (i Info) MaxFrame(block int) int {
	return MaxHeader + 2 + i.Channels*(8+(block*(i.Bits+1)+7)/8)
}

// Decoder decodes frame after frame. The zero Decoder works.
type Decoder struct {
	Samples [8][]int32 // [channel][sample] of the frame decoded last
	wide    [2][]int64 // with the bit that a side channel has more
	bits    reader
}

// Decode decodes the frame at the start of b, of a header that Parse returned, and returns its
// length in bytes.
func (d *Decoder) Decode(i Info, h Header, b []byte) (int, error) {
	d.bits = reader{b: b, at: h.Bytes}
	for c := range i.Channels {
		d.Samples[c] = resize(d.Samples[c], h.Block)
		x := &d.wide[c&1]
		*x = resize(*x, h.Block)
		width := i.Bits
		if h.stereo != 0 && (c == 0) == (h.stereo == sideRight) {
			width++
		}
		if err := d.subframe(*x, width); err != nil {
			return 0, fmt.Errorf("channel %d: %w", c, err)
		}
		if h.stereo == 0 {
			narrow(d.Samples[c], *x)
		}
	}
	if h.stereo != 0 {
		d.correlate(h.stereo)
	}
	d.bits.align()
	n := d.bits.at + 2
	if d.bits.short || n > len(b) {
		return 0, errShort
	}
	if CRC16(0, b[:n]...) != 0 {
		return 0, errors.New("its checksum is wrong")
	}
	return n, nil
}

var errShort = errors.New("the frame is truncated")

func resize[T any](x []T, n int) []T {
	if cap(x) < n {
		return make([]T, n)
	}
	return x[:n]
}

func narrow(dst []int32, src []int64) {
	for t, v := range src {
		dst[t] = int32(v)
	}
}

// correlate makes left and right of what stands in d.wide (RFC 9639, section 4.2).
func (d *Decoder) correlate(stereo int) {
	for t, a := range d.wide[0] {
		b := d.wide[1][t]
		switch stereo {
		case leftSide:
			b = a - b
		case sideRight:
			a += b
		default:
			mid := a<<1 | b&1
			a, b = (mid+b)>>1, (mid-b)>>1
		}
		d.Samples[0][t], d.Samples[1][t] = int32(a), int32(b)
	}
}

// subframe decodes one channel (RFC 9639, section 9.2).
func (d *Decoder) subframe(x []int64, width int) error {
	r := &d.bits
	kind := int(r.read(8))
	wasted := 0
	if kind&1 != 0 {
		wasted = r.unary() + 1
	}
	if kind&0x80 != 0 || wasted >= width {
		return errors.New("its subframe is none")
	}
	width -= wasted
	var err error
	switch kind = kind >> 1; {
	case kind == 0:
		v := r.signed(width)
		for t := range x {
			x[t] = v
		}
	case kind == 1:
		for t := range x {
			x[t] = r.signed(width)
		}
	case kind >= 8 && kind <= 12:
		err = d.fixed(x, kind-8, width)
	case kind >= 32:
		err = d.linear(x, kind-31, width)
	default:
		err = fmt.Errorf("subframe type %d is reserved", kind)
	}
	if err == nil && r.short {
		err = errShort
	}
	for t := range x {
		x[t] <<= wasted
	}
	return err
}

// fixed undoes differences of the order-th degree.
func (d *Decoder) fixed(x []int64, order, width int) error {
	if err := d.residual(x, order, width); err != nil {
		return err
	}
	for t := order; t < len(x); t++ {
		switch order {
		case 1:
			x[t] += x[t-1]
		case 2:
			x[t] += 2*x[t-1] - x[t-2]
		case 3:
			x[t] += 3*x[t-1] - 3*x[t-2] + x[t-3]
		case 4:
			x[t] += 4*x[t-1] - 6*x[t-2] + 4*x[t-3] - x[t-4]
		}
	}
	return nil
}

// linear undoes linear prediction from order samples.
func (d *Decoder) linear(x []int64, order, width int) error {
	r := &d.bits
	if err := d.warmUp(x, order, width); err != nil {
		return err
	}
	precision := int(r.read(4)) + 1
	shift := r.signed(5)
	if precision == 16 || shift < 0 {
		return errors.New("its predictor is none")
	}
	var store [32]int64
	a := store[:order]
	for i := range a {
		a[order-1-i] = r.signed(precision)
	}
	if err := d.residuals(x, order); err != nil {
		return err
	}
	for t := order; t < len(x); t++ {
		var sum int64
		for i, v := range x[t-order : t] {
			sum += a[i] * v
		}
		x[t] += sum >> shift
	}
	return nil
}

func (d *Decoder) residual(x []int64, order, width int) error {
	if err := d.warmUp(x, order, width); err != nil {
		return err
	}
	return d.residuals(x, order)
}

// warmUp reads the samples before the first that is predicted.
func (d *Decoder) warmUp(x []int64, order, width int) error {
	if order > len(x) {
		return fmt.Errorf("its predictor needs %d samples; the block has %d", order, len(x))
	}
	for t := range order {
		x[t] = d.bits.signed(width)
	}
	return nil
}

// residuals reads Rice codes into x from sample order on (RFC 9639, section 9.2.7).
func (d *Decoder) residuals(x []int64, order int) error {
	r := &d.bits
	method, partitions := int(r.read(2)), 1<<r.read(4)
	if method > 1 {
		return errors.New("the coding of its residual is reserved")
	}
	width := 4 + method
	size := len(x) / partitions
	if size*partitions != len(x) || size < order {
		return fmt.Errorf("%d samples are said to be in %d partitions", len(x), partitions)
	}
	for from, to := order, size; to <= len(x); from, to = to, to+size {
		k := int(r.read(width))
		if k == 1<<width-1 {
			plain := int(r.read(5))
			for t := from; t < to; t++ {
				x[t] = r.signed(plain)
			}
		} else {
			r.rice(x[from:to], k)
		}
		if r.short {
			return errShort
		}
	}
	return nil
}

// reader reads bits, the most significant of a byte first. Past the end it reads zeros and
// short is true.
type reader struct {
	b     []byte
	at    int    // the next byte that is not in cache
	cache uint64 // bits not read yet, at its upper end
	have  int    // of them
	short bool
}

// fill has at least 56 bits in the cache, zeros past the end.
func (r *reader) fill() {
	if r.at+8 <= len(r.b) {
		r.cache |= binary.BigEndian.Uint64(r.b[r.at:]) >> r.have
		n := (63 - r.have) >> 3
		r.at += n
		r.have += n << 3
		return
	}
	for r.have <= 56 {
		if r.at < len(r.b) {
			r.cache |= uint64(r.b[r.at]) << (56 - r.have)
		} else if r.at > len(r.b)+8 {
			r.short = true
		}
		r.at++
		r.have += 8
	}
}

// read reads n bits, at most 33.
func (r *reader) read(n int) uint64 {
	if r.have < n {
		r.fill()
	}
	v := r.cache >> 1 >> (63 - n)
	r.cache <<= n
	r.have -= n
	return v
}

// signed reads a number of n bits, 0 to 33, in two's complement.
func (r *reader) signed(n int) int64 {
	return int64(r.read(n)<<(64-n)) >> (64 - n)
}

// unary reads zeros up to a one, and returns how many.
func (r *reader) unary() (n int) {
	for !r.short {
		if r.have < 32 {
			r.fill()
		}
		zeros := bits.LeadingZeros64(r.cache)
		if zeros < r.have {
			r.cache = r.cache << zeros << 1
			r.have -= zeros + 1
			return n + zeros
		}
		n += r.have
		r.cache, r.have = 0, 0
	}
	return 0
}

// rice reads residuals whose lower k bits stand plain behind the rest in unary, the sign
// last.
func (r *reader) rice(x []int64, k int) {
	for t := range x {
		v := uint64(r.unary())<<k | r.read(k)
		x[t] = int64(v>>1) ^ -int64(v&1)
	}
}

// align goes to the next whole byte.
func (r *reader) align() {
	r.at -= r.have / 8
	r.cache, r.have = 0, 0
}
