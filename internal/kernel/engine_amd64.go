package kernel

import "golang.org/x/sys/cpu"

// available returns the engines of this machine, the fastest first.
func available() []*engine {
	var engines []*engine
	if cpu.X86.HasAVX512F && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512VL && cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		engines = append(engines, &engine{name: "avx512", lanes: 8, gemm: [4][3]func(*uint64){
			{gemmAVX512_1x8, gemmAVX512_1x16, gemmAVX512_1x24},
			{gemmAVX512_2x8, gemmAVX512_2x16, gemmAVX512_2x24},
			{gemmAVX512_4x8, gemmAVX512_4x16, gemmAVX512_4x24},
			{gemmAVX512_8x8, gemmAVX512_8x16, gemmAVX512_8x24},
		}})
	}
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		engines = append(engines, &engine{name: "avx2", lanes: 4, gemm: [4][3]func(*uint64){
			{gemmAVX2_1x4, gemmAVX2_1x8, gemmAVX2_1x12},
			{gemmAVX2_2x4, gemmAVX2_2x8, gemmAVX2_2x12},
			{gemmAVX2_4x4, gemmAVX2_4x8, gemmAVX2_4x12},
		}})
	}
	return append(engines, plain)
}
