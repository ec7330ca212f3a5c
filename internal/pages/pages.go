// Package pages makes large arrays in large pages where the system lends them: the first touch of
// each page of 4 KiB can cost more than a pass over its numbers, and memory is read ahead no further
// than to the end of one.
package pages

// Floats returns n zeros.
func Floats(n int) []float64 {
	x := make([]float64, n)
	enlarge(x)
	return x
}
