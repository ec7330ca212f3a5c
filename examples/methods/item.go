package main

import (
	"context"
	"fmt"
	"math"
	"path/filepath"

	"gonum.org/v1/gonum/floats"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/metrics"
)

// item is a recording whose stems are known.
type item struct {
	name  string
	mix   *audiosep.Signal
	stems []*audiosep.Signal
}

// open reads a folder.
func open(folder string) (*item, error) {
	it := &item{name: filepath.Base(folder)}
	var err error
	if it.mix, _, err = audio.ReadFile(filepath.Join(folder, "mix.wav")); err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(folder, "stems", "*.wav"))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		s, _, err := audio.ReadFile(file)
		if err != nil {
			return nil, err
		}
		it.stems = append(it.stems, s)
	}
	if len(it.stems) < 2 {
		return nil, fmt.Errorf("%s has %d stems; want stems/*.wav, at least two", folder, len(it.stems))
	}
	return it, nil
}

// sums returns the sums of the stems that are, and are not, in a set of bits.
func (it *item) sums(set int) []audiosep.Source {
	parts := make([]audiosep.Source, 2)
	for i := range parts {
		sum := &audiosep.Signal{Rate: it.mix.Rate, Channels: it.mix.Channels}
		for l := range it.mix.Data {
			sum.Data = append(sum.Data, make([]float64, len(it.mix.Data[l])))
			for j, s := range it.stems {
				if set>>j&1 == i {
					floats.Add(sum.Data[l], s.Data[l])
				}
			}
		}
		parts[i] = sum
	}
	return parts
}

// measure returns the mean SI-SDR improvement of the two parts that a method makes, held against
// the stems put together to two in the way for which it is greatest.
func (it *item) measure(ctx context.Context, m method) (float64, error) {
	best := math.Inf(-1)
	var parts []*audiosep.Signal
	for set := 1; set < 1<<(len(it.stems)-1); set++ {
		refs := it.sums(set)
		if parts == nil || m.ideal {
			var err error
			if parts, err = m.run(ctx, it.mix, refs); err != nil {
				return 0, err
			}
			if len(parts) != 2 {
				return 0, fmt.Errorf("it makes %d parts; want 2", len(parts))
			}
		}
		report, err := metrics.Evaluate(ctx, refs, []audiosep.Source{parts[0], parts[1]}, it.mix, metrics.Options{Convention: metrics.SI, Match: metrics.MatchSDR})
		if err != nil {
			return 0, err
		}
		best = max(best, (report.Sources[0].Metrics[0].Improvement[0]+report.Sources[1].Metrics[0].Improvement[0])/2)
	}
	return best, nil
}
