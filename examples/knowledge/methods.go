package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/floats"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/examples/internal/known"
	"github.com/audiosep/audiosep/factorizers"
	"github.com/audiosep/audiosep/internal/oraclegroups"
	"github.com/audiosep/audiosep/metrics"
	"github.com/audiosep/audiosep/notes"
	"github.com/audiosep/audiosep/separators"
	"github.com/audiosep/audiosep/transforms"
)

// ofWhole separate a recording as it is, each by another kind of knowledge.
var ofWhole = []method{
	{name: "nothing: KL-NMF, a component a stem, matched to the stems", match: true, run: blind},
	{name: "how many: `blind`, matched to the stems", match: true, run: preset("blind", blindOptions)},
	{name: "one is speech: `denoise`", stems: 2, voice: true, run: denoised},
	{name: "who plays when: `labels`", run: labelled},
	{name: "1 % painted: `paint`", run: painted(0.01)},
	{name: "3.5 % painted", run: painted(0.035)},
	{name: "the score: `score`", scored: true, run: scored(still, 0, true)},
	{name: "the stems, but 5 KL components for each: which component is whose", run: grouped},
	{name: "the stems themselves: ideal ratio mask", run: ideal(false)},
}

// ofScores know a score, right or wrong.
var ofScores = []method{
	{name: "the score", run: scored(still, 0, false)},
	{name: "without shared partials", run: plainer(func(p *factorizers.ScoreFactorsParams) { p.Share = 0 }, 30)},
	{name: "without the last pass", run: plainer(func(p *factorizers.ScoreFactorsParams) { p.Spread = 0 }, 0)},
	{name: "its onsets and offsets wrong by up to 50 ms", run: scored(still, 0.05, false)},
	{name: "it is 300 ms late", run: scored(late, 0, false)},
	{name: "300 ms late, aligned", run: scored(late, 0, true)},
	{name: "3 % slow, aligned", run: scored(slow, 0, true)},
	{name: "freely played, aligned", run: scored(freely, 0, true)},
	{name: "right, but doubted: `doubt` 1e-6", run: mistaken(0, 0, 1e-6)},
	{name: "5 % of its notes missing", draws: 3, run: mistaken(0.05, 0, 0)},
	{name: "missing, doubted", draws: 3, run: mistaken(0.05, 0, 1e-6)},
	{name: "5 % of its notes wrong by 1 or 2 semitones", draws: 3, run: mistaken(0, 0.05, 0)},
	{name: "wrong, doubted", draws: 3, run: mistaken(0, 0.05, 1e-6)},
	{name: "5 components a stem, grouped by one who hears the stems", run: grouped},
	{name: "the stems themselves: ideal ratio mask", run: ideal(false)},
}

// ofHalves learn from the first half of a recording, of its stems, and separate the second.
var ofHalves = []method{
	{name: "dictionaries of 10 a stem, all held", half: true, run: dictionaries(0, 0, 1)},
	{name: "the same, stems of five starts averaged", half: true, run: averaged(5)},
	{name: "the same, and 2 free components a stem", half: true, run: dictionaries(0, 2, 1)},
	{name: "of two stems: the first's held, 10 free", half: true, stems: 2, run: dictionaries(1, 10, 1)},
	{name: "of two stems: the second's held, 10 free", half: true, stems: 2, run: dictionaries(2, 10, 1)},
	{name: "the stems themselves: ideal ratio mask", half: true, run: ideal(true)},
}

func still(t float64) float64 { return t }

func late(t float64) float64 { return t + 0.3 }
func slow(t float64) float64 { return 1.03 * t }

// freely is a score of steady tempo beside a performance whose tempo swings by a tenth in eight
// seconds.
func freely(t float64) float64 { return t + 0.1*8/(2*math.Pi)*(1-math.Cos(2*math.Pi*t/8)) }

// analyse returns the spectra that all methods use.
func analyse(ctx context.Context, s *audiosep.Signal) (audiosep.Spectra, error) {
	length, overlap := 92.88, 0.75 // 2048 samples at 22.05 kHz
	frame := transforms.DefaultFrame()
	frame.LengthMS, frame.Overlap, frame.Window = &length, &overlap, "hann"
	return transforms.STFT(ctx, s, frame)
}

// nmf factorises magnitudes from init, which may be nil.
func nmf(ctx context.Context, x audiosep.Spectra, init *audiosep.Factors, rank, iterations int, fix string, seed uint64) (*audiosep.Factors, error) {
	p := factorizers.DefaultKLNMF()
	p.Rank, p.Iterations, p.Power, p.Fix = rank, iterations, 1, fix
	f, err := factorizers.NewNMF(1, p)
	if err != nil {
		return nil, err
	}
	return audiosep.Factorize(ctx, audiosep.Env{Seed: seed}, f, audiosep.PowerOf(x, nil), init)
}

// separate shares the spectra out by the squares of the sources' magnitudes.
func separate(ctx context.Context, x audiosep.Spectra, f *audiosep.Factors) ([]string, []*audiosep.Signal, error) {
	p := separators.DefaultWiener()
	p.Exponent = 2
	s, err := separators.NewWiener(p)
	if err != nil {
		return nil, nil, err
	}
	stems, err := audiosep.Separate(ctx, audiosep.Env{}, s, x, f)
	if err != nil {
		return nil, nil, err
	}
	signals, err := audiosep.Collect(ctx, stems)
	return stems.Names(), signals, err
}

func blind(ctx context.Context, it *item) ([]string, []*audiosep.Signal, error) {
	x, err := analyse(ctx, it.Mix)
	if err != nil {
		return nil, nil, err
	}
	f, err := nmf(ctx, x, nil, len(it.Stems), 100, "none", 1)
	if err != nil {
		return nil, nil, err
	}
	return separate(ctx, x, f)
}

// labelled knows when each stem sounds.
func labelled(ctx context.Context, it *item) ([]string, []*audiosep.Signal, error) {
	p := factorizers.DefaultScoreFactors()
	p.Tail, p.TailUnpitched, p.Iterations = 0, 0, 100
	return fromNotes(ctx, it, it.Labels(), p, false, 30)
}

// painted knows whose the loudest places are that are one stem's: tiles of 64 ms by 125 Hz, up
// to a part of the spectrogram.
func painted(part float64) separation {
	return func(ctx context.Context, it *item) ([]string, []*audiosep.Signal, error) {
		regions, err := it.Paint(ctx, part)
		if err != nil {
			return nil, nil, err
		}
		x, err := transforms.STFT(ctx, it.Mix, known.PaintFrame())
		if err != nil {
			return nil, nil, err
		}
		p := factorizers.DefaultPaintedNMF()
		p.Sources = it.Names
		s, err := factorizers.NewPaintedNMF(p)
		if err != nil {
			return nil, nil, err
		}
		out, _, err := s.Separate(ctx, audiosep.Env{Seed: 1}, x, regions, nil)
		if err != nil {
			return nil, nil, err
		}
		stems, err := audiosep.Collect(ctx, out)
		return out.Names(), stems, err
	}
}

// scored knows the score, at other times than it is played, with random errors, in s.
func scored(bend func(float64) float64, jitter float64, align bool) separation {
	return func(ctx context.Context, it *item) ([]string, []*audiosep.Signal, error) {
		rng := rand.New(rand.NewPCG(1, 1))
		score := make(audiosep.Notes, len(it.Notes))
		for i, n := range it.Notes {
			n.Onset = max(0, bend(n.Onset)+jitter*(2*rng.Float64()-1))
			n.Offset = max(bend(n.Offset)+jitter*(2*rng.Float64()-1), n.Onset+0.01)
			score[i] = n
		}
		return fromNotes(ctx, it, score, factorizers.DefaultScoreFactors(), align, 30)
	}
}

// mistaken knows a score of which a part of the notes, one at least, is missing, and a part has a
// wrong pitch, and doubts it.
func mistaken(missing, wrong, doubt float64) separation {
	return func(ctx context.Context, it *item) ([]string, []*audiosep.Signal, error) {
		rng := rand.New(rand.NewPCG(1, it.draw))
		number := func(part float64) int {
			if part == 0 {
				return 0
			}
			return max(1, int(math.Round(part*float64(len(it.Notes)))))
		}
		order := rng.Perm(len(it.Notes))
		gone := order[:number(missing)]
		var score audiosep.Notes
		for i, n := range it.Notes {
			if slices.Contains(gone, i) {
				continue
			}
			if slices.Contains(order[len(gone):len(gone)+number(wrong)], i) {
				n.Pitch += []float64{-2, -1, 1, 2}[rng.IntN(4)]
			}
			score = append(score, n)
		}
		p := factorizers.DefaultScoreFactors()
		p.Doubt = doubt
		return fromNotes(ctx, it, score, p, false, 30)
	}
}

// grouped has 5 components a stem put into sources by one who hears the stems: the best that can
// be done with components that nobody told anything.
func grouped(ctx context.Context, it *item) ([]string, []*audiosep.Signal, error) {
	x, err := analyse(ctx, it.Mix)
	if err != nil {
		return nil, nil, err
	}
	f, err := nmf(ctx, x, nil, 5*len(it.Stems), 100, "none", 1)
	if err != nil {
		return nil, nil, err
	}
	_, parts, err := separate(ctx, x, f)
	if err != nil {
		return nil, nil, err
	}
	stems := make([]*audiosep.Signal, len(it.Stems))
	for j, group := range oraclegroups.Groups(known.Products(parts, it.Stems)) {
		stems[j] = &audiosep.Signal{Rate: it.Mix.Rate, Channels: it.Mix.Channels}
		for c, x := range it.Mix.Data {
			sum := make([]float64, len(x))
			for _, k := range group {
				floats.Add(sum, parts[k].Data[c])
			}
			stems[j].Data = append(stems[j].Data, sum)
		}
	}
	return it.Names, stems, nil
}

// plainer knows the score and does without a part of the method.
func plainer(change func(*factorizers.ScoreFactorsParams), last int) separation {
	return func(ctx context.Context, it *item) ([]string, []*audiosep.Signal, error) {
		p := factorizers.DefaultScoreFactors()
		change(&p)
		return fromNotes(ctx, it, it.Notes, p, false, last)
	}
}

// fromNotes is the chain of examples/score, with so many iterations of the last pass.
func fromNotes(ctx context.Context, it *item, score audiosep.Notes, p factorizers.ScoreFactorsParams, align bool, last int) ([]string, []*audiosep.Signal, error) {
	x, err := analyse(ctx, it.Mix)
	if err != nil {
		return nil, nil, err
	}
	power := audiosep.PowerOf(x, nil)
	if align {
		s, err := notes.NewAlignNotes(notes.DefaultAlignNotes())
		if err != nil {
			return nil, nil, err
		}
		out, err := s.Run(ctx, audiosep.Env{}, notes.AlignNotesIn{Notes: score, Power: power})
		if err != nil {
			return nil, nil, err
		}
		score = out.Notes
	}
	s, err := factorizers.NewScoreFactors(p)
	if err != nil {
		return nil, nil, err
	}
	out, err := s.Run(ctx, audiosep.Env{Seed: 1}, factorizers.ScoreFactorsIn{Power: power, Notes: score})
	if err != nil {
		return nil, nil, err
	}
	if last == 0 {
		return separate(ctx, x, out.Factors)
	}
	f, err := nmf(ctx, x, out.Factors, 0, last, "h", 1)
	if err != nil {
		return nil, nil, err
	}
	return separate(ctx, x, f)
}

// dictionaries learns 10 spectra of a stem from its first half: of all stems, or of one,
// counted from 1. Free components are the other stem's or, with all held, each a stem's own.
func dictionaries(one, free int, seed uint64) separation {
	return func(ctx context.Context, it *item) ([]string, []*audiosep.Signal, error) {
		var learnt []*audiosep.Factors
		var names []string
		rest := "rest"
		for j, s := range it.Stems {
			if one > 0 && j != one-1 {
				rest = it.Names[j]
				continue
			}
			first, _ := known.Halves(s)
			x, err := analyse(ctx, first)
			if err != nil {
				return nil, nil, err
			}
			f, err := nmf(ctx, x, nil, 10, 100, "none", seed)
			if err != nil {
				return nil, nil, err
			}
			learnt, names = append(learnt, f), append(names, it.Names[j])
		}
		j, err := factorizers.NewJoinFactors(factorizers.JoinFactorsParams{Names: names})
		if err != nil {
			return nil, nil, err
		}
		joined, err := j.Run(ctx, audiosep.Env{}, factorizers.JoinFactorsIn{Dictionary: learnt})
		if err != nil {
			return nil, nil, err
		}
		_, second := known.Halves(it.Mix)
		x, err := analyse(ctx, second)
		if err != nil {
			return nil, nil, err
		}
		p := factorizers.DefaultSemiNMF()
		p.Free, p.Name = free, rest
		if one == 0 {
			p.Free *= len(it.Stems)
		}
		s, err := factorizers.NewSemiNMF(p)
		if err != nil {
			return nil, nil, err
		}
		out, err := s.Run(ctx, audiosep.Env{Seed: seed}, factorizers.SemiNMFIn{Power: audiosep.PowerOf(x, nil), Dictionary: joined.Factors})
		if err != nil {
			return nil, nil, err
		}
		return separate(ctx, x, out.Factors)
	}
}

// averaged returns the means of the stems that dictionaries of several starts, all held, make.
func averaged(starts int) separation {
	return func(ctx context.Context, it *item) (names []string, sum []*audiosep.Signal, err error) {
		for seed := range starts {
			var stems []*audiosep.Signal
			if names, stems, err = dictionaries(0, 0, uint64(seed+1))(ctx, it); err != nil {
				return nil, nil, err
			}
			for j, s := range stems {
				if seed == 0 {
					sum = append(sum, &audiosep.Signal{Rate: s.Rate, Channels: s.Channels})
				}
				for l, x := range s.Data {
					if seed == 0 {
						sum[j].Data = append(sum[j].Data, make([]float64, len(x)))
					}
					for i, a := range x {
						sum[j].Data[l][i] += a / float64(starts)
					}
				}
			}
		}
		return names, sum, nil
	}
}

// ideal separates by the mask of the stems' own powers.
func ideal(half bool) separation {
	return func(ctx context.Context, it *item) ([]string, []*audiosep.Signal, error) {
		cut := func(s *audiosep.Signal) *audiosep.Signal {
			if half {
				_, s = known.Halves(s)
			}
			return s
		}
		var refs []audiosep.Source
		for _, s := range it.Stems {
			refs = append(refs, cut(s))
		}
		masked, err := metrics.Ideal(ctx, refs, cut(it.Mix), metrics.IRM)
		if err != nil {
			return nil, nil, err
		}
		var out []*audiosep.Signal
		for j, m := range masked {
			s, err := audiosep.ReadAll(ctx, m)
			if err != nil {
				return nil, nil, fmt.Errorf("%s: %w", it.Names[j], err)
			}
			out = append(out, s)
		}
		return it.Names, out, nil
	}
}
