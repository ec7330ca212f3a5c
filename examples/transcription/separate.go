package main

import (
	"context"
	"math"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/factorizers"
	"github.com/audiosep/audiosep/internal/percussion"
	"github.com/audiosep/audiosep/separators"
	"github.com/audiosep/audiosep/transforms"
)

// parts says whose the notes are that were heard, as one who knows the score would: each is of the
// source whose note is nearest in pitch among those that sound with it or, where none does, nearest
// in time. The notes of percussion, which transcribe does not hear, are the score's.
func (it item) parts(heard audiosep.Notes) audiosep.Notes {
	var out, pitched audiosep.Notes
	for _, s := range it.Notes {
		if percussion.Named(s.Source) {
			out = append(out, s)
		} else {
			pitched = append(pitched, s)
		}
	}
	for _, n := range heard {
		best := math.Inf(1)
		for _, s := range pitched {
			gap := max(0, s.Onset-n.Offset, n.Onset-s.Offset)
			if d := 1000*gap + math.Abs(s.Pitch-n.Pitch); d < best {
				best, n.Source = d, s.Source
			}
		}
		out = append(out, n)
	}
	return out
}

// separate is the chain of the preset transcribed from the notes on. Sources above 0 is how many
// parts the pitches are grouped into by their sound.
func separate(ctx context.Context, mix *audiosep.Signal, n audiosep.Notes, sources int) ([]string, []*audiosep.Signal, error) {
	length, overlap := 92.88, 0.75
	frame := transforms.DefaultFrame()
	frame.LengthMS, frame.Overlap, frame.Window = &length, &overlap, "hann"
	x, err := transforms.STFT(ctx, mix, frame)
	if err != nil {
		return nil, nil, err
	}
	power, env := audiosep.PowerOf(x, nil), audiosep.Env{Seed: 1}
	score, err := factorizers.NewScoreFactors(factorizers.DefaultScoreFactors())
	if err != nil {
		return nil, nil, err
	}
	start, err := score.Run(ctx, env, factorizers.ScoreFactorsIn{Power: power, Notes: n})
	if err != nil {
		return nil, nil, err
	}
	p := factorizers.DefaultKLNMF()
	p.Rank, p.Iterations, p.Power, p.Fix = 0, 30, 1, "h"
	nmf, err := factorizers.NewNMF(1, p)
	if err != nil {
		return nil, nil, err
	}
	f, err := audiosep.Factorize(ctx, env, nmf, power, start.Factors)
	if err != nil {
		return nil, nil, err
	}
	w := separators.DefaultWiener()
	w.Exponent, w.Sources = 2, sources
	mask, err := separators.NewWiener(w)
	if err != nil {
		return nil, nil, err
	}
	stems, err := audiosep.Separate(ctx, env, mask, x, f)
	if err != nil {
		return nil, nil, err
	}
	signals, err := audiosep.Collect(ctx, stems)
	return stems.Names(), signals, err
}
