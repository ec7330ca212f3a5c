package notes

import (
	"fmt"
	"slices"
)

// tempo is one of a score, in force from a place on.
type tempo struct {
	at      float64 // in quarter notes from the beginning
	quarter float64 // duration of a quarter note in s
}

// tempi is a tempo map: the seconds at any place of a score.
type tempi struct {
	all     []tempo
	seconds []float64 // at each of all
}

// newTempi makes a map of tempi in any order; of those at one place the last is in force. It is
// 120 quarter notes a minute before the first.
func newTempi(all []tempo) *tempi {
	all = append([]tempo{{0, 0.5}}, all...)
	slices.SortStableFunc(all, func(a, b tempo) int {
		switch {
		case a.at < b.at:
			return -1
		case a.at > b.at:
			return 1
		}
		return 0
	})
	m := &tempi{all, make([]float64, len(all))}
	for i := 1; i < len(all); i++ {
		m.seconds[i] = m.seconds[i-1] + (all[i].at-all[i-1].at)*all[i-1].quarter
	}
	return m
}

// at returns the time of a place.
func (m *tempi) at(quarters float64) float64 {
	i, _ := slices.BinarySearchFunc(m.all, quarters, func(t tempo, q float64) int {
		if t.at <= q {
			return -1
		}
		return 1
	})
	i = max(i-1, 0)
	return m.seconds[i] + (quarters-m.all[i].at)*m.all[i].quarter
}

// checkTempo refuses what is no tempo.
func checkTempo(perMinute float64) error {
	if !(perMinute >= 1 && perMinute <= 10000) {
		return fmt.Errorf("the tempo is %g quarter notes a minute; want 1 to 10000", perMinute)
	}
	return nil
}
