// Package nets has the stages that are small neural networks, computed in plain Go. The weights
// are data with licences of their own, told beside them: gtcrn/ORIGIN.md, rnnoise/ORIGIN.md and
// basicpitch/ORIGIN.md.
package nets

import "github.com/audiosep/audiosep"

// Stages are those of this package.
var Stages = []audiosep.Definition{
	denoiseStage,
	transcribeStage,
	findSpeechStage,
}
