// Package transforms holds the framers, the transforms and their learners.
package transforms

import "github.com/audiosep/audiosep"

// Stages are the stages of this package.
var Stages = []audiosep.Definition{
	frameStage,
	dctStage,
	stftStage,
	mdctStage,
	matrixStage,
	identityStage,
	jointDiagonalizationStage,
	applyStage,
}
