// Package huge makes the large arrays of the project.
package huge

// least is the size in bytes from which pages of 2 MiB are worth asking for: at least one whole
// page lies within it wherever it begins.
const least = 4 << 20

// Floats returns n zeros. Large ones lie in pages of 2 MiB where the system gives them when asked
// (Linux with transparent_hugepage set to madvise): the first touch of each page costs time, and
// there are 512 times as many pages of 4 KiB.
func Floats(n int) []float64 {
	x := make([]float64, n)
	if n*8 >= least {
		advise(x)
	}
	return x
}
