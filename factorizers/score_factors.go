package factorizers

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"runtime"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/percussion"
)

// ScoreFactorsParams are the parameters of score_factors.
type ScoreFactorsParams struct {
	Lead          float64  `json:"lead" min:"0" max:"60" unit:"s" doc:"How long before its onset a note may sound: what the score's onsets may be off by, and half a window."`
	Tail          float64  `json:"tail" min:"0" max:"60" unit:"s" doc:"How long after its offset a note with a pitch may sound."`
	TailUnpitched float64  `json:"tail_unpitched" min:"0" max:"60" unit:"s" doc:"How long after its offset a note without a pitch may sound, such as a cymbal."`
	Decay         float64  `json:"decay" min:"0" max:"60" unit:"s" doc:"In what time a stroke of a drum, a note with a key but no frequency, falls to 1/e where the iterations begin; 0: it does not. A start only: what follows may be longer or shorter."`
	Doubt         float64  `json:"doubt" min:"0" max:"1" doc:"What a note that has a pitch may begin the fit with where the score does not have it, as part of what it has there: above 0, such as 1e-6, the fit finds notes that are missing and passes over wrong ones; a score without mistakes is worth a little less then."`
	Unpitched     []string `json:"unpitched" doc:"The sources whose pitches are no frequencies but keys, such as those of a drum kit; empty: those whose name has a word for percussion in it, such as drums or shaker."`
	Components    int      `json:"components" min:"1" max:"1000" unit:"components" doc:"Components of each source whose notes have no pitch at all, as those of labels."`
	Width         float64  `json:"width" min:"0" max:"6" unit:"semitones" doc:"Half the width of a partial's band: what tuning and vibrato need."`
	Bins          float64  `json:"bins" min:"0.5" max:"100" unit:"bins" doc:"Least half width of a partial's band: half of the window's main lobe."`
	Partials      int      `json:"partials" min:"1" max:"1000" unit:"partials" doc:"Most partials of a note."`
	Iterations    int      `json:"iterations" min:"0" max:"1000000" doc:"Iterations of KL-NMF of the magnitudes from the bands; 0: the factors are the bands and the notes' times as they stand."`
	Share         int      `json:"share" min:"0" max:"1000000" unit:"iterations" doc:"After each so many iterations, but for the last, all pitches of a source are given the same strengths of partials, their weighted mean; 0: never."`
	Spread        float64  `json:"spread" min:"0" max:"1" doc:"What is added between the bands at the end, as part of a template's sum, so that a factorizer may find there what is no partial: noise, stretched overtones, the knock of a key."`
	Eps           float64  `json:"eps" min:"0" doc:"Floor added to magnitudes, in their units."`
}

// DefaultScoreFactors returns the defaults of score_factors.
func DefaultScoreFactors() ScoreFactorsParams {
	return ScoreFactorsParams{
		Lead: 0.05, Tail: 0.3, TailUnpitched: 0.3, Decay: 0.1, Components: 8, Width: 0.5, Bins: 2, Partials: 60,
		Iterations: 60, Share: 5, Spread: 0.01, Eps: 1e-10,
	}
}

var scoreFactorsStage = audiosep.Define("score_factors",
	`Starting factors from a score: a template for each pitch of each source, 0 between its partials, whose activation is 0 where the score has no such note.
Multiplicative updates keep zeros, so that an NMF from these factors cannot leave the score (Ewert and Müller, Using score-informed constraints for NMF-based source separation, ICASSP 2012). W and H are fitted as magnitudes: let kl_nmf with power 1, rank 0 and fix h follow, so that each template may become what it has to beside its partials, then wiener with exponent 2. Sources are the score's parts. Notes without a pitch have components with spectra of any kind.`,
	DefaultScoreFactors(), NewScoreFactors)

// ScoreFactors is the stage score_factors.
type ScoreFactors struct{ p ScoreFactorsParams }

// NewScoreFactors returns the stage. It is an error if p is out of the ranges in its tags.
func NewScoreFactors(p ScoreFactorsParams) (*ScoreFactors, error) {
	if err := audiosep.CheckStruct(p); err != nil {
		return nil, err
	}
	return &ScoreFactors{p}, nil
}

// ScoreFactorsIn is what score_factors takes.
type ScoreFactorsIn struct {
	Power audiosep.Power `port:"power"`
	Notes audiosep.Notes `port:"notes"`
}

// ScoreFactorsOut is what score_factors makes: W, F×K, and H, K×N, magnitudes, and Sources.
type ScoreFactorsOut struct {
	Factors *audiosep.Factors `port:"factors"`
}

// Needs says what it takes: the root of V, a component for each pitch, as a
// template and as factors, and what is left of them each time strengths have been shared.
func (s *ScoreFactors) Needs(e audiosep.Extent) audiosep.Needs {
	rank := e.Pitches
	if rank == 0 { // they are not known before their stage has run
		rank = 88
	}
	n := nmfNeeds(e, 1, rank, 1, s.p.Iterations)
	n.Work += 2 * n.Keeps
	if s.p.Share > 0 {
		n.Garbage += int64((s.p.Iterations-1)/s.p.Share) * (factorsAtOnce - 1) * n.Keeps
	}
	return n
}

// Run makes factors of the notes and fits them to the power. It is an error if there are no
// notes, if one has a pitch and the bins have no frequencies, or none below the highest.
func (s *ScoreFactors) Run(ctx context.Context, env audiosep.Env, in ScoreFactorsIn) (ScoreFactorsOut, error) {
	if len(in.Notes) == 0 {
		return ScoreFactorsOut{}, fmt.Errorf("the score has no notes; want at least one")
	}
	if err := in.Notes.Validate(); err != nil {
		return ScoreFactorsOut{}, err
	}
	if err := heard(env, in.Notes, in.Power.Framing()); err != nil {
		return ScoreFactorsOut{}, err
	}
	v, powers, err := s.magnitudes(ctx, in.Power)
	if err != nil {
		return ScoreFactorsOut{}, err
	}
	t, err := s.templates(ctx, env, in)
	if err != nil {
		return ScoreFactorsOut{}, err
	}
	t.uncovered(env, powers, in.Power.Framing())
	f := t.factors()
	if s.p.Iterations > 0 {
		if err := s.fit(ctx, env, v, t, f); err != nil {
			return ScoreFactorsOut{}, err
		}
	}
	t.spread(f.W, s.p.Spread)
	framing := in.Power.Framing()
	f.Framing, f.Hz = &framing, in.Power.Hz()
	env.Logger().Info("templates", slog.Int("components", len(t.parts)), slog.Int("sources", len(f.Sources)))
	return ScoreFactorsOut{f}, nil
}

// magnitudes returns the root of V, and the sum of each column of V.
func (s *ScoreFactors) magnitudes(ctx context.Context, v audiosep.Power) (*spectrogram, []float64, error) {
	powers := make([]float64, v.Framing().Columns())
	m, err := readWith(ctx, v, 1, 1, s.p.Eps, func(first int, v *mat.Dense) {
		rows, n := v.Dims()
		for f := range rows {
			floats.Add(powers[first:first+n], v.RawRowView(f))
		}
	})
	return m, powers, err
}

// template is one component: a pitch, a key or a part of what has neither.
type template struct {
	source string
	pitch  float64 // MIDI number, or NaN where the spectrum may be any
	w, h   []float64
}

// templates are the components of a score, source after source.
type templates struct {
	parts []template
	hz    []float64
}

// templates makes the components of the notes, in the order of sources and pitches.
func (s *ScoreFactors) templates(ctx context.Context, env audiosep.Env, in ScoreFactorsIn) (*templates, error) {
	t := &templates{hz: in.Power.Hz()}
	rng := env.Rand("spectra")
	bins := in.Power.Bins()
	all := voices(in.Notes)
	if err := checkRank(s.components(all), bins, in.Power.Framing().Columns()); err != nil {
		return nil, fmt.Errorf("the score has too many pitches: %w", err)
	}
	for _, voice := range all {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		unpitched := math.IsNaN(voice.pitch) || s.unpitched(voice.source)
		tail, decay := s.p.Tail, 0.0
		if unpitched {
			tail = s.p.TailUnpitched
		}
		if unpitched && !math.IsNaN(voice.pitch) {
			decay = s.p.Decay
		}
		h := s.gate(voice.notes, in.Power.Framing(), tail, decay)
		for n := range h {
			if !unpitched {
				h[n] = max(h[n], s.p.Doubt)
			}
		}
		if !unpitched {
			if t.hz == nil {
				return nil, fmt.Errorf("notes of %q have pitches, but the bins have no frequencies; want the power of an stft or a dct", voice.source)
			}
			w := s.comb(t.hz, voice.pitch)
			if w == nil {
				return nil, fmt.Errorf("a note of %q has the pitch %g, %.0f Hz; want one between the lowest bin and the highest, %.0f Hz", voice.source, voice.pitch, hertz(voice.pitch), t.hz[len(t.hz)-1])
			}
			t.parts = append(t.parts, template{voice.source, voice.pitch, w, h})
			continue
		}
		components := 1
		if math.IsNaN(voice.pitch) {
			components = s.p.Components
		}
		for range components {
			w := make([]float64, bins)
			for i := range w {
				w[i] = 0.5 + rng.Float64()
			}
			own := slices.Clone(h)
			if components > 1 { // else all of them would stay alike
				for n := range own {
					own[n] *= 0.5 + rng.Float64()
				}
			}
			t.parts = append(t.parts, template{voice.source, math.NaN(), w, own})
		}
	}
	return t, nil
}

// components returns how many the voices have.
func (s *ScoreFactors) components(all []voice) (n int) {
	for _, v := range all {
		if n++; math.IsNaN(v.pitch) {
			n += s.p.Components - 1
		}
	}
	return n
}

// voice is all notes of one pitch of one source.
type voice struct {
	source string
	pitch  float64
	notes  audiosep.Notes
}

// voices returns the notes by source, in the order in which these begin in the list, and by
// rising pitch, those without one last.
func voices(notes audiosep.Notes) []voice {
	type key struct {
		source string
		pitch  uint64 // bits, those of one NaN for all
	}
	order, at := map[string]int{}, map[key]int{}
	var all []voice
	for _, n := range notes {
		if _, ok := order[n.Source]; !ok {
			order[n.Source] = len(order)
		}
		k := key{n.Source, math.Float64bits(n.Pitch)}
		if math.IsNaN(n.Pitch) {
			k.pitch = math.Float64bits(math.NaN())
		}
		i, ok := at[k]
		if !ok {
			i = len(all)
			all, at[k] = append(all, voice{source: n.Source, pitch: n.Pitch}), i
		}
		all[i].notes = append(all[i].notes, n)
	}
	slices.SortStableFunc(all, func(a, b voice) int {
		switch {
		case a.source != b.source:
			return order[a.source] - order[b.source]
		case a.pitch < b.pitch || math.IsNaN(b.pitch):
			return -1
		default:
			return 1
		}
	})
	return all
}

// heard refuses a score of which nothing sounds in the recording, and warns of notes that lie
// behind its end.
func heard(env audiosep.Env, notes audiosep.Notes, f audiosep.Framing) error {
	length := float64(f.Samples) / float64(f.Rate)
	first, behind := math.Inf(1), 0
	for _, n := range notes {
		if first = min(first, n.Onset); n.Onset >= length {
			behind++
		}
	}
	if behind == len(notes) {
		return fmt.Errorf("the recording is %.6g s long, and the first note begins at %.6g s; want a score of this recording", length, first)
	}
	if behind > 0 {
		env.Logger().Warn("notes begin behind the recording's end; they are left out", slog.Int("notes", behind), slog.Float64("recording_s", length))
	}
	return nil
}

// unpitched tells whether the pitches of a source are no frequencies.
func (s *ScoreFactors) unpitched(source string) bool {
	if len(s.p.Unpitched) > 0 {
		return slices.Contains(s.p.Unpitched, source)
	}
	return percussion.Named(source)
}

// gate returns an activation: 1 in the columns whose middle is in a note with its lead and tail,
// or nearest to one that is too short for any, else 0. With a decay it falls by e in that time from
// the onset on, as a stroke does, so that the fit does not begin with a drum that explains
// whatever else sounds meanwhile.
func (s *ScoreFactors) gate(notes audiosep.Notes, f audiosep.Framing, tail, decay float64) []float64 {
	h := make([]float64, f.Columns())
	first, step := f.Middle(0), f.Middle(1)-f.Middle(0)
	column := func(t float64) float64 { return (t - first) / step } // where a column's middle is t
	for _, n := range notes {
		from, to := column(n.Onset-s.p.Lead)-1e-6, column(n.Offset+tail)+1e-6 // whatever their last bits are
		if math.Ceil(from) > math.Floor(to) {
			from = math.Round((from + to) / 2)
			to = from
		}
		last := min(float64(len(h)-1), math.Floor(to))
		for c := max(0, math.Ceil(from)); c <= last; c++ {
			x := 1.0
			if decay > 0 {
				x = math.Exp(-min(max(0, f.Middle(int(c))-n.Onset)/decay, mostDecay))
			}
			h[int(c)] = max(h[int(c)], x)
		}
	}
	return h
}

// mostDecay bounds how far a stroke has fallen, in powers of e, as updates cannot leave 0.
const mostDecay = 12

func hertz(pitch float64) float64 { return 440 * math.Exp2((pitch-69)/12) }

// comb returns the template of a pitch: 1/h in the band of partial h, 0 between the bands; nil
// if no bin is in the first band.
func (s *ScoreFactors) comb(hz []float64, pitch float64) []float64 {
	w := make([]float64, len(hz))
	f0, step := hertz(pitch), (hz[len(hz)-1]-hz[0])/float64(max(1, len(hz)-1))
	found := false
	for i, f := range hz {
		h := math.Round(f / f0)
		for _, h := range []float64{h - 1, h, h + 1} {
			half := max(h*f0*(math.Exp2(s.p.Width/12)-1), s.p.Bins*step)
			if h >= 1 && h <= float64(s.p.Partials) && math.Abs(f-h*f0) <= half {
				w[i] = max(w[i], 1/h)
				found = found || h == 1
			}
		}
	}
	if !found {
		return nil
	}
	return w
}

// uncoveredShare is how much of the power may stand where no note does without a word.
const uncoveredShare = 0.01

// uncovered warns of power, the sum of each column, where no component may sound, which masks share out equally.
func (t *templates) uncovered(env audiosep.Env, powers []float64, f audiosep.Framing) {
	silent := func(n int) bool {
		return !slices.ContainsFunc(t.parts, func(p template) bool { return p.h[n] != 0 })
	}
	all, lost, count := 0.0, 0.0, 0
	for n, power := range powers {
		if all += power; silent(n) {
			lost += power
			count++
		}
	}
	if lost > uncoveredShare*all {
		env.Logger().Warn("there is sound where the score has none; it is shared out equally among the sources",
			slog.Float64("seconds", math.Round(10*float64(count*f.Hop)/float64(f.Rate))/10),
			slog.Float64("percent_of_power", math.Round(100*lost/all)))
	}
}

// factors returns the components as W and H, and whose they are.
func (t *templates) factors() *audiosep.Factors {
	bins, columns := len(t.parts[0].w), len(t.parts[0].h)
	f := &audiosep.Factors{W: mat.NewDense(bins, len(t.parts), nil), H: mat.NewDense(len(t.parts), columns, nil)}
	for k, p := range t.parts {
		f.W.SetCol(k, p.w)
		f.H.SetRow(k, p.h)
		f.Sources = addGroup(f.Sources, audiosep.Group{Name: p.source, Components: []int{0}}, k)
	}
	normaliseColumns(f.W)
	return f
}

// fit updates f by KL-NMF of the magnitudes v, with shared strengths of partials in between.
func (s *ScoreFactors) fit(ctx context.Context, env audiosep.Env, v *spectrogram, t *templates, f *audiosep.Factors) error {
	scaleTo(f, v.Sum())
	passes, told := v.passes(1, s.p.Eps), newProgress(env, s.p.Iterations, 1)
	for done := 0; done < s.p.Iterations; {
		n := s.p.Iterations - done
		if s.p.Share > 0 {
			n = min(n, s.p.Share)
		}
		nmf := newNMF(ctx, v, f.W, f.H, nmfOptions{beta: 1, eps: s.p.Eps, threads: runtime.GOMAXPROCS(0), shared: passes})
		objective, stop, err := nmf.minimise(n, 0, func(_ int, objective float64) { told.step(1, objective) })
		if err != nil {
			return err
		}
		f.W, f.H = nmf.factors()
		f.Objective, f.Stop = objective, stop
		if done += n; done < s.p.Iterations {
			t.share(f)
		}
	}
	if n := len(f.Objective); n < s.p.Iterations {
		f.Stop = fmt.Sprintf("all %d iterations done; the objective is of the last %d, since partials were shared", s.p.Iterations, n)
	}
	told.end(last(f))
	return nil
}

// scaleTo scales H so that WH has the sum of V.
func scaleTo(f *audiosep.Factors, sum float64) {
	if have := mat.Sum(f.H); have > 0 { // the columns of W sum to 1
		f.H.Scale(sum/have, f.H)
	}
}

// share gives all pitches of a source the same strengths of partials: the mean of them all,
// weighted by their activations. The shape of each band stays what it was.
func (t *templates) share(f *audiosep.Factors) {
	strengths := make([][]float64, len(t.parts))
	mean := map[string][]float64{}
	for k, p := range t.parts {
		if math.IsNaN(p.pitch) {
			continue
		}
		strengths[k] = make([]float64, t.partial(p.pitch, len(t.hz)-1)+1)
		for i := range t.hz {
			strengths[k][t.partial(p.pitch, i)] += f.W.At(i, k)
		}
		m, weight := mean[p.source], mat.Sum(f.H.RowView(k))
		for len(m) < len(strengths[k]) {
			m = append(m, 0)
		}
		for h, a := range strengths[k] {
			m[h] += weight * a
		}
		mean[p.source] = m
	}
	for k, p := range t.parts {
		for i := range t.hz {
			if strengths[k] == nil {
				break
			}
			h := t.partial(p.pitch, i)
			if a := strengths[k][h]; a > 0 {
				f.W.Set(i, k, f.W.At(i, k)*(mean[p.source][h]/a))
			}
		}
	}
	normaliseColumns(f.W) // H stays: how loud the notes are is known, how strong their partials were guessed
}

// partial returns which partial of a pitch bin i is nearest to.
func (t *templates) partial(pitch float64, i int) int {
	return int(math.Round(t.hz[i] / hertz(pitch)))
}

// spread adds a flat spectrum of a given sum to every template with a pitch.
func (t *templates) spread(w *mat.Dense, sum float64) {
	bins, _ := w.Dims()
	for k, p := range t.parts {
		for i := 0; !math.IsNaN(p.pitch) && i < bins; i++ {
			w.Set(i, k, (w.At(i, k)+sum/float64(bins))/(1+sum))
		}
	}
}
