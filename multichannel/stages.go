// Package multichannel has the stages that separate recordings of several microphones by
// where the sources are: they learn, for each frequency, a demixing matrix, and give each
// source as every microphone heard it, its image.
//
// In formulas f is a bin, t a frame, n a source, c a channel; x_ft (C×1) are the coefficients
// of the mixture, W_f (N×C) is the demixing matrix, y_ft = W_f x_ft.
package multichannel

import "github.com/audiosep/audiosep"

// Stages are the multichannel separators.
var Stages = []audiosep.Definition{
	ivaStage,
	fdicaStage,
	ilrmaStage,
	fastMNMFStage,
	duetStage,
	mwfEMStage,
	mixRoomStage,
}
