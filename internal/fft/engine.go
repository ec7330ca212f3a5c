package fft

import "github.com/audiosep/audiosep/internal/kernel"

// An engine is the passes for vectors of some width. radix and last, for the last pass, are
// indexed by the radix; where they are nil odd is used.
type engine struct {
	lanes       int // frames in a vector
	plain       bool
	radix, last [9]func(*uint64)
	odd         func(*uint64)
	mix         [5]func(dst, src, table *float64, rows int)
}

// pass returns the kernel of p.
func (e *engine) pass(p *pass) func(*uint64) {
	f := e.odd
	if p.radix < len(e.radix) && e.radix[p.radix] != nil {
		f = e.radix[p.radix]
		if p.m == 1 {
			f = e.last[p.radix]
		}
	}
	return f
}

var plain = &engine{lanes: 4, plain: true}

// current returns the engine for the path of package kernel.
func current() *engine {
	if e, ok := engines[kernel.Path()]; ok {
		return e
	}
	return plain
}
