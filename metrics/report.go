package metrics

import (
	"fmt"
	"math"
	"slices"
)

// Report holds the ratios of one convention.
type Report struct {
	Track       string // the name of the recording, where there are several
	Estimator   string // what made the estimates, where they were not given, such as an ideal mask
	Convention  Convention
	Definition  string // what the convention allows, in words
	Rate        int    // Hz
	Samples     int    // per channel
	Channels    int
	Window, Hop int // of the frames, in samples; Window is Samples if there is one frame
	Taps        int // of the filters; 0 when only a gain is fitted
	Load        float64
	ZeroMean    bool
	Match       Match
	Sources     []Source
	Warnings    []string // what makes numbers doubtful, a sentence each
}

// Source holds the ratios of one reference and the estimate matched with it.
type Source struct {
	Name      string   // of the reference
	Estimates []string // [frame] the name of the estimate; empty where the frame is undefined
	Metrics   []Metric
	Channels  [][]Metric // [channel] of each by itself; nil unless asked for
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
	if n := r.frames(); n > 1 {
		return r.settingsWith(fmt.Sprintf("median of %d %s", n, r.window()))
	}
	return r.settingsWith("one frame")
}

func (r *Report) settingsWith(frames string) string {
	s := fmt.Sprintf("%s: %s", r.Convention, r.Definition)
	if r.Taps > 0 {
		s += fmt.Sprintf("; %d taps", r.Taps)
	}
	if r.Load > 0 {
		s += fmt.Sprintf("; load %g", r.Load)
	}
	if r.ZeroMean {
		s += "; means removed"
	}
	s += "; " + frames
	if r.Estimator != "" {
		return s + "; estimates are " + r.Estimator
	}
	return s + "; estimates matched by " + map[Match]string{MatchGiven: "order", MatchSIR: "best mean SIR", MatchSDR: "best mean SDR"}[r.Match]
}

// window describes the frames, in seconds.
func (r *Report) window() string {
	return fmt.Sprintf("frames of %.4g s every %.4g s", r.seconds(r.Window), r.seconds(r.Hop))
}

func (r *Report) frames() int { return len(r.Sources[0].Estimates) }

func (r *Report) seconds(samples int) float64 { return float64(samples) / float64(r.Rate) }

// TrackMedian holds the medians over tracks of one reference's medians over frames, by
// one convention.
type TrackMedian struct {
	Convention Convention
	Estimator  string // as in Report
	Reference  string
	Tracks     int      // that have the reference
	Metrics    []Metric // a frame for each track: its median
}

// Medians returns the medians over the reports of tracks, in order of their first
// appearance; none for reports without a track. Undefined ratios do not count.
func (rs Reports) Medians() []TrackMedian {
	var all []TrackMedian
	for _, r := range rs {
		if r.Track == "" {
			continue
		}
		for _, s := range r.Sources {
			i := slices.IndexFunc(all, func(m TrackMedian) bool {
				return m.Convention == r.Convention && m.Estimator == r.Estimator && m.Reference == s.Name
			})
			if i < 0 {
				i = len(all)
				all = append(all, TrackMedian{Convention: r.Convention, Estimator: r.Estimator, Reference: s.Name})
			}
			all[i].add(s)
		}
	}
	return all
}

// add adds the medians of a track.
func (t *TrackMedian) add(s Source) {
	t.Tracks++
	for k, m := range s.Metrics {
		if t.Tracks == 1 {
			t.Metrics = append(t.Metrics, Metric{Name: m.Name})
		}
		t.Metrics[k].Frames = append(t.Metrics[k].Frames, m.Median())
		if m.Improvement != nil {
			t.Metrics[k].Improvement = append(t.Metrics[k].Improvement, m.MedianImprovement())
		}
	}
}
