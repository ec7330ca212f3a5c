package main

import (
	"context"
	"fmt"

	"gonum.org/v1/gonum/floats"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/examples/internal/known"
	"github.com/audiosep/audiosep/factorizers"
	"github.com/audiosep/audiosep/internal/assign"
	"github.com/audiosep/audiosep/internal/oraclegroups"
	"github.com/audiosep/audiosep/separators"
	"github.com/audiosep/audiosep/transforms"
)

// item returns one row of the table, of starts with seeds from seed on.
func (o *options) item(ctx context.Context, r *recording, seed uint64) ([]float64, error) {
	j := len(r.stems)
	x, err := transforms.STFT(ctx, r.mix, o.frame())
	if err != nil {
		return nil, err
	}
	var starts []audiosep.Stems
	var one, onePlus []float64
	var first *audiosep.Factors
	for start := range o.starts {
		env := audiosep.Env{Seed: seed + uint64(start)}
		f, err := o.factorize(ctx, env, x, j)
		if err != nil {
			return nil, err
		}
		if first == nil {
			first = f
		}
		p := separators.DefaultWiener()
		p.Sources = j
		stems, err := collected(ctx, env, p, x, f)
		if err != nil {
			return nil, err
		}
		one, onePlus = append(one, r.gain(stems, 0)), append(onePlus, r.gain(stems, fifth))
		s, err := audiosep.NewStems(names(j), stems)
		if err != nil {
			return nil, err
		}
		starts = append(starts, s)
	}
	combined, agreement, err := separators.Combine(ctx, separators.DefaultEnsemble(), starts)
	if err != nil {
		return nil, err
	}
	blind, err := audiosep.Collect(ctx, combined)
	if err != nil {
		return nil, err
	}
	parts, err := collected(ctx, audiosep.Env{}, separators.DefaultWiener(), x, first)
	if err != nil {
		return nil, err
	}
	random, randomPlus := o.random(r, parts)
	return []float64{mean(one), r.gain(blind, 0), random, mean(onePlus), r.gain(blind, fifth), randomPlus, r.gain(oracle(r, parts), 0), mean(agreement)}, nil
}

// fifth is what is added of the mixture to estimates, to see what that does.
const fifth = 0.2

func (o *options) frame() transforms.FrameParams {
	p, overlap := transforms.DefaultFrame(), 0.75
	p.LengthMS, p.Overlap, p.Window = &o.length, &overlap, "hann"
	return p
}

func (o *options) factorize(ctx context.Context, env audiosep.Env, x audiosep.Spectra, stems int) (*audiosep.Factors, error) {
	p := factorizers.DefaultKLNMF()
	p.Rank, p.Power, p.Update, p.Iterations = o.components*stems, 1, "accelerated", 60
	nmf, err := factorizers.NewNMF(1, p)
	if err != nil {
		return nil, err
	}
	return audiosep.Factorize(ctx, env, nmf, audiosep.PowerOf(x, nil), nil)
}

// collected returns in memory what wiener makes of factors.
func collected(ctx context.Context, env audiosep.Env, p separators.WienerParams, x audiosep.Spectra, f *audiosep.Factors) ([]*audiosep.Signal, error) {
	s, err := separators.NewWiener(p)
	if err != nil {
		return nil, err
	}
	stems, err := audiosep.Separate(ctx, env, s, x, f)
	if err != nil {
		return nil, err
	}
	return audiosep.Collect(ctx, stems)
}

func names(n int) []string {
	all := make([]string, n)
	for j := range all {
		all[j] = fmt.Sprint(j + 1)
	}
	return all
}

// gain returns the mean over the stems of the gain in SI-SDR over the mixture, when each
// estimate is taken for the stem with which the mean is the greatest and part of the mixture
// is added to it.
func (r *recording) gain(estimates []*audiosep.Signal, part float64) float64 {
	score := make([][]float64, len(r.stems))
	mix := r.mix.Data[0]
	base := 0.0
	for s, stem := range r.stems {
		base += decibels(floats.Dot(mix, stem.Data[0]), floats.Dot(stem.Data[0], stem.Data[0]), floats.Dot(mix, mix))
		score[s] = make([]float64, len(estimates))
	}
	for e, estimate := range estimates {
		y := floats.AddScaledTo(make([]float64, len(mix)), estimate.Data[0], part, mix)
		energy := floats.Dot(y, y)
		for s, stem := range r.stems {
			score[s][e] = max(silent, decibels(floats.Dot(y, stem.Data[0]), floats.Dot(stem.Data[0], stem.Data[0]), energy))
		}
	}
	sum := -base
	for s, e := range assign.Best(score) {
		sum += score[s][e]
	}
	return sum / float64(len(r.stems))
}

// silent is the SI-SDR in dB that counts for an estimate without sound.
const silent = -100

// random returns the mean gains of random groups as even as can be, without and with a part
// of the mixture.
func (o *options) random(r *recording, parts []*audiosep.Signal) (gain, plus float64) {
	rng := audiosep.Env{Seed: 1}.Rand(r.name)
	for range o.draws {
		groups := make([][]int, len(r.stems))
		for i, k := range rng.Perm(len(parts)) {
			groups[i%len(groups)] = append(groups[i%len(groups)], k)
		}
		sources := sums(parts, groups)
		gain += r.gain(sources, 0) / float64(o.draws)
		plus += r.gain(sources, fifth) / float64(o.draws)
	}
	return gain, plus
}

// oracle returns the sources that one who hears the stems would make of the components.
func oracle(r *recording, parts []*audiosep.Signal) []*audiosep.Signal {
	return sums(parts, oraclegroups.Groups(known.Products(parts, r.stems)))
}

// sums adds up the components of each group; each is in one.
func sums(parts []*audiosep.Signal, groups [][]int) []*audiosep.Signal {
	of := make([]int, len(parts))
	for j, group := range groups {
		for _, k := range group {
			of[k] = j
		}
	}
	return known.Sums(parts, len(groups), func(k int) int { return of[k] })
}
