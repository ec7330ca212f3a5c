// Package kernel computes products of matrices, the sums of a multiplicative update,
// element-wise operations, logarithms and exponentials, in float64, and medians of columns of
// float32, with the vector instructions of the machine it runs on. It knows nothing of audio.
//
// Each function has a path for AVX-512, one for AVX2 with FMA, one for the NEON of
// arm64, and one in plain Go; an NMF can have its V in float32, for which there are kernels of AVX-512
// and AVX2, and long rows, which every path widens (see [Long]). The plain one is that against which the tests hold the others, and it runs
// on every other machine. The path is chosen when the program starts; the environment
// variable AUDIOSEP_KERNEL=avx512|avx2|neon|go forces one of the machine's. Results differ between paths
// in the last bits, but not with the number of threads: how a sum is divided into parts does
// not depend on it.
//
// The assembly is written by the generators in gen, a module of its own, and checked in; go
// generate writes it again.
package kernel

//go:generate go -C gen run . -set kernel -out ../kernel_amd64.s -stubs ../kernel_amd64.go -pkg kernel
//go:generate go -C gen run ./neon -set kernel -out ../kernel_arm64.s -stubs ../kernel_arm64.go -pkg kernel
