// Command gen writes the amd64 assembly of packages kernel and fft; neon beside it writes that
// of arm64. They are a module of their own, so that the framework does not depend on what they
// need.
//
//	go run . -set kernel -out ../kernel_amd64.s -stubs ../kernel_amd64.go -pkg kernel
//	go run . -set fft -out ../../fft/fft_amd64.s -stubs ../../fft/fft_amd64.go -pkg fft
package main

import (
	"flag"
	"log"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func main() {
	set := flag.String("set", "kernel", "which functions to write: kernel or fft")
	flag.Parse()
	switch *set {
	case "kernel":
		gemm()
		dots()
		ratios()
		logs()
		elementwise()
		crosses()
		fetch()
		transpose()
	case "fft":
		fft()
	default:
		log.Fatalf("the set is %q; want kernel or fft", *set)
	}
	Generate()
}

// An isa is a vector instruction set. Its methods write what differs between the two, so that
// each algorithm is written once.
type isa struct {
	name  string
	lanes int // float64 in a register
	regs  int
}

var (
	avx2   = isa{"AVX2", 4, 16}
	avx512 = isa{"AVX512", 8, 32}
)

func (s isa) bytes() int { return 8 * s.lanes }

func (s isa) vec() VecVirtual {
	if s.lanes == 8 {
		return ZMM()
	}
	return YMM()
}

func (s isa) vecs(n int) []VecVirtual {
	v := make([]VecVirtual, n)
	for i := range v {
		v[i] = s.vec()
	}
	return v
}

// zero clears v.
func (s isa) zero(v VecVirtual) {
	if s.lanes == 8 {
		VPXORQ(v, v, v)
	} else {
		VPXOR(v, v, v)
	}
}

// at is the i-th vector after address m.
func (s isa) at(m Mem, i int) Mem { return m.Offset(i * s.bytes()) }
