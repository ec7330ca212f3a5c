// Package fft computes discrete Fourier and cosine transforms of any length, many
// frames at once: frames are interleaved, so that a vector holds one number of each
// of several frames, and every transform is the same few passes over such vectors.
// No instruction mixes lanes, so a frame's result does not depend on its company.
//
// A [Plan] is the passes of one transform: a sparse matrix, a complex DFT, another
// sparse matrix (between two DFTs for lengths with large prime factors). What is
// before and after the DFT in every real, cosine or chirped transform is a matrix
// with at most four entries a row; plans are made by writing those rows down as
// expressions, and composing them.
package fft

//go:generate go -C ../kernel/gen run . -set fft -out ../../fft/fft_amd64.s -stubs ../../fft/fft_amd64.go -pkg fft
//go:generate go -C ../kernel/gen run ./neon -set fft -out ../../fft/fft_arm64.s -stubs ../../fft/fft_arm64.go -pkg fft
