// Package separators has the stages that share a mixture's coefficients out among
// sources by masks: Wiener ratios, soft masks of any exponent, and binary masks.
//
// A mask is made of the power that a factorisation gives to each source. Components
// are put into sources by hand, by clustering, or each into one of its own.
package separators

import "github.com/audiosep/audiosep"

// Stages are the separators.
var Stages = []audiosep.Definition{
	wienerStage,
	softMaskStage,
	binaryMaskStage,
}
