package main

import (
	"context"
	"fmt"
	"math"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/examples/internal/known"
	"github.com/audiosep/audiosep/metrics"
)

// item is a recording whose stems are known.
type item struct{ *known.Recording }

// open reads a folder.
func open(folder string) (item, error) {
	r, err := known.Open(folder)
	if err == nil && len(r.Stems) < 2 {
		err = fmt.Errorf("%s has %d stem; want stems/*.wav, at least two", folder, len(r.Stems))
	}
	return item{r}, err
}

// sums returns the sums of the stems that are not, and are, in a set of bits.
func (it item) sums(set int) []audiosep.Source {
	parts := known.Sums(it.Stems, 2, func(j int) int { return set >> j & 1 })
	return []audiosep.Source{parts[0], parts[1]}
}

// measure returns the mean SI-SDR improvement of the two parts that a method makes, held against
// the stems put together to two in the way for which it is greatest.
func (it item) measure(ctx context.Context, m method) (float64, error) {
	best := math.Inf(-1)
	var parts []*audiosep.Signal
	for set := 1; set < 1<<(len(it.Stems)-1); set++ {
		refs := it.sums(set)
		if parts == nil || m.ideal {
			var err error
			if parts, err = m.run(ctx, it.Mix, refs); err != nil {
				return 0, err
			}
			if len(parts) != 2 {
				return 0, fmt.Errorf("it makes %d parts; want 2", len(parts))
			}
		}
		report, err := metrics.Evaluate(ctx, refs, []audiosep.Source{parts[0], parts[1]}, it.Mix, metrics.Options{Convention: metrics.SI, Match: metrics.MatchSDR})
		if err != nil {
			return 0, err
		}
		best = max(best, (report.Sources[0].Metrics[0].Improvement[0]+report.Sources[1].Metrics[0].Improvement[0])/2)
	}
	return best, nil
}
