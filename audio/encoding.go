package audio

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
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
	return fmt.Sprintf("%d samples are beyond full scale, the peak is %+.2f dBFS", c.samples, c.dBFS())
}

// appendSamples appends the samples from to to-1 of every channel, interleaved. What an
// integer cannot hold is cut to full scale and counted. It fails on what is not finite.
func (e encoding) appendSamples(dst []byte, channels [][]float64, from, to int, clip *clipping) ([]byte, error) {
	greatest := math.MaxFloat64
	if e.float && e.bytes == 4 {
		greatest = math.MaxFloat32
	}
	for t := from; t < to; t++ {
		for c, channel := range channels {
			x := channel[t]
			a := math.Abs(x)
			if !(a <= greatest) {
				return dst, fmt.Errorf("sample %d of channel %d is %g; want a number that %s can hold", t, c, x, e.name)
			}
			clip.peak = max(clip.peak, a)
			switch {
			case e.float && e.bytes == 4:
				dst = binary.LittleEndian.AppendUint32(dst, math.Float32bits(float32(x)))
			case e.float:
				dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(x))
			default:
				dst = e.appendInt(dst, x, clip)
			}
		}
	}
	return dst, nil
}

// appendInt appends x, rounded to the nearest integer, ties to even.
func (e encoding) appendInt(dst []byte, x float64, clip *clipping) []byte {
	full := e.scale()
	i := math.RoundToEven(x * full)
	// Full scale itself loses one step at the positive end: that is rounding, not clipping.
	if math.Abs(i) > full {
		clip.samples++
	}
	v := int32(max(-full, min(full-1, i)))
	if e.bytes == 1 {
		v += 128
	}
	for range e.bytes {
		dst = append(dst, byte(v))
		v >>= 8
	}
	return dst
}
