package flac

import (
	"crypto/md5"
	"encoding"
	"encoding/binary"
	"errors"
	"hash"
	"math"
	"math/bits"
)

// BlockSize is how many samples a frame has that is written, but for the last: as many as the
// reference encoder's.
const BlockSize = 4096

// Encoder encodes recordings of 8 to 24 bits, frame by frame: each channel, or sum and
// difference of two, by the fixed predictor (RFC 9639, section 9.2.5) whose residual is
// shortest.
type Encoder struct {
	Info
	sum    hash.Hash
	raw    []byte
	number uint64
	side   [2][]int32 // mid and side of two channels
	resid  [5][]int64 // by predictor
	w      writer
}

// NewEncoder returns an Encoder of recordings that i describes.
func NewEncoder(i Info) *Encoder { return &Encoder{Info: i, sum: md5.New()} }

// MarshalBinary returns what UnmarshalBinary needs to go on after the frames so far: how many there
// are, and the MD5 sum of their samples.
func (e *Encoder) MarshalBinary() ([]byte, error) {
	sum, err := e.sum.(encoding.BinaryMarshaler).MarshalBinary()
	return append(binary.LittleEndian.AppendUint64(nil, e.number), sum...), err
}

// UnmarshalBinary has a new Encoder go on where another was.
func (e *Encoder) UnmarshalBinary(b []byte) error {
	if len(b) < 8 {
		return errors.New("the state of an encoder is cut short")
	}
	e.number = binary.LittleEndian.Uint64(b)
	return e.sum.(encoding.BinaryUnmarshaler).UnmarshalBinary(b[8:])
}

// AppendInfo appends a STREAMINFO block of what has been encoded so far.
func (e *Encoder) AppendInfo(b []byte) []byte {
	be := binary.BigEndian
	b = be.AppendUint16(b, BlockSize)
	b = be.AppendUint16(b, BlockSize)
	b = append(b, make([]byte, 6)...) // the lengths of frames are not told
	b = be.AppendUint64(b, uint64(e.Rate)<<44|uint64(e.Channels-1)<<41|uint64(e.Bits-1)<<36|uint64(e.Samples))
	return e.sum.Sum(b)
}

// Append appends the next frame, of x[channel][sample], at most BlockSize samples.
func (e *Encoder) Append(b []byte, x [][]int32) []byte {
	e.hash(x)
	n := len(x[0])
	e.w = writer{b: b}
	parts, stereo := e.decorrelate(x)
	e.header(n, stereo)
	for c, p := range parts {
		width := e.Bits
		if stereo != 0 && (c == 0) == (stereo == sideRight) {
			width++
		}
		e.subframe(p, width)
	}
	e.w.align()
	sum := CRC16(0, e.w.b[len(b):]...)
	e.number++
	return binary.BigEndian.AppendUint16(e.w.b, sum)
}

// hash goes on with the MD5 sum of the samples, little-endian.
func (e *Encoder) hash(x [][]int32) {
	e.raw = e.raw[:0]
	for t := range x[0] {
		for _, channel := range x {
			for i := 0; i < e.Bits; i += 8 {
				e.raw = append(e.raw, byte(channel[t]>>i))
			}
		}
	}
	e.sum.Write(e.raw)
}

// decorrelate returns what is coded for the channels: themselves, or for two of them the pair
// of left, right, mid and side whose second differences are smallest.
func (e *Encoder) decorrelate(x [][]int32) (parts [][]int32, stereo int) {
	if len(x) != 2 {
		return x, 0
	}
	left, right := x[0], x[1]
	mid, side := resize(e.side[0], len(left)), resize(e.side[1], len(left))
	e.side = [2][]int32{mid, side}
	for t, l := range left {
		mid[t], side[t] = (l+right[t])>>1, l-right[t]
	}
	l, r, m, s := roughness(left), roughness(right), roughness(mid), roughness(side)
	switch least := min(l+r, l+s, r+s, m+s); least {
	case l + r:
		return x, 0
	case m + s:
		return [][]int32{mid, side}, midSide
	case l + s:
		return [][]int32{left, side}, leftSide
	default:
		return [][]int32{side, right}, sideRight
	}
}

// roughness is about how many bits the residual of a channel takes.
func roughness(x []int32) float64 {
	sum := 1.0
	for t := 2; t < len(x); t++ {
		d := int64(x[t]) - 2*int64(x[t-1]) + int64(x[t-2])
		sum += float64(max(d, -d))
	}
	return math.Log2(sum)
}

func (e *Encoder) header(n, stereo int) {
	from := len(e.w.b)
	e.w.write(0xFFF8, 16) // blocks of one length
	block, rate := 7, e.rateCode()
	if n == BlockSize {
		block = 12
	}
	e.w.write(uint64(block), 4)
	e.w.write(uint64(rate), 4)
	if stereo == 0 {
		stereo = e.Channels - 1
	}
	e.w.write(uint64(stereo), 4)
	e.w.write(uint64(map[int]int{8: 1, 16: 4, 24: 6}[e.Bits]), 3)
	e.w.write(0, 1)
	e.w.number(e.number)
	if block == 7 {
		e.w.write(uint64(n-1), 16)
	}
	switch rate {
	case 12:
		e.w.write(uint64(e.Rate/1000), 8)
	case 13:
		e.w.write(uint64(e.Rate), 16)
	case 14:
		e.w.write(uint64(e.Rate/10), 16)
	}
	e.w.write(uint64(crc8(e.w.b[from:])), 8)
}

// rateCode says how a header tells the rate; 0: it does not, STREAMINFO alone does.
func (e *Encoder) rateCode() int {
	for code, rate := range knownRates {
		if code > 0 && rate == e.Rate {
			return code
		}
	}
	switch r := e.Rate; {
	case r%1000 == 0 && r <= 255000:
		return 12
	case r <= 65535:
		return 13
	case r%10 == 0 && r <= 655350:
		return 14
	}
	return 0
}

// number writes a number as UTF-8 codes letters, up to 36 bits.
func (w *writer) number(n uint64) {
	if n < 0x80 {
		w.write(n, 8)
		return
	}
	more := 1 // bytes behind the first
	for n>>(6*more+6-more) != 0 {
		more++
	}
	w.write(0xFF<<(7-more)&0xFF|n>>(6*more), 8)
	for more--; more >= 0; more-- {
		w.write(0x80|n>>(6*more)&0x3F, 8)
	}
}

// subframe writes one channel.
func (e *Encoder) subframe(x []int32, width int) {
	w := &e.w
	if constant(x) {
		w.write(0, 8)
		w.signed(int64(x[0]), width)
		return
	}
	order := e.predict(x)
	best := e.partition(e.resid[order][order:], order, len(x))
	if best.bits+order*width >= len(x)*width {
		w.write(1<<1, 8)
		for _, v := range x {
			w.signed(int64(v), width)
		}
		return
	}
	w.write(uint64(8+order)<<1, 8)
	for _, v := range x[:order] {
		w.signed(int64(v), width)
	}
	e.residual(e.resid[order][order:], order, len(x), best)
}

func constant(x []int32) bool {
	for _, v := range x {
		if v != x[0] {
			return false
		}
	}
	return true
}

// predict fills e.resid and returns the order of the predictor whose residual is smallest.
func (e *Encoder) predict(x []int32) (best int) {
	least := uint64(1<<64 - 1)
	for order := range e.resid {
		r := resize(e.resid[order], len(x))
		e.resid[order] = r
		if order >= len(x) {
			break
		}
		var sum uint64
		for t := order; t < len(x); t++ {
			if order == 0 {
				r[t] = int64(x[t])
			} else {
				last := e.resid[order-1]
				r[t] = last[t] - last[t-1]
			}
			sum += uint64(max(r[t], -r[t]))
		}
		if sum < least {
			best, least = order, sum
		}
	}
	return best
}

// rice is how a residual is coded: in 2^order partitions of a parameter each.
type rice struct {
	order, bits int
	k           [1 << mostPartitions]int
}

const mostPartitions = 6 // as an order

// partition finds the shortest code of a residual that follows skip samples in a block of n.
func (e *Encoder) partition(r []int64, skip, n int) (best rice) {
	best.bits = 1 << 62
	for order := 0; order <= mostPartitions && n>>order<<order == n && n>>order > skip; order++ {
		try := rice{order: order, bits: 6}
		size := n >> order
		for p, from := 0, 0; p < 1<<order; p++ {
			to := (p+1)*size - skip
			var bits int
			try.k[p], bits = riceBits(r[from:to])
			try.bits += 5 + bits
			from = to
		}
		if try.bits < best.bits {
			best = try
		}
	}
	return best
}

// riceBits returns the parameter that codes a partition in about the fewest bits, and how many:
// the magnitudes' mean tells.
func riceBits(r []int64) (k, n int) {
	var sum uint64
	for _, v := range r {
		sum += folded(v)
	}
	mean := sum / uint64(len(r))
	k = min(max(bits.Len64(mean)-1, 0), 30)
	return k, len(r)*(k+1) + int(sum>>k)
}

// folded has the sign of a number in its last bit.
func folded(v int64) uint64 { return uint64(v<<1 ^ v>>63) }

func (e *Encoder) residual(r []int64, skip, n int, c rice) {
	w := &e.w
	w.write(1, 2) // parameters of five bits
	w.write(uint64(c.order), 4)
	size := n >> c.order
	for p, from := 0, 0; p < 1<<c.order; p++ {
		to, k := (p+1)*size-skip, c.k[p]
		w.write(uint64(k), 5)
		for _, v := range r[from:to] {
			u := folded(v)
			for q := u >> k; q > 0; {
				zeros := min(q, 32)
				w.write(0, int(zeros))
				q -= zeros
			}
			w.write(1, 1)
			w.write(u&(1<<k-1), k)
		}
		from = to
	}
}

// writer writes bits, the most significant of a byte first.
type writer struct {
	b     []byte
	cache uint64
	have  int // bits in cache, fewer than 8 between calls
}

// write writes the lower n bits of v, at most 48; the others must be 0.
func (w *writer) write(v uint64, n int) {
	w.cache = w.cache<<n | v
	for w.have += n; w.have >= 8; w.have -= 8 {
		w.b = append(w.b, byte(w.cache>>(w.have-8)))
	}
}

func (w *writer) signed(v int64, n int) { w.write(uint64(v)&(1<<n-1), n) }

// align fills the last byte with zeros.
func (w *writer) align() { w.write(0, (8-w.have)&7) }
