package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/examples/internal/known"
	"github.com/audiosep/audiosep/metrics"
)

// item is a recording whose stems are known.
type item struct {
	known.Recording
	draw uint64 // of random mistakes
	room bool   // its channels are microphones
}

// voice tells whether one of the stems is speech.
func (it *item) voice() bool { return slices.Contains(it.Names, "speech") }

// first returns the first microphone of a recording.
func (it *item) first() *item {
	one := *it
	one.Mix = firstChannel(it.Mix)
	one.Stems = nil
	for _, s := range it.Stems {
		one.Stems = append(one.Stems, firstChannel(s))
	}
	return &one
}

func firstChannel(s *audiosep.Signal) *audiosep.Signal {
	return &audiosep.Signal{Rate: s.Rate, Channels: 1, Data: s.Data[:1]}
}

// open reads a folder.
func open(folder string) (*item, error) {
	r, err := known.Open(folder)
	if err != nil {
		return nil, err
	}
	return &item{Recording: *r}, nil
}

// part returns samples from to to-1 of a signal.
func part(s *audiosep.Signal, from, to int) *audiosep.Signal {
	out := &audiosep.Signal{Rate: s.Rate, Channels: s.Channels}
	for _, x := range s.Data {
		out.Data = append(out.Data, x[from:to])
	}
	return out
}

// halves returns the two halves of a signal.
func halves(s *audiosep.Signal) (first, second *audiosep.Signal) {
	n := len(s.Data[0])
	return part(s, 0, n/2), part(s, n/2, n)
}

// measure returns the mean SI-SDR improvement of a method over the stems and over its draws; of
// several microphones on the first.
func (it *item) measure(ctx context.Context, m method) (mean float64, err error) {
	draws := max(1, m.draws)
	for draw := range draws {
		own := *it
		own.draw = uint64(draw)
		x, err := own.once(ctx, m)
		if err != nil {
			return 0, err
		}
		mean += x / float64(draws)
	}
	return mean, nil
}

func (it *item) once(ctx context.Context, m method) (float64, error) {
	if m.mono {
		it = it.first()
	}
	names, ests, err := m.run(ctx, it)
	if err != nil {
		return 0, err
	}
	if it.room {
		it = it.first()
		for j := range ests {
			ests[j] = firstChannel(ests[j])
		}
	}
	var refs, chosen []audiosep.Source
	var mix audiosep.Source = it.Mix
	if m.half {
		_, second := halves(it.Mix)
		mix = second
	}
	for j, stem := range it.Stems {
		if m.half {
			_, stem = halves(stem)
		}
		var est audiosep.Source
		for k, name := range names {
			if name == it.Names[j] {
				est = ests[k]
			}
		}
		if m.match {
			est = ests[j]
		}
		if est == nil {
			return 0, fmt.Errorf("there is no stem %q among %q", it.Names[j], names)
		}
		refs, chosen = append(refs, stem), append(chosen, est)
	}
	o := metrics.Options{Convention: metrics.SI, Match: metrics.MatchGiven}
	if m.match {
		o.Match = metrics.MatchSDR
	}
	report, err := metrics.Evaluate(ctx, refs, chosen, mix, o)
	if err != nil {
		return 0, err
	}
	var sum float64
	for _, s := range report.Sources {
		sum += s.Metrics[0].Improvement[0] / float64(len(report.Sources))
	}
	return sum, nil
}
