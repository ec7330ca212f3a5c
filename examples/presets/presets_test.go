package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/presets"
)

// Every preset is measured, but for drums: no recording at hand is a drum loop.
func TestEveryPreset(t *testing.T) {
	measured := []string{"drums"}
	for _, j := range jobs {
		measured = append(measured, j.preset)
	}
	slices.Sort(measured)
	if !slices.Equal(measured, presets.Names()) {
		t.Errorf("measured are %s; want %s", measured, presets.Names())
	}
}

// Partitions are all ways to put signals together, each once: Stirling's numbers of the second kind.
func TestPartitions(t *testing.T) {
	for _, test := range []struct{ signals, groups, want int }{{1, 1, 1}, {3, 2, 3}, {4, 2, 7}, {4, 3, 6}, {4, 4, 1}, {2, 2, 1}} {
		var signals []*audiosep.Signal
		for i := range test.signals {
			signals = append(signals, &audiosep.Signal{Rate: 1, Channels: 1, Data: [][]float64{{float64(int(1) << i)}}})
		}
		seen := map[string]bool{}
		for parts := range partitions(signals, test.groups) {
			var sums []string
			total := 0.0
			for _, p := range parts {
				sums, total = append(sums, fmt.Sprint(p.Data[0][0])), total+p.Data[0][0]
			}
			slices.Sort(sums)
			seen[strings.Join(sums, " ")] = true
			if want := float64(int(1)<<test.signals - 1); total != want {
				t.Errorf("%d in %d: %v sum to %v; want %v", test.signals, test.groups, sums, total, want)
			}
		}
		if len(seen) != test.want {
			t.Errorf("%d signals in %d groups: %d ways %v; want %d", test.signals, test.groups, len(seen), seen, test.want)
		}
	}
}
