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
		medians()
		fetch()
		transpose()
		conversions()
	case "fft":
		fft()
	default:
		log.Fatalf("the set is %q; want kernel or fft", *set)
	}
	Generate()
}

// An isa is a vector instruction set with numbers of one precision. Its methods write what differs
// between these, so that each algorithm is written once.
type isa struct {
	name  string
	lanes int // numbers in a register
	regs  int
	precision
}

var (
	avx2   = isa{"AVX2", 4, 16, float64s}
	avx512 = isa{"AVX512", 8, 32, float64s}
)

// single returns s with numbers of float32.
func (s isa) single() isa { return isa{s.name + "Single", 2 * s.lanes, s.regs, float32s} }

func singles() []isa    { return []isa{avx2.single(), avx512.single()} }
func everywhere() []isa { return append([]isa{avx2, avx512}, singles()...) }

func (s isa) bytes() int { return s.size * s.lanes }

// wide tells whether s is AVX-512.
func (s isa) wide() bool { return s.regs == 32 }

// rows returns the most rows of a panel of a product, the sums of which the registers hold.
func (s isa) rows() int { return s.regs / 4 }

// flush has numbers below the least normal one taken as 0 from here on, and returns what writes the
// end of that. In float32 they are not out of the way, and the processor takes a hundred cycles for
// each. In float64 both write nothing.
func (s isa) flush() (restore func()) {
	if s.size == 8 {
		return func() {}
	}
	const inputs, results = 1 << 6, 1 << 15
	before := AllocLocal(8)
	now := before.Offset(4)
	bits := GP32()
	VSTMXCSR(before)
	MOVL(before, bits)
	ORL(U32(inputs|results), bits)
	MOVL(bits, now)
	VLDMXCSR(now)
	return func() { VLDMXCSR(before) }
}

func (s isa) vec() VecVirtual {
	if s.wide() {
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
	if s.wide() {
		VPXORQ(v, v, v)
	} else {
		VPXOR(v, v, v)
	}
}

// at is the i-th vector after address m.
func (s isa) at(m Mem, i int) Mem { return m.Offset(i * s.bytes()) }
