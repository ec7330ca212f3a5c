package audio

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/audiosep/audiosep/internal/counted"
)

// encoding is how a file stores one sample.
type encoding struct {
	name  string
	bytes int
	float bool
}

// encodings, from the narrowest to the widest.
var encodings = []encoding{
	{"uint8", 1, false},
	{"int16", 2, false},
	{"int24", 3, false},
	{"int32", 4, false},
	{"float32", 4, true},
	{"float64", 8, true},
}

// encodingOf returns the encoding with a size and kind of numbers.
func encodingOf(bytes int, float bool) (encoding, bool) {
	i := slices.IndexFunc(encodings, func(e encoding) bool { return e.bytes == bytes && e.float == float })
	if i < 0 {
		return encoding{}, false
	}
	return encodings[i], true
}

// encodingNamed returns the encoding of a Head or a parameter.
func encodingNamed(name string) (encoding, bool) {
	i := slices.IndexFunc(encodings, func(e encoding) bool { return e.name == name })
	if i < 0 {
		return encoding{}, false
	}
	return encodings[i], true
}

// width orders encodings by how much they hold.
func (e encoding) width() int { return slices.Index(encodings, e) }

// scale is the integer that stands for full scale.
func (e encoding) scale() float64 { return math.Ldexp(1, 8*e.bytes-1) }

// clipping counts the samples that an integer encoding could not hold.
type clipping struct {
	samples int     // cut to full scale
	peak    float64 // the greatest magnitude met; full scale is 1
}

// dBFS is the peak in dB over full scale, rounded for people.
func (c *clipping) dBFS() float64 { return math.Round(2000*math.Log10(c.peak)) / 100 }

func (c *clipping) String() string {
	return fmt.Sprintf("%s beyond full scale, the peak is %+.2f dBFS", counted.Are(c.samples, "sample"), c.dBFS())
}

// appendSamples appends the samples from to to-1 of every channel, interleaved. What an
// integer cannot hold is cut to full scale and counted. It fails on what is not finite.
func (e encoding) appendSamples(dst []byte, channels [][]float64, from, to int, clip *clipping) ([]byte, error) {
	start, step := len(dst), len(channels)*e.bytes
	dst = slices.Grow(dst, (to-from)*step)[:start+(to-from)*step]
	for c, channel := range channels {
		x := channel[from:to]
		if t := e.measure(x, clip); t < len(x) {
			return dst[:start], fmt.Errorf("sample %d of channel %d is %g; want a number that %s can hold", from+t, c, x[t], e.name)
		}
		if to > from {
			e.put(dst[start+c*e.bytes:], step, x, clip)
		}
	}
	return dst, nil
}

// measure takes the peak of x, and returns the place of the first sample that is too great for the
// encoding or not a number; if there is none, the length of x.
func (e encoding) measure(x []float64, clip *clipping) int {
	greatest, peak := math.MaxFloat64, clip.peak
	if e.float && e.bytes == 4 {
		greatest = math.MaxFloat32
	}
	for t, v := range x {
		a := math.Abs(v)
		if !(a <= greatest) {
			return t
		}
		if a > peak {
			peak = a
		}
	}
	clip.peak = peak
	return len(x)
}

// put writes x to dst, a sample every step bytes.
func (e encoding) put(dst []byte, step int, x []float64, clip *clipping) {
	full := e.scale()
	for t, v := range x {
		to := dst[t*step:]
		switch {
		case e.float && e.bytes == 4:
			binary.LittleEndian.PutUint32(to, math.Float32bits(float32(v)))
		case e.float:
			binary.LittleEndian.PutUint64(to, math.Float64bits(v))
		case e.bytes == 1: // which counts from 0 to 255
			to[0] = byte(clip.integer(v, full) + 128)
		case e.bytes == 2:
			binary.LittleEndian.PutUint16(to, uint16(clip.integer(v, full)))
		case e.bytes == 3:
			i := clip.integer(v, full)
			to[0], to[1], to[2] = byte(i), byte(i>>8), byte(i>>16)
		default:
			binary.LittleEndian.PutUint32(to, uint32(clip.integer(v, full)))
		}
	}
}

// integer returns v times full scale, rounded to the nearest integer, ties to even, and cut to what
// there is. Full scale itself loses one step at the positive end: that is rounding, and not counted.
func (c *clipping) integer(v, full float64) int32 {
	i := math.RoundToEven(v * full)
	switch {
	case i > full-1:
		if i > full {
			c.samples++
		}
		i = full - 1
	case i < -full:
		c.samples++
		i = -full
	}
	return int32(i)
}
