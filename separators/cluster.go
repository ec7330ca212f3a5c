package separators

import (
	"context"
	"math"
	"math/rand/v2"

	"github.com/audiosep/audiosep"
)

const (
	clusterTries  = 20
	clusterRounds = 100
	// clusterLoudness is the exponent of a component's power in its weight: between 1, with
	// which a soft source is swallowed by the rounding of loud ones, and 0.5, with which many
	// soft components outvote what is heard. Chosen on made-up mixtures of stems of different
	// recordings, where 0.5 to 1 differ by 0.3 dB.
	clusterLoudness = 0.75
)

// cluster divides the components of f into j groups by k-means, weighted by the power that is
// heard of each, on the features
//
//	√(1-weight)·e, √weight·a
//
// e being a component's log-mel spectrum without its mean, a the root of its power in each
// frame without its mean, both scaled to norm 1. So distances are those of the correlations
// of Casey and Westner (2000) and Spiertz and Gnann (2009). v is the mixture's power, nil
// where it is not known. The best of several starts (Arthur and Vassilvitskii, k-means++,
// 2007) is kept. Groups are ordered by their first component, and none is empty.
func cluster(ctx context.Context, env audiosep.Env, v audiosep.Power, f *audiosep.Factors, j int, weight float64) ([][]int, error) {
	h, err := hear(ctx, v, f)
	if err != nil {
		return nil, err
	}
	m := &kMeans{points: h.features(weight), weights: make([]float64, f.Rank()), rng: env.Rand("cluster")}
	for k, s := range h.spectra {
		sum := 0.0
		for _, p := range s {
			sum += p
		}
		m.weights[k] = math.Pow(sum, clusterLoudness)
	}
	var best []int
	least := math.Inf(1)
	for range clusterTries {
		of, cost, err := m.run(ctx, j)
		if err != nil {
			return nil, err
		}
		if best == nil || cost < least {
			best, least = of, cost
		}
	}
	return inOrder(best, j), nil
}

// features returns one point for each component.
func (h *heard) features(weight float64) [][]float64 {
	points := make([][]float64, len(h.spectra))
	for k := range points {
		if weight < 1 {
			for _, x := range unit(logMel(h.spectra[k], h.hz)) {
				points[k] = append(points[k], math.Sqrt(1-weight)*x)
			}
		}
		if weight > 0 {
			for _, x := range unit(centred(roots(h.activations[k]))) {
				points[k] = append(points[k], math.Sqrt(weight)*x)
			}
		}
	}
	return points
}

// centred takes the mean of x from x, in place.
func centred(x []float64) []float64 {
	mean := 0.0
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for i := range x {
		x[i] -= mean
	}
	return x
}

// inOrder returns the groups that of tells, each in order, by their first component.
func inOrder(of []int, j int) [][]int {
	number := make([]int, j) // 1 and on, of each group as it is met
	var groups [][]int
	for k, g := range of {
		if number[g] == 0 {
			groups = append(groups, nil)
			number[g] = len(groups)
		}
		groups[number[g]-1] = append(groups[number[g]-1], k)
	}
	return groups
}

// kMeans are points with weights ≥ 0.
type kMeans struct {
	points  [][]float64
	weights []float64
	rng     *rand.Rand
}

// run returns which of j groups each point is in, after one start of Lloyd's iteration, and
// the weighted sum of squared distances to the groups' means. There are at least j points.
func (m *kMeans) run(ctx context.Context, j int) (of []int, cost float64, err error) {
	means := m.start(j)
	of = make([]int, len(m.points))
	far := make([]float64, len(m.points))
	for i := range clusterRounds {
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
		moved := i == 0
		cost = 0
		for k, x := range m.points {
			g, d := nearest(x, means)
			moved = moved || g != of[k]
			of[k], far[k] = g, d
			cost += m.weights[k] * d
		}
		m.fill(of, far, j)
		if !moved {
			break
		}
		m.average(means, of)
	}
	return of, cost, nil
}

// start draws j points as means: each with a probability that grows with its weight and its
// squared distance from those drawn before.
func (m *kMeans) start(j int) [][]float64 {
	means := make([][]float64, 0, j)
	for range j {
		means = append(means, m.draw(means))
	}
	return means
}

// nearest returns which mean is the nearest to x, the first of equals, and its squared
// distance.
func nearest(x []float64, means [][]float64) (at int, least float64) {
	least = math.Inf(1)
	for g, mean := range means {
		d := 0.0
		for i, v := range x {
			d += (v - mean[i]) * (v - mean[i])
		}
		if d < least {
			at, least = g, d
		}
	}
	return at, least
}

// fill gives each empty group the point that is the farthest from its own mean, of a group
// that has others.
func (m *kMeans) fill(of []int, far []float64, j int) {
	size := make([]int, j)
	for _, g := range of {
		size[g]++
	}
	for g := range size {
		if size[g] > 0 {
			continue
		}
		worst := -1
		for k := range of {
			if size[of[k]] > 1 && (worst < 0 || m.weights[k]*far[k] > m.weights[worst]*far[worst]) {
				worst = k
			}
		}
		size[of[worst]]--
		of[worst], far[worst], size[g] = g, 0, 1
	}
}

// average sets the means to those of their groups; a group of points without weight has
// the plain mean.
func (m *kMeans) average(means [][]float64, of []int) {
	for g := range means {
		sum, n := 0.0, 0
		for k, in := range of {
			if in == g {
				sum += m.weights[k]
				n++
			}
		}
		clear(means[g])
		for k, x := range m.points {
			if of[k] != g {
				continue
			}
			w := 1 / float64(n)
			if sum > 0 {
				w = m.weights[k] / sum
			}
			for i, v := range x {
				means[g][i] += w * v
			}
		}
	}
}
