// Package metrics measures how well sources were separated: BSS Eval 2.1, 3 and 4,
// the scale-invariant ratios, the plain SNR, and the improvement over the mixture,
// for mono and multichannel sound of any length.
//
// An estimate ŝ of reference s_j is divided by two least-squares projections: P_j, onto what the
// convention allows to make of s_j (its multiples, or its filtered versions), and P, onto sums
// of these for all references. Then
//
//	P_j ŝ      is the target,
//	Pŝ - P_j ŝ is interference,
//	ŝ - Pŝ     is artifacts,
//
// and every ratio is one of two energies of such parts, in dB. The inner products come from
// block-wise Fourier transforms, the projections from a block Schur factorisation of the
// block-Toeplitz Gram matrix, which all estimates share. The parts are then made by filtering
// and measured in the time domain, so that an error of the solution enters a ratio squared.
// Sound is read block by block; memory depends on the number of sources, channels and taps,
// not on the length.
package metrics

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/assign"
)

// Evaluate compares ests with refs; mixture may be nil. All must have one
// rate and number of channels, one realisation, and one length unless the options fit
// it. They may be read from several goroutines at once, several times over.
//
// It is an error if they do not fit each other, hold numbers that are not finite, if
// a reference is silent throughout (no ratio is defined then), or if the work would
// take more than 4 GiB of memory, or a fourth of the address space that the process
// has. Whatever else makes a number doubtful is among the
// report's warnings.
func Evaluate(ctx context.Context, refs, ests []audiosep.Source, mixture audiosep.Source, opt Options) (*Report, error) {
	s, err := open(ctx, refs, ests, mixture, opt)
	if err != nil {
		return nil, err
	}
	ordered := opt.Match == MatchGiven
	if opt, err = opt.check(s.rate, s.samples); err != nil {
		return nil, err
	}
	e := &evaluation{signals: s, Options: opt, definition: definitions[opt.Convention], ordered: ordered}
	if e.workers, err = e.planMemory(); err != nil {
		return nil, err
	}
	frames, err := e.run(ctx)
	if err != nil {
		return nil, err
	}
	r := e.report(frames)
	r.Warnings = append(e.warnings(frames), e.aboutRest()...)
	if opt.PerChannel && s.channels > 1 {
		for c := range s.channels {
			if err := e.channel(ctx, r, frames, c); err != nil {
				return nil, fmt.Errorf("channel %d: %w", c+1, err)
			}
		}
	}
	return r, nil
}

// channel measures one channel by itself, with the estimates matched as in frames.
func (e *evaluation) channel(ctx context.Context, r *Report, frames []frame, c int) error {
	s := *e.signals
	s.channels = 1
	s.sources = nil
	for _, src := range e.sources {
		s.sources = append(s.sources, channel{src, e.channels, c})
	}
	one := &evaluation{signals: &s, Options: e.Options, definition: e.definition, workers: e.workers, matched: frames}
	mine, err := one.run(ctx)
	if err != nil {
		return err
	}
	for j := range r.Sources {
		r.Sources[j].Channels = append(r.Sources[j].Channels, one.metrics(mine, j))
	}
	return nil
}

type evaluation struct {
	*signals
	Options
	definition
	workers   int       // frames that are fitted at a time
	several   bool      // frames
	ordered   bool      // the caller, not the convention, has estimates in the order of the references
	artifacts []float64 // [estimate] ‖ŝ - Pŝ‖²/‖ŝ‖² of the whole, where filters are fitted once
	matched   []frame   // what the match is taken from, where that is settled; or nil
}

// frame is the result for one span.
type frame struct {
	span
	perm  []int      // [reference] its estimate; nil where the frame is undefined
	match Match      // how perm was found
	parts []energies // [reference], then the mixture's if there is one
	fit   *condition // nil where a source is silent and no fit was tried
}

// run returns the frames in order of time.
func (e *evaluation) run(ctx context.Context) ([]frame, error) {
	spans := e.spans(e.samples)
	e.several = len(spans) > 1
	if e.once {
		f, err := e.fit(ctx, span{0, e.samples})
		if err != nil {
			return nil, err
		}
		if e.artifacts, err = f.artifacts(ctx); err != nil {
			return nil, err
		}
		return e.measure(ctx, f, spans, 0)
	}
	frames := make([]frame, len(spans))
	err := limited(e.workers, len(spans), func(i int) error {
		f, err := e.fit(ctx, spans[i])
		if err != nil {
			return err
		}
		if e.partial() && f.silent() || e.matched != nil && e.matched[i].perm == nil {
			frames[i] = e.undefined(spans[i])
			return nil
		}
		one, err := e.measure(ctx, f, spans[i:i+1], i)
		if err != nil {
			return err
		}
		frames[i] = one[0]
		return nil
	})
	return frames, err
}

// fit projects the estimates as they are in win.
func (e *evaluation) fit(ctx context.Context, win span) (*fit, error) {
	correlateAll := func() (*correlations, error) { return correlate(ctx, e.signals, win, e.Taps) }
	if e.gain {
		correlateAll = func() (*correlations, error) { return innerProducts(ctx, e.signals, win) }
	}
	c, err := correlateAll()
	if err != nil {
		return nil, err
	}
	for i, x := range c.energy {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return nil, fmt.Errorf("%s holds a number that is not finite; want finite samples", e.what(i))
		}
		if x == 0 && i < e.refs && win.len() == e.samples && e.matched == nil {
			return nil, fmt.Errorf("%s is silent; want sound: no ratio is defined for it, leave it out with its estimate", e.what(i))
		}
	}
	return newFit(ctx, c, e.refs, e.gain, e.Load)
}

// partial tells whether a source may be silent in a frame, which is undefined then: a
// frame or a channel of the whole.
func (e *evaluation) partial() bool { return e.several || e.matched != nil }

// measure matches the estimates once and measures all spans, frames from first on, with
// the filters of f.
func (e *evaluation) measure(ctx context.Context, f *fit, spans []span, first int) ([]frame, error) {
	perm, match, err := e.assign(ctx, f)
	if err != nil {
		return nil, err
	}
	if e.matched != nil {
		// Where filters are fitted once all frames that are defined have one match.
		for _, fr := range e.matched[first : first+len(spans)] {
			if fr.perm != nil {
				perm, match = fr.perm, fr.match
			}
		}
	}
	var pairs []pair
	for j, k := range perm {
		pairs = append(pairs, pair{j, e.refs + k})
	}
	if e.mixed() {
		for j := range perm {
			pairs = append(pairs, pair{j, 2 * e.refs})
		}
	}
	parts, err := f.measure(ctx, e.signals, spans, pairs)
	if err != nil {
		return nil, err
	}
	var frames []frame
	c := f.condition()
	for i, p := range parts {
		fr := frame{span: spans[i], perm: perm, match: match, parts: p, fit: c}
		for _, part := range p[:e.refs] {
			if e.partial() && (part.reference == 0 || part.estimate == 0) || e.matched != nil && e.matched[first+i].perm == nil {
				fr = e.undefined(spans[i])
				break
			}
		}
		frames = append(frames, fr)
	}
	return frames, nil
}

// assign gives an estimate to every reference, as e.Match says or, where no score is
// a number, in the given order.
func (e *evaluation) assign(ctx context.Context, f *fit) ([]int, Match, error) {
	if e.matched == nil && e.Match != MatchGiven && e.refs > 1 {
		score, err := f.scores(ctx, e.Match == MatchSDR)
		if err != nil {
			return nil, "", err
		}
		if anyNumber(score) {
			return assign.Best(score), e.Match, nil
		}
	}
	perm := make([]int, e.refs)
	for j := range perm {
		perm[j] = j
	}
	if e.refs == 1 {
		return perm, e.Match, nil
	}
	return perm, MatchGiven, nil
}

// mixed reports whether there is a mixture to improve on.
func (e *evaluation) mixed() bool { return len(e.sources) > 2*e.refs }

// undefined is a frame in which some source is silent. As in mir_eval and museval it does not
// count for any source.
func (e *evaluation) undefined(s span) frame { return frame{span: s} }

// silent reports whether a reference or an estimate is silent.
func (f *fit) silent() bool {
	for _, x := range f.corr.energy[:2*f.refs] {
		if x == 0 {
			return true
		}
	}
	return false
}

// report turns energies into ratios.
func (e *evaluation) report(frames []frame) *Report {
	r := &Report{
		Convention: e.Convention, Definition: e.doc, Rate: e.rate, Samples: e.samples, Channels: e.channels,
		Window: e.Window, Hop: e.Hop, Load: e.Load, ZeroMean: e.ZeroMean, Match: e.Match,
	}
	if !e.gain {
		r.Taps = e.Taps
	}
	if !slices.ContainsFunc(frames, func(f frame) bool { return f.perm != nil && f.match != MatchGiven }) {
		r.Match = MatchGiven
	}
	for j := range e.refs {
		s := Source{Name: e.names[j]}
		for _, fr := range frames {
			if fr.perm == nil {
				s.Estimates = append(s.Estimates, "")
				continue
			}
			s.Estimates = append(s.Estimates, e.names[e.refs+fr.perm[j]])
		}
		s.Metrics = e.metrics(frames, j)
		r.Sources = append(r.Sources, s)
	}
	return r
}

func (e *evaluation) metrics(frames []frame, j int) (all []Metric) {
	for _, ratio := range e.ratios {
		all = append(all, e.metric(ratio, frames, j))
	}
	return all
}

func (e *evaluation) metric(ratio ratio, frames []frame, j int) Metric {
	m := Metric{Name: ratio.name}
	for _, fr := range frames {
		value, gain := math.NaN(), math.NaN()
		if fr.perm != nil {
			value = decibel(ratio.of(fr.parts[j]))
			if e.mixed() {
				gain = improvement(value, decibel(ratio.of(fr.parts[e.refs+j])))
			}
		}
		m.Frames = append(m.Frames, value)
		if e.mixed() {
			m.Improvement = append(m.Improvement, gain)
		}
	}
	return m
}

// improvement returns by how much a ratio is above the mixture's. Nothing improves on
// a mixture that has none of what the ratio counts: a mixture that is the sum of the
// references has no artifacts, and then every estimate's SAR is infinitely below its.
func improvement(value, mixture float64) float64 {
	if math.IsInf(mixture, 1) {
		return math.NaN()
	}
	return value - mixture
}

// anyNumber reports whether a match has anything to go by.
func anyNumber(score [][]float64) bool {
	for _, row := range score {
		for _, s := range row {
			if !math.IsNaN(s) {
				return true
			}
		}
	}
	return false
}
