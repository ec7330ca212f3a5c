package kernel

import "golang.org/x/sys/cpu"

// available returns the engines of this machine, the fastest first.
func available() []*engine {
	var engines []*engine
	if cpu.X86.HasAVX512F && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512VL && cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		engines = append(engines, avx512)
	}
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		engines = append(engines, avx2)
	}
	return append(engines, plain)
}

var avx512 = &engine{name: "avx512", narrow: avx2, kernels: kernels{lanes: 8, gemm: [8][3]func(*uint64){
	{gemmAVX512_1x8, gemmAVX512_1x16, gemmAVX512_1x24},
	{gemmAVX512_2x8, gemmAVX512_2x16, gemmAVX512_2x24},
	{gemmAVX512_3x8, gemmAVX512_3x16, gemmAVX512_3x24},
	{gemmAVX512_4x8, gemmAVX512_4x16, gemmAVX512_4x24},
	{gemmAVX512_5x8, gemmAVX512_5x16, gemmAVX512_5x24},
	{gemmAVX512_6x8, gemmAVX512_6x16, gemmAVX512_6x24},
	{gemmAVX512_7x8, gemmAVX512_7x16, gemmAVX512_7x24},
	{gemmAVX512_8x8, gemmAVX512_8x16, gemmAVX512_8x24},
}, ratio: [6][2]func(*uint64){
	{ratioAVX512_beta0_8x24, ratioAVX512_beta0_1x24},
	{ratioAVX512_beta0_objective_8x24, ratioAVX512_beta0_objective_1x24},
	{ratioAVX512_beta1_8x24, ratioAVX512_beta1_1x24},
	{ratioAVX512_beta1_objective_8x24, ratioAVX512_beta1_objective_1x24},
	{ratioAVX512_beta_4x24, ratioAVX512_beta_1x24},
	{ratioAVX512_beta_objective_4x24, ratioAVX512_beta_objective_1x24},
}, ratioRows: [6]int{8, 8, 8, 8, 4, 4}, logs: logsAVX512, dot: [2][dotColumns]func(*uint64){
	{dotsAVX512_4x1, dotsAVX512_4x2, dotsAVX512_4x3, dotsAVX512_4x4, dotsAVX512_4x5, dotsAVX512_4x6},
	{dotsAVX512_1x1, dotsAVX512_1x2, dotsAVX512_1x3, dotsAVX512_1x4, dotsAVX512_1x5, dotsAVX512_1x6},
}, dotRows: 4},
	single: kernels{lanes: 16, gemm: [8][3]func(*uint64){
		{2: gemmAVX512Single_1x48},
		{2: gemmAVX512Single_2x48},
		{2: gemmAVX512Single_3x48},
		{2: gemmAVX512Single_4x48},
		{2: gemmAVX512Single_5x48},
		{2: gemmAVX512Single_6x48},
		{2: gemmAVX512Single_7x48},
		{2: gemmAVX512Single_8x48},
	}, ratio: [6][2]func(*uint64){
		{ratioAVX512Single_beta0_8x48, ratioAVX512Single_beta0_1x48},
		{ratioAVX512Single_beta0_objective_8x48, ratioAVX512Single_beta0_objective_1x48},
		{ratioAVX512Single_beta1_8x48, ratioAVX512Single_beta1_1x48},
		{ratioAVX512Single_beta1_objective_8x48, ratioAVX512Single_beta1_objective_1x48},
	}, ratioRows: [6]int{8, 8, 8, 8}, logs: logsAVX512Single, dot: [2][dotColumns]func(*uint64){
		{dotsAVX512Single_4x1, dotsAVX512Single_4x2, dotsAVX512Single_4x3, dotsAVX512Single_4x4, dotsAVX512Single_4x5, dotsAVX512Single_4x6},
		{dotsAVX512Single_1x1, dotsAVX512Single_1x2, dotsAVX512Single_1x3, dotsAVX512Single_1x4, dotsAVX512Single_1x5, dotsAVX512Single_1x6},
	}, dotRows: 4}, toSingle: narrowAVX512, toDouble: widenAVX512,
	log: logAVX512, exp: expAVX512, addSquare: addSquareAVX512,
	mul: mulAVX512, div: divAVX512, addPower: addPowerAVX512, scale: scaleAVX512, scaleRoot: scaleRootAVX512,
	power: powerAVX512, mulSquare: mulSquareAVX512, cross: crossAVX512,
	magnitude: magnitudeAVX512, magnitudes: magnitudesAVX512, most: mostAVX512, exchange: exchangeAVX512, share: shareAVX512,
	add: addAVX512, addMul: addMulAVX512, inverse: inverseAVX512, mask: maskAVX512, maskTwo: maskTwoAVX512, shareOut: shareOutAVX512, part: partAVX512, leave: leaveAVX512,
	medians: mediansAVX512Single, medianColumns: 16,
	transpose8: transpose8, gather8: gather8}

var avx2 = &engine{name: "avx2", kernels: kernels{lanes: 4, gemm: [8][3]func(*uint64){
	{gemmAVX2_1x4, gemmAVX2_1x8, gemmAVX2_1x12},
	{gemmAVX2_2x4, gemmAVX2_2x8, gemmAVX2_2x12},
	{gemmAVX2_3x4, gemmAVX2_3x8, gemmAVX2_3x12},
	{gemmAVX2_4x4, gemmAVX2_4x8, gemmAVX2_4x12},
}, ratio: [6][2]func(*uint64){
	{ratioAVX2_beta0_4x12, ratioAVX2_beta0_1x12},
	{ratioAVX2_beta0_objective_4x12, ratioAVX2_beta0_objective_1x12},
	{ratioAVX2_beta1_4x12, ratioAVX2_beta1_1x12},
	{ratioAVX2_beta1_objective_4x12, ratioAVX2_beta1_objective_1x12},
	{ratioAVX2_beta_2x12, ratioAVX2_beta_1x12},
	{ratioAVX2_beta_objective_2x12, ratioAVX2_beta_objective_1x12},
}, ratioRows: [6]int{4, 4, 4, 4, 2, 2}, logs: logsAVX2, dot: [2][dotColumns]func(*uint64){
	{dotsAVX2_2x1, dotsAVX2_2x2, dotsAVX2_2x3, dotsAVX2_2x4, dotsAVX2_2x5, dotsAVX2_2x6},
	{dotsAVX2_1x1, dotsAVX2_1x2, dotsAVX2_1x3, dotsAVX2_1x4, dotsAVX2_1x5, dotsAVX2_1x6},
}, dotRows: 2},
	single: kernels{lanes: 8, gemm: [8][3]func(*uint64){
		{2: gemmAVX2Single_1x24},
		{2: gemmAVX2Single_2x24},
		{2: gemmAVX2Single_3x24},
		{2: gemmAVX2Single_4x24},
	}, ratio: [6][2]func(*uint64){
		{ratioAVX2Single_beta0_4x24, ratioAVX2Single_beta0_1x24},
		{ratioAVX2Single_beta0_objective_4x24, ratioAVX2Single_beta0_objective_1x24},
		{ratioAVX2Single_beta1_4x24, ratioAVX2Single_beta1_1x24},
		{ratioAVX2Single_beta1_objective_4x24, ratioAVX2Single_beta1_objective_1x24},
	}, ratioRows: [6]int{4, 4, 4, 4}, logs: logsAVX2Single, dot: [2][dotColumns]func(*uint64){
		{dotsAVX2Single_2x1, dotsAVX2Single_2x2, dotsAVX2Single_2x3, dotsAVX2Single_2x4, dotsAVX2Single_2x5, dotsAVX2Single_2x6},
		{dotsAVX2Single_1x1, dotsAVX2Single_1x2, dotsAVX2Single_1x3, dotsAVX2Single_1x4, dotsAVX2Single_1x5, dotsAVX2Single_1x6},
	}, dotRows: 2}, toSingle: narrowAVX2, toDouble: widenAVX2,
	log: logAVX2, exp: expAVX2, addSquare: addSquareAVX2,
	mul: mulAVX2, div: divAVX2, addPower: addPowerAVX2, scale: scaleAVX2, scaleRoot: scaleRootAVX2,
	power: powerAVX2, mulSquare: mulSquareAVX2, cross: crossAVX2,
	magnitude: magnitudeAVX2, magnitudes: magnitudesAVX2, most: mostAVX2, exchange: exchangeAVX2, share: shareAVX2,
	add: addAVX2, addMul: addMulAVX2, inverse: inverseAVX2, mask: maskAVX2, maskTwo: maskTwoAVX2, shareOut: shareOutAVX2, part: partAVX2, leave: leaveAVX2,
	medians: mediansAVX2Single, medianColumns: 8}
