package plugins

import (
	"encoding/binary"
	"math"
	"unsafe"

	"gonum.org/v1/gonum/floats"
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
	if sum := floats.Sum(x); sum-sum == 0 { // quick, and certain unless numbers are huge
		return true
	}
	for _, v := range x {
		if v-v != 0 {
			return false
		}
	}
	return true
}

// copyFinite copies len(dst) numbers of src and reports whether they are finite.
func copyFinite(dst, src []float64) bool {
	const part = 2048 // is still in the nearest cache when it is looked at
	ok := true
	for len(dst) > 0 {
		n := copy(dst[:min(part, len(dst))], src)
		ok = finite(dst[:n]) && ok
		dst, src = dst[n:], src[n:]
	}
	return ok
}
