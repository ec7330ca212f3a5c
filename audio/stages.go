// Package audio has the sources and sinks: where sound comes from and where it goes.
//
// In memory a sample is a float64, full scale ±1; an integer of b bits counts
// 2^(b-1) to full scale, so that reading and writing again gives the same bits.
package audio

import "github.com/audiosep/audiosep"

// Stages are the sources and sinks compiled in.
var Stages = []audiosep.Definition{
	readAudioStage,
	synthNotesStage,
	cropStage,
	downmixStage,
	resampleStage,
	highPassStage,
	lowPassStage,
	stemStage,
	writeAudioStage,
}
