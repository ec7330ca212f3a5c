package separators

import (
	"math"

	"github.com/audiosep/audiosep"
)

// WienerParams are the parameters of wiener.
type WienerParams struct {
	Exponent float64 `json:"exponent" min:"0.01" max:"100" doc:"Exponent of the sources' powers: 1 is the Wiener filter, 0.5 the ratio of magnitudes; greater ones come closer to a binary mask."`
	Eps      float64 `json:"eps" min:"0" max:"1e100" unit:"power" doc:"Power added to WH, shared evenly by the components: what a factorizer's eps was."`
	Grouping
}

// SoftMaskParams are the parameters of soft_mask.
type SoftMaskParams struct {
	Power float64 `json:"power" min:"0.02" max:"200" doc:"Exponent of the sources' magnitudes: 1 is their ratio, 2 the Wiener filter; greater ones come closer to a binary mask."`
	Eps   float64 `json:"eps" min:"0" max:"1e100" unit:"power" doc:"Power added to WH, shared evenly by the components: what a factorizer's eps was."`
	Grouping
}

// BinaryMaskParams are the parameters of binary_mask.
type BinaryMaskParams struct {
	Grouping
}

var wienerStage = audiosep.Define("wiener",
	"Shares each coefficient out in proportion to the power of each source in WH: the Wiener filter of the factorisation. "+
		"The mask of component k is (w h + eps/K) / (WH + eps), that of a source the sum of its components'; masks sum to 1. "+
		"With another exponent a source's power is raised to it first (Liutkus and Badeau, Generalized Wiener filtering with fractional power spectrograms, 2015).",
	WienerParams{1, 1e-12, groupingDefaults}, NewWiener)

var softMaskStage = audiosep.Define("soft_mask",
	"Shares each coefficient out in proportion to the magnitude of each source, the root of its power in WH, raised to a power. "+
		"The same as wiener with half that power as its exponent.",
	SoftMaskParams{1, 1e-12, groupingDefaults}, NewSoftMask)

var binaryMaskStage = audiosep.Define("binary_mask",
	"Gives each coefficient to the source with the greatest power in WH, the first of equals (Yilmaz and Rickard, Blind separation of speech mixtures via time-frequency masking, 2004).",
	BinaryMaskParams{groupingDefaults}, NewBinaryMask)

// NewWiener makes the separator wiener.
func NewWiener(p WienerParams) (audiosep.Separator, error) {
	return &mask{grouping{p.Grouping}, p.Exponent, p.Eps}, nil
}

// NewSoftMask makes the separator soft_mask.
func NewSoftMask(p SoftMaskParams) (audiosep.Separator, error) {
	return &mask{grouping{p.Grouping}, p.Power / 2, p.Eps}, nil
}

// NewBinaryMask makes the separator binary_mask.
func NewBinaryMask(p BinaryMaskParams) (audiosep.Separator, error) {
	return &mask{grouping(p), math.Inf(1), 0}, nil
}
