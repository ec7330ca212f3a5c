// Package huge makes the large arrays of the project.
package huge

import "unsafe"

// least is the size in bytes from which pages of 2 MiB are worth asking for: at least one whole
// page lies within it wherever it begins.
const least = 4 << 20

// Floats returns n zeros. Large ones lie in pages of 2 MiB where the system gives them when asked
// (Linux with transparent_hugepage set to madvise): the first touch of each page costs time, and
// there are 512 times as many pages of 4 KiB.
func Floats(n int) []float64 { return numbers[float64](n) }

// Float32s returns the same in half the precision.
func Float32s(n int) []float32 { return numbers[float32](n) }

func numbers[T float32 | float64](n int) []T {
	x := make([]T, n)
	if size := n * int(unsafe.Sizeof(*new(T))); size >= least {
		advise(unsafe.Slice((*byte)(unsafe.Pointer(&x[0])), size))
	}
	return x
}
