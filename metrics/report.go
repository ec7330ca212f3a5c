package metrics

import (
	"fmt"
	"math"
	"slices"
)

// Report holds the ratios of one convention.
type Report struct {
	Convention  Convention
	Definition  string // what the convention allows, in words
	Rate        int    // Hz
	Samples     int    // per channel
	Channels    int
	Window, Hop int // of the frames, in samples; Window is Samples if there is one frame
	Taps        int // of the filters; 0 when only a gain is fitted
	Match       Match
	Sources     []Source
	Warnings    []string // what makes numbers doubtful, a sentence each
}

// Source holds the ratios of one reference and the estimate matched with it.
type Source struct {
	Name      string   // of the reference
	Estimates []string // [frame] the name of the estimate; empty where the frame is undefined
	Metrics   []Metric
}

// Metric is one ratio in dB. It is +Inf where nothing is below the fraction's bar and
// NaN where it is undefined.
type Metric struct {
	Name        string
	Frames      []float64
	Improvement []float64 // over taking the mixture for the estimate; nil without a mixture
}

// Median returns the median over the frames in which the ratio is defined, NaN when
// there are none.
func (m Metric) Median() float64 { return median(m.Frames) }

// MedianImprovement returns the median of the frames' improvements, NaN when there
// are none.
func (m Metric) MedianImprovement() float64 { return median(m.Improvement) }

func median(frames []float64) float64 {
	defined := slices.DeleteFunc(slices.Clone(frames), math.IsNaN)
	slices.Sort(defined)
	n := len(defined)
	if n == 0 {
		return math.NaN()
	}
	if lo, hi := defined[(n-1)/2], defined[n/2]; lo != hi {
		return (lo + hi) / 2
	}
	return defined[n/2]
}

// settings says how the numbers were made: convention, filters, frames.
func (r *Report) settings() string {
	s := fmt.Sprintf("%s: %s", r.Convention, r.Definition)
	if r.Taps > 0 {
		s += fmt.Sprintf("; %d taps", r.Taps)
	}
	if n := r.frames(); n > 1 {
		s += fmt.Sprintf("; median of %d frames of %.4g s every %.4g s", n, r.seconds(r.Window), r.seconds(r.Hop))
	} else {
		s += "; one frame"
	}
	return s + "; estimates matched by " + map[Match]string{MatchGiven: "order", MatchSIR: "best mean SIR", MatchSDR: "best mean SDR"}[r.Match]
}

func (r *Report) frames() int { return len(r.Sources[0].Estimates) }

func (r *Report) seconds(samples int) float64 { return float64(samples) / float64(r.Rate) }
