package transforms

import (
	"context"
	"fmt"
	"math"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/counted"
	"github.com/audiosep/audiosep/internal/npy"
	"github.com/audiosep/audiosep/internal/whole"
)

// FrameParams are the parameters of the stage frame.
type FrameParams struct {
	Length   *int     `json:"length" unit:"samples" min:"1" max:"1048576" doc:"Length M of a frame; or give length_ms."`
	LengthMS *float64 `json:"length_ms" unit:"ms" min:"0.1" max:"60000" doc:"Length of a frame in time, rounded down to an even number of samples. Left open, as length is: 40 ms."`
	Hop      *int     `json:"hop" unit:"samples" min:"1" max:"1048576" doc:"From the start of one activation to that of the next; or give overlap."`
	Overlap  *float64 `json:"overlap" min:"0" doc:"Part of a frame that it shares with the next, 0 ≤ overlap < 1; the hop that follows is rounded to a multiple of grids. Left open, as hop is: 0.5."`
	Grids    int      `json:"grids" min:"1" max:"1024" doc:"S frames, each hop/S samples after the last, share one activation: more to learn from and smoother masks at S times the work."`

	Window      string    `json:"window" oneof:"tukey|hann|hamming|blackman|blackman_harris|triangular|kaiser|kbd|sine|rectangular|own" doc:"Window function; own has the weights in weights or weights_file."`
	Weights     []float64 `json:"weights" doc:"Of own alone: the weights, one for each sample of a frame, as they are."`
	WeightsFile *string   `json:"weights_file" file:"in" doc:"Of own alone: the same in a file (.npy), one row or one column."`

	Alpha    *float64 `json:"alpha" min:"0" max:"1" doc:"Of tukey alone: the part of the window that its two flanks take together. Left open: 0.1."`
	Beta     *float64 `json:"beta" min:"0" max:"700" doc:"Of kaiser and kbd alone: the shape, greater is narrower in time. Left open: 8."`
	Symmetry string   `json:"symmetry" oneof:"periodic|symmetric" doc:"Form of the window: periodic for a DFT, symmetric for a filter; sine, kbd and own have one form only."`
	Scale    string   `json:"scale" oneof:"none|sum" doc:"sum divides the window by the sum of its weights, so that powers, and a learner's eps with them, count relative to that."`

	Synthesis string `json:"synthesis" oneof:"same|rectangular" doc:"Window before frames are added up again: the same, which is the least-squares way, or none."`
}

var frameStage = audiosep.Define("frame",
	"Cuts the recording into overlapping windowed frames. The sine window at half overlap suits most sound; the paper has tukey with alpha 0.1, length 200, scale sum.",
	DefaultFrame(), NewFrame)

// DefaultFrame returns the defaults of frame.
func DefaultFrame() FrameParams {
	return FrameParams{Grids: 1, Window: "sine", Symmetry: "periodic", Scale: "none", Synthesis: "same"}
}

const (
	longestFrame = 1 << 20 // samples
	mostOverlap  = 1024    // frames over one sample
	nominalRate  = 48000   // Hz, for checking a framing in ms before a recording is known
)

// Validate says which parameters exclude each other or do not go together.
func (p FrameParams) Validate() error {
	var errs audiosep.ParamErrors
	wrong := func(name, what string, args ...any) {
		errs = append(errs, &audiosep.ParamError{Name: name, What: fmt.Sprintf(what, args...)})
	}
	if p.Length != nil && p.LengthMS != nil {
		wrong("length_ms", "is %v while length is %d; want only one of the two", *p.LengthMS, *p.Length)
	}
	if p.Hop != nil && p.Overlap != nil {
		wrong("overlap", "is %v while hop is %d; want only one of the two", *p.Overlap, *p.Hop)
	}
	if p.Overlap != nil && !(*p.Overlap < 1) {
		wrong("overlap", "is %v; want 0 to less than 1", *p.Overlap)
	}
	if p.Alpha != nil && p.Window != "tukey" {
		wrong("alpha", "is %v while window is %s; want it with tukey alone", *p.Alpha, p.Window)
	}
	if p.Beta != nil && p.Window != "kaiser" && p.Window != "kbd" {
		wrong("beta", "is %v while window is %s; want it with kaiser and kbd alone", *p.Beta, p.Window)
	}
	if given := len(p.Weights) > 0; given == (p.WeightsFile != nil) && (given || p.Window == "own") {
		wrong("weights", "and weights_file are %s; want one of the two with window own", map[bool]string{true: "both given", false: "both left out"}[given])
	} else if p.Window != "own" && given {
		wrong("weights", "are %d while window is %s; want them with own alone", len(p.Weights), p.Window)
	} else if p.Window != "own" && p.WeightsFile != nil {
		wrong("weights_file", "is given while window is %s; want it with own alone", p.Window)
	}
	switch {
	case p.Grids < 1:
		wrong("grids", "is %d; want at least 1", p.Grids)
	case p.Hop != nil && *p.Hop < 1:
		wrong("hop", "is %d; want at least 1 sample", *p.Hop)
	case p.Hop != nil && *p.Hop%p.Grids != 0:
		wrong("grids", "is %d; want what divides the hop of %d samples, such as %s", p.Grids, *p.Hop, near(*p.Hop, p.Grids))
	}
	if errs != nil {
		return errs
	}
	return nil
}

// near returns the divisors of hop next to grids, in words.
func near(hop, grids int) string {
	below := min(grids, hop)
	for hop%below != 0 {
		below--
	}
	if grids > hop {
		return fmt.Sprint(below)
	}
	above := grids
	for hop%above != 0 {
		above++
	}
	return fmt.Sprintf("%d or %d", below, above)
}

// NewFrame returns the framer. It is an error if p is out of the ranges in its tags, as in a
// spec. So is a framing that could not be undone: here where that does not depend on the
// recording, and at its Framing method elsewhere.
//
// Frames are cut Hop/S apart for S = Grids; S of them share an activation. Before the
// first sample stand Length-Hop zeros, whatever S is, so that activations are as many
// and cover the same time; with several grids also half a frame at least, as the first
// sample would lie at the foot of every window otherwise.
func NewFrame(p FrameParams) (audiosep.Framer, error) {
	if err := audiosep.CheckStruct(p); err != nil {
		return nil, err
	}
	if p.Length == nil && (p.Hop != nil || p.Window == "own") || p.WeightsFile != nil {
		return p, nil // whether they go together depends on the rate, or on what is in the file
	}
	if _, err := p.Framing(context.Background(), audiosep.Head{Rate: nominalRate}); err != nil {
		return nil, &audiosep.ParamError{Name: p.culprit(), What: "does not do: " + err.Error()}
	}
	return p, nil
}

// culprit names the parameter to turn when there are no such windows, or frames cannot be
// joined again.
func (p FrameParams) culprit() string {
	length, err := p.samples(nominalRate)
	if err != nil {
		return "length_ms"
	}
	_, _, err = p.windows(length)
	switch {
	case err != nil && len(p.Weights) > 0:
		return "weights"
	case err != nil:
		return "window"
	case p.Hop != nil:
		return "hop"
	case p.Overlap != nil:
		return "overlap"
	default:
		return "window"
	}
}

// Framing cuts a recording.
func (p FrameParams) Framing(_ context.Context, h audiosep.Head) (audiosep.Framing, error) {
	none := audiosep.Framing{}
	if err := audiosep.CheckStruct(p); err != nil {
		return none, err
	}
	length, err := p.samples(h.Rate)
	if err != nil {
		return none, err
	}
	hop := p.hop(length)
	if hop > length {
		return none, fmt.Errorf("the hop of %s for %d grids is longer than a frame of %d; want at most that", counted.Of(hop, "sample"), p.Grids, length)
	}
	if length/(hop/p.Grids) > mostOverlap {
		return none, fmt.Errorf("frames of %s, %d apart, overlap more than %d times; use a greater hop or fewer grids", counted.Of(length, "sample"), hop/p.Grids, mostOverlap)
	}
	analysis, synthesis, err := p.windows(length)
	if err != nil {
		return none, err
	}
	pad := length - hop
	if p.Grids > 1 {
		pad = max(pad, length/2)
	}
	f := audiosep.Framing{
		Head: h, Length: length, Hop: hop / p.Grids, Pad: pad, Share: p.Grids,
		Analysis: analysis, Synthesis: synthesis,
	}
	return f, f.Validate()
}

// samples returns the length of a frame of a recording at that rate.
func (p FrameParams) samples(rate int) (int, error) {
	if p.Length != nil {
		return *p.Length, nil
	}
	ms := 40.0
	if p.LengthMS != nil {
		ms = *p.LengthMS
	}
	// An even length has a half and a bin at half the rate. 1e-6 makes up for rounding.
	length := 2 * math.Floor(ms*float64(rate)/2000+1e-6)
	if !(length >= 2 && length <= longestFrame) {
		return 0, fmt.Errorf("frames of %v ms at %d Hz are %v samples long; want 2 to %d", ms, rate, length, longestFrame)
	}
	return int(length), nil
}

// hop returns the samples from one activation to the next, a multiple of Grids.
func (p FrameParams) hop(length int) int {
	if p.Hop != nil {
		return *p.Hop
	}
	overlap := 0.5
	if p.Overlap != nil {
		overlap = *p.Overlap
	}
	fine := math.Round(float64(length) * (1 - overlap) / float64(p.Grids))
	return max(1, int(fine)) * p.Grids
}

// readWeights reads numbers from a .npy file, in one row or column or without either.
func readWeights(file string) ([]float64, error) {
	f, err := whole.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	a, err := npy.Read(f, info.Size())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if len(a.Shape) == 2 && a.Shape[0] != 1 && a.Shape[1] != 1 {
		return nil, fmt.Errorf("%s is %d×%d; want one row or one column of weights", file, a.Shape[0], a.Shape[1])
	}
	return a.Data, nil
}

// windows returns the analysis and the synthesis window.
func (p FrameParams) windows(length int) (analysis, synthesis []float64, err error) {
	w := Window{Name: p.Window, Alpha: 0.1, Beta: 8, Symmetric: p.Symmetry == "symmetric"}
	if p.Alpha != nil {
		w.Alpha = *p.Alpha
	}
	if p.Beta != nil {
		w.Beta = *p.Beta
	}
	if w.Own = p.Weights; p.WeightsFile != nil {
		if w.Own, err = readWeights(*p.WeightsFile); err != nil {
			return nil, nil, err
		}
	}
	if analysis, err = w.Weights(length); err != nil {
		return nil, nil, err
	}
	if p.Scale == "sum" {
		var sum float64
		for _, a := range analysis {
			sum += a
		}
		if sum == 0 {
			return nil, nil, fmt.Errorf("the weights of the window add up to 0; want scale none, or other weights")
		}
		for i := range analysis {
			analysis[i] /= sum
		}
	}
	if p.Synthesis == "rectangular" {
		synthesis, err = Window{Name: "rectangular"}.Weights(length)
		return analysis, synthesis, err
	}
	return analysis, analysis, nil
}
