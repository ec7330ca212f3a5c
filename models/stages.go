// Package models keeps what was learnt: a transform Φ, a dictionary W and activations
// H, with the framing they belong to, in a file that NumPy reads.
package models

import "github.com/audiosep/audiosep"

// Stages are the stages of this package.
var Stages = []audiosep.Definition{
	loadStage,
	saveStage,
}
