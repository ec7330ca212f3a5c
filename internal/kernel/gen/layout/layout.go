// Package layout is what the generators of both architectures know of the arguments of
// the kernels, and the coefficients that their logarithms share.
package layout

// Places of a tile's fields, in words.
const (
	TileK = iota
	TilePanels
	TileA
	TileRS
	TileCS
	TilePS
	TileB
	TileBS
	TileC
	TileLdc
	TileAlpha
	TileAdd
)

// Places of what a ratioTile has beyond the tile, in words.
const (
	RatioQ    = 12 // bytes from P to Q
	RatioV    = 13
	RatioLdv  = 14
	RatioAt   = 15 // bytes from V to the panel: the argument never points beyond V
	RatioEps  = 16
	RatioSum  = 40
	RatioMant = 64
	RatioExp  = 88

	RatioBeta2   = 112 // β-2
	RatioBeta    = 113
	RatioBeta1   = 114 // β-1
	RatioInverse = 115 // 1/(β(β-1))
	RatioZero    = 116 // 0^β
	RatioSeries  = 117 // three coefficients
)

// Places of a dotTile's fields, in words.
const (
	DotStrips = iota
	DotPanels
	DotA
	DotARS
	DotAS
	DotAPS
	DotB
	DotBRS
	DotBS
	DotC
	DotCRS
)

// DotColumns is the most rows of B in a panel of a dotTile.
const DotColumns = 6

// AnyBeta stands for the kernels that raise to powers.
const AnyBeta = 2

// Places of a pass's fields, in words.
const (
	PassX = iota
	PassY
	PassM
	PassS
	PassTwiddle
	PassRadix
	PassTrig
	PassScratch
)

// LogCoefficients are those of fdlibm's __ieee754_log, Lg7 first.
var LogCoefficients = []float64{
	1.479819860511658591e-01, 1.531383769920937332e-01, 1.818357216161805012e-01, 2.222219843214978396e-01,
	2.857142874366239149e-01, 3.999999999940941908e-01, 6.666666666666735130e-01,
}

const (
	Ln2Hi = 6.93147180369123816490e-01 // its product with an exponent is exact
	Ln2Lo = 1.90821492927058770002e-10
)
