package metrics

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
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

// WriteText writes a table with a row for each source, of medians over the frames in dB, with
// the convention above it and the warnings below.
func (r *Report) WriteText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", r.settings())
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "reference\testimate\t")
	for _, m := range r.Sources[0].Metrics {
		fmt.Fprintf(t, "%s dB\t", m.Name)
		if m.Improvement != nil {
			fmt.Fprintf(t, "over mixture\t")
		}
	}
	fmt.Fprintln(t)
	for _, s := range r.Sources {
		fmt.Fprintf(t, "%s\t%s\t", s.Name, s.estimate())
		for _, m := range s.Metrics {
			fmt.Fprintf(t, "%s\t", decimals(m.Median()))
			if m.Improvement != nil {
				fmt.Fprintf(t, "%s\t", decimals(m.MedianImprovement()))
			}
		}
		fmt.Fprintln(t)
	}
	t.Flush()
	for _, warning := range r.Warnings {
		fmt.Fprintf(&b, "warning: %s\n", warning)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// estimate names the estimate of all defined frames, "(varies)" if there are several.
func (s Source) estimate() string {
	name := ""
	for _, e := range s.Estimates {
		if e != "" && name != "" && e != name {
			return "(varies)"
		}
		name = max(name, e)
	}
	return name
}

func decimals(x float64) string {
	switch {
	case math.IsNaN(x):
		return "undefined"
	case math.IsInf(x, 0):
		return strings.Replace(strconv.FormatFloat(x, 'f', 2, 64), "Inf", "inf", 1)
	}
	return strconv.FormatFloat(x, 'f', 2, 64)
}

// WriteJSON writes the report in museval's layout, targets with their frames, and adds what
// museval does not have. Ratios that are not finite are left out, as JSON has no such numbers;
// museval reads NaN for them.
func (r *Report) WriteJSON(w io.Writer) error {
	type frame struct {
		Time        float64            `json:"time"`     // s
		Duration    float64            `json:"duration"` // s
		Estimate    string             `json:"estimate,omitempty"`
		Metrics     map[string]float64 `json:"metrics"` // dB
		Improvement map[string]float64 `json:"improvement,omitempty"`
	}
	type target struct {
		Name   string  `json:"name"`
		Frames []frame `json:"frames"`
	}
	doc := struct {
		Targets    []target   `json:"targets"`
		Convention Convention `json:"convention"`
		Settings   string     `json:"settings"`
		Warnings   []string   `json:"warnings,omitempty"`
	}{Convention: r.Convention, Settings: r.settings(), Warnings: r.Warnings}
	for _, s := range r.Sources {
		t := target{Name: s.Name}
		for i, e := range s.Estimates {
			f := frame{Time: r.seconds(i * r.Hop), Duration: r.seconds(r.Window), Estimate: e, Metrics: map[string]float64{}}
			for _, m := range s.Metrics {
				addFinite(f.Metrics, m.Name, m.Frames[i])
				if m.Improvement != nil {
					if f.Improvement == nil {
						f.Improvement = map[string]float64{}
					}
					addFinite(f.Improvement, m.Name, m.Improvement[i])
				}
			}
			t.Frames = append(t.Frames, f)
		}
		doc.Targets = append(doc.Targets, t)
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(doc)
}

func addFinite(to map[string]float64, name string, x float64) {
	if !math.IsNaN(x) && !math.IsInf(x, 0) {
		to[name] = x
	}
}

// WriteCSV writes one row for each source, frame and metric, under a header.
// Undefined ratios are empty, infinite ones are inf or -inf.
func (r *Report) WriteCSV(w io.Writer) error {
	c := csv.NewWriter(w)
	c.Write([]string{"convention", "reference", "estimate", "time_s", "duration_s", "metric", "db", "improvement_db"})
	for _, s := range r.Sources {
		for i, e := range s.Estimates {
			for _, m := range s.Metrics {
				gain := math.NaN()
				if m.Improvement != nil {
					gain = m.Improvement[i]
				}
				c.Write([]string{
					string(r.Convention), s.Name, e, exact(r.seconds(i * r.Hop)), exact(r.seconds(r.Window)),
					m.Name, exact(m.Frames[i]), exact(gain),
				})
			}
		}
	}
	c.Flush()
	return c.Error()
}

// exact writes x so that reading it gives the same number.
func exact(x float64) string {
	switch {
	case math.IsNaN(x):
		return ""
	case math.IsInf(x, 1):
		return "inf"
	case math.IsInf(x, -1):
		return "-inf"
	}
	return strconv.FormatFloat(x, 'g', -1, 64)
}
