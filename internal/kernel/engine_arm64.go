package kernel

// available returns the engines of this machine, the fastest first: every arm64 has NEON.
func available() []*engine { return []*engine{neon, plain} }

var neon = &engine{name: "neon", kernels: kernels{lanes: 4, gemm: [8][3]func(*uint64){
	{gemmNEON_1x4, gemmNEON_1x8, gemmNEON_1x12},
	{gemmNEON_2x4, gemmNEON_2x8, gemmNEON_2x12},
	{gemmNEON_3x4, gemmNEON_3x8, gemmNEON_3x12},
	{gemmNEON_4x4, gemmNEON_4x8, gemmNEON_4x12},
}, ratio: [6][2]func(*uint64){
	{ratioNEON_beta0_4x12, ratioNEON_beta0_1x12},
	{ratioNEON_beta0_objective_4x12, ratioNEON_beta0_objective_1x12},
	{ratioNEON_beta1_4x12, ratioNEON_beta1_1x12},
	{ratioNEON_beta1_objective_4x12, ratioNEON_beta1_objective_1x12},
	{ratioNEON_beta_2x12, ratioNEON_beta_1x12},
	{ratioNEON_beta_objective_2x12, ratioNEON_beta_objective_1x12},
}, ratioRows: [6]int{4, 4, 4, 4, 2, 2}, logs: logsNEON, dot: [2][dotColumns]func(*uint64){
	{dotsNEON_2x1, dotsNEON_2x2, dotsNEON_2x3, dotsNEON_2x4, dotsNEON_2x5, dotsNEON_2x6},
	{dotsNEON_1x1, dotsNEON_1x2, dotsNEON_1x3, dotsNEON_1x4, dotsNEON_1x5, dotsNEON_1x6},
}, dotRows: 2},
	log: logNEON, exp: expNEON, addSquare: addSquareNEON,
	mul: mulNEON, div: divNEON, addPower: addPowerNEON, scale: scaleNEON, scaleRoot: scaleRootNEON,
	power: powerNEON, mulSquare: mulSquareNEON, cross: crossNEON,
	magnitude: magnitudeNEON, magnitudes: magnitudesNEON, most: mostNEON, exchange: exchangeNEON, share: shareNEON,
	add: addNEON, addMul: addMulNEON, inverse: inverseNEON, mask: maskNEON, maskTwo: maskTwoNEON, shareOut: shareOutNEON, part: partNEON, leave: leaveNEON,
	medians: mediansNEON, medianColumns: 16, toDouble: widenNEON}
