package separators

import (
	"context"
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
	DefaultWiener(), NewWiener)

var softMaskStage = audiosep.Define("soft_mask",
	"Shares each coefficient out in proportion to the magnitude of each source, the root of its power in WH, raised to a power. "+
		"The same as wiener with half that power as its exponent.",
	DefaultSoftMask(), NewSoftMask)

var binaryMaskStage = audiosep.Define("binary_mask",
	"Gives each coefficient to the source with the greatest power in WH, the first of equals (Yilmaz and Rickard, Blind separation of speech mixtures via time-frequency masking, 2004).",
	DefaultBinaryMask(), NewBinaryMask)

// DefaultWiener returns the defaults of wiener.
func DefaultWiener() WienerParams { return WienerParams{1, 1e-12, defaultGrouping()} }

// DefaultSoftMask returns the defaults of soft_mask.
func DefaultSoftMask() SoftMaskParams { return SoftMaskParams{1, 1e-12, defaultGrouping()} }

// DefaultBinaryMask returns the defaults of binary_mask.
func DefaultBinaryMask() BinaryMaskParams { return BinaryMaskParams{defaultGrouping()} }

// NewWiener makes the separator wiener. It is an error if p is out of the ranges in its tags,
// as in a spec.
func NewWiener(p WienerParams) (audiosep.Separator, error) {
	if err := audiosep.CheckStruct(p); err != nil {
		return nil, err
	}
	return &mask{grouping{p.Grouping}, p.Exponent, p.Eps}, nil
}

// Wiener returns the stems that the Wiener filters of f make of x: those that the factors
// know of, else one a component. They are computed as they are taken.
func Wiener(ctx context.Context, x audiosep.Spectra, f *audiosep.Factors) (audiosep.Stems, error) {
	s, err := NewWiener(DefaultWiener())
	if err != nil {
		return nil, err
	}
	return audiosep.Separate(ctx, audiosep.Env{}, s, x, f)
}

// NewSoftMask makes the separator soft_mask; errors as for NewWiener.
func NewSoftMask(p SoftMaskParams) (audiosep.Separator, error) {
	if err := audiosep.CheckStruct(p); err != nil {
		return nil, err
	}
	return &mask{grouping{p.Grouping}, p.Power / 2, p.Eps}, nil
}

// NewBinaryMask makes the separator binary_mask; errors as for NewWiener.
func NewBinaryMask(p BinaryMaskParams) (audiosep.Separator, error) {
	if err := audiosep.CheckStruct(p); err != nil {
		return nil, err
	}
	return &mask{grouping(p), math.Inf(1), 0}, nil
}
