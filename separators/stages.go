// Package separators has the stages that share a mixture's coefficients out among
// sources by masks: Wiener ratios, soft masks of any exponent, binary masks; medians that tell
// harmonic from percussive sound; and what tells an accompaniment that repeats, or is of low
// rank, from a voice.
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
	repetStage,
	repetSimStage,
	ft2dStage,
	rpcaStage,
	kamStage,
	ensembleStage,
}
