package kernel

// available returns the engines of this machine, the fastest first: every arm64 has NEON.
func available() []*engine { return []*engine{neon, plain} }

var neon = &engine{name: "neon", lanes: 4, gemm: [8][3]func(*uint64){
	{gemmNEON_1x4, gemmNEON_1x8, gemmNEON_1x12},
	{gemmNEON_2x4, gemmNEON_2x8, gemmNEON_2x12},
	{gemmNEON_3x4, gemmNEON_3x8, gemmNEON_3x12},
	{gemmNEON_4x4, gemmNEON_4x8, gemmNEON_4x12},
}, log: logNEON, exp: expNEON, addSquare: addSquareNEON,
	mul: mulNEON, div: divNEON, addPower: addPowerNEON, scale: scaleNEON, scaleRoot: scaleRootNEON}
