package separators

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/counted"
)

// Suggestion is what clustering says of the components that nobody has put into a source.
type Suggestion struct {
	// Of has the source of each component, from 0 on; of those that are known, what is known.
	Of []int
	// Confidence is 1 - d/D, d being the squared distance of a component from the mean of the
	// others of its source and D that from the mean of the next: 0 where the two are alike or
	// there are no others, 1 for what is known. With one source it is 1.
	Confidence []float64
	// Heard is the power that is heard of each component, as part of the power of all.
	Heard []float64
}

// Suggest puts the components of f into sources, of which some are known: known[k] is the
// source of component k, from 0 on, or -1. It is the k_means of [Grouping], with what is
// known held: components are weighted by the power that is heard of each in a mixture of
// power v (nil: where that is not known), and compared by spectra and, as weight says, by
// activations. A source of which nothing is known begins where the others are far.
func Suggest(ctx context.Context, env audiosep.Env, v audiosep.Power, f *audiosep.Factors, known []int, sources int, weight float64) (*Suggestion, error) {
	if f == nil || f.W == nil || f.H == nil {
		return nil, fmt.Errorf("the factors lack W or H; want both")
	}
	if len(known) != f.Rank() {
		return nil, &audiosep.ShapeError{What: "known", Is: counted.Of(len(known), "entry"), Want: fmt.Sprintf("%d, one for each component", f.Rank())}
	}
	for k, j := range known {
		if j < -1 || j >= sources {
			return nil, fmt.Errorf("component %d is in source %d; want -1 to %d", k, j, sources-1)
		}
	}
	if !(weight >= 0 && weight <= 1) || sources < 1 {
		return nil, fmt.Errorf("the weight is %v and %s; want 0 to 1, and at least one", weight, counted.There(sources, "source"))
	}
	h, err := hear(ctx, v, f)
	if err != nil {
		return nil, err
	}
	m := &kMeans{points: h.features(weight), weights: make([]float64, f.Rank()), rng: env.Rand("suggest")}
	s := &Suggestion{Heard: make([]float64, f.Rank())}
	all := 0.0
	for k, spectrum := range h.spectra {
		for _, p := range spectrum {
			s.Heard[k] += p
		}
		m.weights[k] = math.Pow(s.Heard[k], clusterLoudness)
		all += s.Heard[k]
	}
	for k := range s.Heard {
		if all > 0 {
			s.Heard[k] /= all
		}
	}
	least := math.Inf(1)
	for range clusterTries {
		of, means, cost := m.around(known, sources)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if cost < least {
			least, s.Of, s.Confidence = cost, of, m.confidence(of, means, known)
		}
	}
	return s, nil
}

// around returns which source each point is in, after one start of Lloyd's iteration in which
// the points that are known stay where they are, and the sources' means.
func (m *kMeans) around(known []int, sources int) (of []int, means [][]float64, cost float64) {
	of = append([]int(nil), known...)
	means = m.startAround(known, sources)
	for range clusterRounds {
		moved := false
		cost = 0
		for k, x := range m.points {
			j, d := nearest(x, means)
			if known[k] >= 0 {
				j, d = known[k], squaredDistance(x, means[known[k]])
			}
			cost += m.weights[k] * d
			moved = moved || of[k] != j
			of[k] = j
		}
		if !moved {
			break
		}
		before := make([][]float64, sources)
		for j := range means {
			before[j] = append([]float64(nil), means[j]...)
		}
		m.average(means, of)
		for j := range means { // a source without components stays where it began
			if !slices.Contains(of, j) {
				means[j] = before[j]
			}
		}
	}
	return of, means, cost
}

// startAround returns the means of what is known of each source; a source of which nothing is
// known has a point drawn with a probability that grows with its weight and its squared
// distance from those before.
func (m *kMeans) startAround(known []int, sources int) [][]float64 {
	means := make([][]float64, sources)
	for j := range means {
		means[j] = make([]float64, len(m.points[0]))
	}
	m.average(means, known)
	var there [][]float64
	for j := range means {
		if slices.Contains(known, j) {
			there = append(there, means[j])
		}
	}
	for j := range means {
		if !slices.Contains(known, j) {
			means[j] = m.draw(there)
			there = append(there, means[j])
		}
	}
	return means
}

// draw draws a point far from means.
func (m *kMeans) draw(means [][]float64) []float64 {
	chance, sum := make([]float64, len(m.points)), 0.0
	for k, x := range m.points {
		chance[k] = m.weights[k]
		if len(means) > 0 {
			_, d := nearest(x, means)
			chance[k] *= d
		}
		sum += chance[k]
	}
	at, left := m.rng.IntN(len(m.points)), sum*m.rng.Float64()
	for k := 0; sum > 0 && k < len(chance); k++ {
		if chance[k] > 0 {
			at = k
		}
		if left -= chance[k]; left < 0 {
			break
		}
	}
	return append([]float64(nil), m.points[at]...)
}

// confidence returns how much nearer each point is to the mean of the others of its source
// than to any other mean; one that has no others is no evidence of a source, and has 0.
func (m *kMeans) confidence(of []int, means [][]float64, known []int) []float64 {
	out := make([]float64, len(of))
	for k, x := range m.points {
		own, next := m.fromOthers(k, of, means[of[k]]), math.Inf(1)
		for j, mean := range means {
			if j != of[k] {
				next = min(next, squaredDistance(x, mean))
			}
		}
		switch {
		case known[k] >= 0 || len(means) == 1:
			out[k] = 1
		case next > 0:
			out[k] = max(0, 1-own/next)
		}
	}
	return out
}

// fromOthers returns the squared distance of point k from the weighted mean of the others of
// its source, infinity if there are none that weigh anything.
func (m *kMeans) fromOthers(k int, of []int, mean []float64) float64 {
	rest := 0.0
	for i, j := range of {
		if j == of[k] && i != k {
			rest += m.weights[i]
		}
	}
	if rest == 0 {
		return math.Inf(1)
	}
	// x - (M·mean - w·x)/(M-w) = (x - mean)·M/(M-w), M being the weight of all and w that of x.
	away := (rest + m.weights[k]) / rest
	return away * away * squaredDistance(m.points[k], mean)
}

func squaredDistance(x, y []float64) float64 {
	d := 0.0
	for i, v := range x {
		d += (v - y[i]) * (v - y[i])
	}
	return d
}
