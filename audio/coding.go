package audio

import "slices"

// coding is how a file stores the samples of an encoding; the zero value is as WAV does:
// little-endian, 8 bits from 0 to 255.
type coding int

const (
	plain     coding = iota
	bigEndian        // most significant byte first
	signed8          // 8 bits from -128 to 127
	aLaw             // 8 bits for int16, ITU-T G.711
	muLaw
)

// width is the number of bytes that a sample takes, of so many in its encoding.
func (c coding) width(bytes int) int {
	if c == aLaw || c == muLaw {
		return 1
	}
	return bytes
}

// toPlain writes stored samples of an encoding with so many bytes to dst as WAV stores them.
func (c coding) toPlain(dst, stored []byte, bytes int) {
	switch c {
	case bigEndian:
		for i := 0; i < len(dst); i += bytes {
			for j := range bytes {
				dst[i+j] = stored[i+bytes-1-j]
			}
		}
	case signed8:
		for i, b := range stored {
			dst[i] = b ^ 0x80
		}
	case aLaw:
		expand(dst, stored, &aLawTable)
	case muLaw:
		expand(dst, stored, &muLawTable)
	}
}

func expand(dst, stored []byte, table *[256]int16) {
	for i, b := range stored {
		v := uint16(table[b])
		dst[2*i], dst[2*i+1] = byte(v), byte(v>>8)
	}
}

var aLawTable, muLawTable = lawTables()

// lawTables returns what each byte of A-law and µ-law stands for, 13 and 14 bits at the
// upper end of 16 (ITU-T G.711, tables 1a to 2b): a sign, an exponent of 3 bits, a mantissa
// of 4. A-law inverts every second bit, µ-law all.
func lawTables() (a, mu [256]int16) {
	for i := range 256 {
		b := byte(i) ^ 0x55
		exponent, mantissa := int(b>>4&7), int(b&15)
		v := mantissa<<4 + 8
		if exponent > 0 {
			v = (v + 0x100) << (exponent - 1)
		}
		if b&0x80 == 0 {
			v = -v
		}
		a[i] = int16(v)

		b = ^byte(i)
		exponent, mantissa = int(b>>4&7), int(b&15)
		v = (mantissa<<3+0x84)<<exponent - 0x84
		if b&0x80 != 0 {
			v = -v
		}
		mu[i] = int16(v)
	}
	return a, mu
}

// fromPlain makes samples as WAV stores them, of so many bytes, those that the coding stores,
// in place. A-law and µ-law are not written.
func (c coding) fromPlain(b []byte, bytes int) {
	switch c {
	case bigEndian:
		for s := range slices.Chunk(b, bytes) {
			slices.Reverse(s)
		}
	case signed8:
		for i := range b {
			b[i] ^= 0x80
		}
	}
}
