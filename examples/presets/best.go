package main

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"strings"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/examples/internal/known"
	"github.com/audiosep/audiosep/metrics"
)

// read returns the stems of a folder, without those whose names end as ignored.
func read(dir, ignore string) (stems []*audiosep.Signal, err error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.wav"))
	for _, file := range files {
		if ignore != "" && strings.HasSuffix(file, ignore) {
			continue
		}
		s, _, err := audio.ReadFile(file)
		if err != nil {
			return nil, err
		}
		stems = append(stems, s)
	}
	if err == nil && len(stems) == 0 {
		err = fmt.Errorf("it wrote no stems to %s", dir)
	}
	return stems, err
}

// best returns the mean SI-SDR improvement of the stems that were made. Which is which is taken
// from what suits them best, and so is what belongs together where a preset makes another
// number of stems than there are: made stems are added up, or the recording's are.
func best(ctx context.Context, r *known.Recording, made []*audiosep.Signal) (float64, error) {
	groups := min(len(made), len(r.Stems))
	most := math.Inf(-1)
	for ests := range partitions(made, groups) {
		for refs := range partitions(r.Stems, groups) {
			report, err := metrics.Evaluate(ctx, sources(refs), sources(ests), r.Mix, metrics.Options{Convention: metrics.SI, Match: metrics.MatchSDR})
			if err != nil {
				return 0, err
			}
			var mean float64
			for _, s := range report.Sources {
				mean += s.Metrics[0].Improvement[0] / float64(groups)
			}
			most = max(most, mean)
		}
	}
	return most, nil
}

func sources(signals []*audiosep.Signal) (out []audiosep.Source) {
	for _, s := range signals {
		out = append(out, s)
	}
	return out
}

// partitions yields the sums of signals put together to so many groups, none of them empty, in
// every way, but for the order of the groups.
func partitions(signals []*audiosep.Signal, groups int) func(yield func([]*audiosep.Signal) bool) {
	of := make([]int, len(signals)) // the group of each
	return func(yield func([]*audiosep.Signal) bool) {
		var assign func(i, used int) bool
		assign = func(i, used int) bool {
			if i == len(signals) {
				return used < groups || yield(known.Sums(signals, groups, func(i int) int { return of[i] }))
			}
			for g := range min(used+1, groups) { // a new group, or one that is begun
				of[i] = g
				if !assign(i+1, max(used, g+1)) {
					return false
				}
			}
			return true
		}
		assign(0, 0)
	}
}
