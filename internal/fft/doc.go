// Package fft computes discrete Fourier and cosine transforms of any length, many
// frames at once: frames are interleaved, so that a vector holds one number of each
// of several frames, and every transform is the same few passes over such vectors.
// No instruction mixes lanes, so the result of a frame does not depend on the others.
//
// A [Plan] is the passes of one transform: a sparse matrix, a complex DFT, another
// sparse matrix; for lengths with large prime factors there are two DFTs, with a third sparse
// matrix between them. Each of these matrices, for real, cosine and chirped transforms alike,
// has at most four entries in a row. A plan is made by writing the rows down as expressions
// and multiplying the matrices.
package fft

//go:generate go -C ../kernel/gen run . -set fft -out ../../fft/fft_amd64.s -stubs ../../fft/fft_amd64.go -pkg fft
//go:generate go -C ../kernel/gen run ./neon -set fft -out ../../fft/fft_arm64.s -stubs ../../fft/fft_arm64.go -pkg fft
