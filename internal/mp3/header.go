// Package mp3 decodes frames of MPEG-1, MPEG-2 and MPEG-2.5 audio, layer III (ISO/IEC 11172-3 and
// 13818-3), in float64. It reads no more than the frame that it is given, and what it kept of
// those before.
package mp3

import "errors"

// ErrIntensity is what Decode returns for intensity stereo, which no encoder in use writes.
var ErrIntensity = errors.New("the frame is in intensity stereo")

// Header is what the four bytes before a frame say.
type Header struct {
	Rate     int  // Hz
	Channels int  // 1 or 2
	Bytes    int  // of the frame, with these; 0 where the bit rate is free
	Samples  int  // per channel: 1152, or 576 in MPEG-2
	Side     int  // bytes of side information
	CRC      int  // bytes of a checksum
	sum      bool // the channels are sum and difference
	angles   bool // intensity stereo
	low      bool // MPEG-2 or 2.5
	bands    int  // which of the tables of bands
}

// bitRates in kbit/s, of MPEG-1 and of MPEG-2.
var bitRates = [2][15]int{
	{0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320},
	{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160},
}

// Parse reads the header of a frame of layer III; not ok if there is none at the start of b.
func Parse(b []byte) (h Header, ok bool) {
	if len(b) < 4 || b[0] != 0xFF || b[1]&0xE6 != 0xE2 || b[2]>>4 == 15 || b[2]>>2&3 == 3 || b[1]>>3&3 == 1 {
		return h, false
	}
	version := 3 - int(b[1]>>3&3) // 0: MPEG-1, 1: MPEG-2, 3: MPEG-2.5
	h.Rate = [3]int{44100, 48000, 32000}[b[2]>>2&3]
	h.bands = int(b[2]>>2&3) + 3*min(version, 2)
	h.Samples, h.Channels, h.Side = 1152, 2, 32
	table := 0
	if version > 0 {
		h.low, h.Rate, h.Samples, h.Side, table = true, h.Rate/2, 576, 17, 1
	}
	if version == 3 {
		h.Rate /= 2
	}
	if b[3]>>6 == 3 {
		h.Channels, h.Side = 1, h.Side/2+1
	}
	if b[3]>>6 == 1 {
		h.sum, h.angles = b[3]&0x20 != 0, b[3]&0x10 != 0
	}
	if b[1]&1 == 0 {
		h.CRC = 2
	}
	rate := bitRates[table][b[2]>>4]
	if rate == 0 {
		return h, true
	}
	h.Bytes = h.Samples/8*1000*rate/h.Rate + int(b[2]>>1&1)
	return h, h.Bytes > 4+h.CRC+h.Side
}

// granule is the side information of one channel of 576 samples (section 2.4.1.7).
type granule struct {
	bits       int // of scale factors and codes together
	big        int // pairs of values that are coded big
	gain       int
	factors    int // scalefac_compress: how many bits they have
	switched   bool
	kind       int // of block: 0 long, 1 start, 2 short, 3 stop
	mixed      bool
	tables     [3]int
	subgain    [3]int
	regions    [2]int // bands in the first two regions, less one
	pre        bool
	coarse     bool // the scale factors count double
	quads      int  // 0: table A, 1: B
	scalefacts [39]int
}

// sideInfo reads the side information of all granules; share tells which of the first
// granule's scale factors the second takes over.
func (h Header) sideInfo(r *bitReader, gr *[2][2]granule) (back int, share [2][4]bool) {
	granules := 2
	if h.low {
		granules = 1
		back = r.read(8)
		r.read(h.Channels)
	} else {
		back = r.read(9)
		r.read(7 - 2*h.Channels)
		for c := range h.Channels {
			for i := range share[c] {
				share[c][i] = r.read(1) == 1
			}
		}
	}
	for n := range granules {
		for c := range h.Channels {
			gr[n][c].read(r, h.low)
		}
	}
	return back, share
}

func (g *granule) read(r *bitReader, low bool) {
	*g = granule{bits: r.read(12), big: r.read(9), gain: r.read(8)}
	if low {
		g.factors = r.read(9)
	} else {
		g.factors = r.read(4)
	}
	if g.switched = r.read(1) == 1; g.switched {
		g.kind, g.mixed = r.read(2), r.read(1) == 1
		g.tables[0], g.tables[1] = r.read(5), r.read(5)
		for i := range g.subgain {
			g.subgain[i] = r.read(3)
		}
	} else {
		for i := range g.tables {
			g.tables[i] = r.read(5)
		}
		g.regions[0], g.regions[1] = r.read(4), r.read(3)
	}
	if !low {
		g.pre = r.read(1) == 1
	}
	g.coarse, g.quads = r.read(1) == 1, r.read(1)
}

// short tells whether the granule has short blocks, but for the lowest bands of mixed ones.
func (g *granule) short() bool { return g.switched && g.kind == 2 }

// bitReader reads bits, the most significant of a byte first; zeros past the end.
type bitReader struct {
	b  []byte
	at int // bits
}

// read reads n bits, at most 24.
func (r *bitReader) read(n int) int {
	v := 0
	for i := r.at >> 3; i < (r.at+n+7)>>3; i++ {
		v <<= 8
		if i < len(r.b) {
			v |= int(r.b[i])
		}
	}
	r.at += n
	return v >> (-r.at & 7) & (1<<n - 1)
}
