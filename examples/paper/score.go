package main

import (
	"context"
	"fmt"
	"math"
	"strconv"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/metrics"
)

// scene is the recordings of an experiment: the mixtures, and each source alone.
type scene struct {
	Mix     *audiosep.Signal
	Sources []*audiosep.Signal
}

func newScene(seed uint64, realisations int) (scene, error) {
	p := audio.PaperNotes()
	p.Seed, p.Realisations = seed, realisations
	mix, sources, err := audio.SynthNotes(p)
	return scene{mix, sources}, err
}

// ratioNames are the three measures of BSS Eval, in the order of a ratios.
var ratioNames = [3]string{"SDR", "SIR", "SAR"}

// Indices of a ratios.
const (
	sdr = iota
	sir
)

// ratios of one source, in dB, in the order of ratioNames.
type ratios [3]float64

// score is how well the sources of recordings came out.
type score struct {
	Each       [][]ratios // [realisation][source]
	Components []int      // [source] the estimate that is the source's, in realisation 0
}

// Mean returns the mean over the realisations, [source].
func (s score) Mean() []ratios {
	mean := make([]ratios, len(s.Each[0]))
	for _, sources := range s.Each {
		for j, r := range sources {
			for i, x := range r {
				mean[j][i] += x / float64(len(s.Each))
			}
		}
	}
	return mean
}

// evaluate measures estimates with BSS Eval 2.1, each realisation by itself.
func (s scene) evaluate(ctx context.Context, estimates []*audiosep.Signal) (score, error) {
	var sc score
	for r := range s.Mix.Data {
		report, err := metrics.Evaluate(ctx, alone(s.Sources, r), alone(estimates, r), nil, metrics.Options{Convention: metrics.V2})
		if err != nil {
			return sc, err
		}
		each := make([]ratios, len(report.Sources))
		for j, source := range report.Sources {
			for i, name := range ratioNames {
				if each[j][i], err = ratio(source, name); err != nil {
					return sc, err
				}
			}
			if r == 0 {
				n, err := strconv.Atoi(source.Estimates[0])
				if err != nil {
					return sc, err
				}
				sc.Components = append(sc.Components, n-1)
			}
		}
		sc.Each = append(sc.Each, each)
	}
	return sc, nil
}

// alone returns one realisation of each signal.
func alone(signals []*audiosep.Signal, realisation int) []audiosep.Source {
	out := make([]audiosep.Source, len(signals))
	for j, s := range signals {
		out[j] = &audiosep.Signal{Rate: s.Rate, Data: s.Data[realisation : realisation+1]}
	}
	return out
}

func ratio(s metrics.Source, name string) (float64, error) {
	for _, m := range s.Metrics {
		if m.Name == name {
			return m.Frames[0], nil
		}
	}
	return 0, fmt.Errorf("there is no %s among the measures of source %s", name, s.Name)
}

// spread is a mean with a standard deviation, that of a sample.
type spread struct{ Mean, SD float64 }

func spreadOf(x []float64) spread {
	var s spread
	for _, v := range x {
		s.Mean += v / float64(len(x))
	}
	for _, v := range x {
		s.SD += (v - s.Mean) * (v - s.Mean)
	}
	s.SD = math.Sqrt(s.SD / max(1, float64(len(x)-1)))
	return s
}

func (s spread) String() string { return fmt.Sprintf("%.2f (%.2f)", s.Mean, s.SD) }
