//go:build !amd64 && !arm64

package fft

var engines map[string]*engine
