// Package separators has the stages that share a mixture's coefficients out among
// sources by masks: Wiener ratios, soft masks of any exponent, binary masks, and medians
// that tell harmonic from percussive sound.
//
// Most masks are made of the power that a factorisation gives to each source. Components
// are put into sources by hand, as the factors say, by clustering, or each into one of its
// own. Stems of several separations are averaged by ensemble.
package separators

import "github.com/audiosep/audiosep"

// Stages are the separators.
var Stages = []audiosep.Definition{
	wienerStage,
	softMaskStage,
	binaryMaskStage,
	hpssStage,
	ensembleStage,
}
