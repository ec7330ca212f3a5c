package plugins

import (
	"encoding/binary"
	"math"
	"unsafe"
)

// littleEndian says that numbers in memory are as the wire has them.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// encode returns the bytes of x as the wire has them. They may share storage with x.
func encode(x []float64) []byte {
	if littleEndian && len(x) > 0 {
		return unsafe.Slice((*byte)(unsafe.Pointer(&x[0])), 8*len(x))
	}
	b := make([]byte, 0, 8*len(x))
	for _, v := range x {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	return b
}

// decode returns the numbers of b, 8 bytes each. They may share storage with b.
func decode(b []byte) []float64 {
	n := len(b) / 8
	if n == 0 {
		return nil
	}
	if at := unsafe.Pointer(&b[0]); littleEndian && uintptr(at)%8 == 0 {
		return unsafe.Slice((*float64)(at), n)
	}
	x := make([]float64, n)
	for i := range x {
		x[i] = math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:]))
	}
	return x
}

// finite reports whether x has neither NaN nor infinity.
func finite(x []float64) bool {
	var bad float64
	for _, v := range x {
		bad += v * 0
	}
	return bad == 0
}
