package factorizers

import "github.com/audiosep/audiosep"

// Stages are the factorizers, the activator and the joint learner of this package.
var Stages = []audiosep.Definition{
	isNMFStage,
	klNMFStage,
	euclideanNMFStage,
	betaNMFStage,
	onlineNMFStage,
	nmfdStage,
	nmf2dStage,
	activationsStage,
	tlNMFStage,
	joinFactorsStage,
	scoreFactorsStage,
	semiNMFStage,
	paintedNMFStage,
	ilrtaStage,
}
