// Package layout has what the generators of both architectures share: the offsets of the
// fields of the kernels' arguments, and the coefficients of the logarithm.
package layout

// Offsets of a tile's fields, in words of 8 bytes.
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

// Offsets of the fields that a ratioTile has after those of the tile, in words.
const (
	RatioQ    = 12 // bytes from P to Q
	RatioV    = 13
	RatioLdv  = 14
	RatioAt   = 15 // bytes from V to the panel; an offset, as no pointer may point beyond V
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
	RatioAdd     = 120 // what is added to V
)

// Offsets of a dotTile's fields, in words.
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

// Offsets of a crossTile's fields, in words.
const (
	CrossRows = iota
	CrossX
	CrossXS
	CrossImag
	CrossPowers
	CrossTo
	CrossTS
	CrossBytes
)

// Offsets of a medianTile's fields, in words.
const (
	MedianRows = iota
	MedianK
	MedianAt
	MedianX
	MedianXS
	MedianKeys
	MedianHigh
	MedianLow = MedianHigh + 8
)

// DotColumns is the most rows of B that a micro-kernel of dots takes.
const DotColumns = 6

// AnyBeta stands in the place of β for the kernels that take any β.
const AnyBeta = 2

// Offsets of a passArg's fields, in words.
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

// The same in float32, of fdlibm's __ieee754_logf.
var LogCoefficientsSingle = []float64{0xf89e26p-26, 0x91e9eep-25, 0xccce13p-25, 0xaaaaaap-24}

const (
	Ln2HiSingle = 6.9313812256e-01
	Ln2LoSingle = 9.0580006145e-06
)
