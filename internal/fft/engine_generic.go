//go:build !amd64

package fft

var engines map[string]*engine
