package main

import (
	"context"
	"fmt"

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

func (it *item) firstMicrophone() *item {
	return &item{Recording: *it.First(), draw: it.draw, room: it.room}
}

// open reads a folder.
func open(folder string) (*item, error) {
	r, err := known.Open(folder)
	if err != nil {
		return nil, err
	}
	return &item{Recording: *r}, nil
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
		it = it.firstMicrophone()
	}
	names, ests, err := m.run(ctx, it)
	if err != nil {
		return 0, err
	}
	if it.room {
		it = it.firstMicrophone()
		for j := range ests {
			ests[j] = known.FirstChannel(ests[j])
		}
	}
	var refs, chosen []audiosep.Source
	var mix audiosep.Source = it.Mix
	if m.half {
		_, second := known.Halves(it.Mix)
		mix = second
	}
	for j, stem := range it.Stems {
		if m.half {
			_, stem = known.Halves(stem)
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
