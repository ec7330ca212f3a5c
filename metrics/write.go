package metrics

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/audiosep/audiosep/internal/counted"
)

// Reports are reports that are written together, such as those of several conventions.
type Reports []*Report

// WriteText writes the report alone, as [Reports.WriteText] does.
func (r *Report) WriteText(w io.Writer) error { return Reports{r}.WriteText(w) }

// WriteJSON writes the report alone, as [Reports.WriteJSON] does.
func (r *Report) WriteJSON(w io.Writer) error { return Reports{r}.WriteJSON(w) }

// WriteCSV writes the report alone, as [Reports.WriteCSV] does.
func (r *Report) WriteCSV(w io.Writer) error { return Reports{r}.WriteCSV(w) }

// WriteText writes for each report a table with a row a source, medians over frames in
// dB, with the convention above and the warnings below. Reports of several tracks by one
// convention share a table, which ends with the medians over the tracks.
func (rs Reports) WriteText(w io.Writer) error {
	var b strings.Builder
	for i := 0; i < len(rs); {
		n := 1
		for rs[i].Track != "" && i+n < len(rs) && rs[i].tableWith(rs[i+n]) {
			n++
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		rs[i : i+n].table(&b)
		i += n
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// tableWith tells whether two reports have the same columns.
func (r *Report) tableWith(o *Report) bool {
	return o.Track != "" && r.Convention == o.Convention && r.Estimator == o.Estimator &&
		(r.Sources[0].Metrics[0].Improvement == nil) == (o.Sources[0].Metrics[0].Improvement == nil)
}

// table writes reports of one convention, of one recording or of several tracks.
func (rs Reports) table(b *strings.Builder) {
	first, tracks := rs[0], rs[0].Track != ""
	if settings := first.settings(); tracks {
		if first.frames() > 1 {
			settings = first.settingsWith("medians of " + first.window())
		}
		fmt.Fprintf(b, "%s; %s\n", settings, counted.Of(len(rs), "track"))
	} else {
		fmt.Fprintln(b, settings)
	}
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
	if tracks {
		fmt.Fprint(t, "track\t")
	}
	fmt.Fprint(t, "reference\testimate\t")
	for _, m := range first.Sources[0].Metrics {
		fmt.Fprintf(t, "%s dB\t", m.Name)
		if m.Improvement != nil {
			fmt.Fprintf(t, "over mixture\t")
		}
	}
	fmt.Fprintln(t)
	for _, r := range rs {
		for _, s := range r.Sources {
			if tracks {
				fmt.Fprintf(t, "%s\t", printable(r.Track))
			}
			fmt.Fprintf(t, "%s\t%s\t", printable(s.Name), printable(s.estimate()))
			cells(t, s.Metrics)
			for c, m := range s.Channels {
				if tracks {
					fmt.Fprint(t, "\t")
				}
				fmt.Fprintf(t, "channel %d\t\t", c+1)
				cells(t, m)
			}
		}
	}
	for _, m := range rs.Medians() {
		fmt.Fprintf(t, "median of %d\t%s\t\t", m.Tracks, printable(m.Reference))
		cells(t, m.Metrics)
	}
	t.Flush()
	for _, r := range rs {
		for _, warning := range r.Warnings {
			if tracks {
				warning = r.Track + ": " + warning
			}
			fmt.Fprintf(b, "warning: %s\n", printable(warning))
		}
	}
}

// cells writes the medians of a row and ends it.
func cells(t io.Writer, metrics []Metric) {
	for _, m := range metrics {
		fmt.Fprintf(t, "%s\t", decimals(m.Median()))
		if m.Improvement != nil {
			fmt.Fprintf(t, "%s\t", decimals(m.MedianImprovement()))
		}
	}
	fmt.Fprintln(t)
}

// printable quotes what would not print as it is, such as a name that holds the
// control sequences of a terminal.
func printable(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(s)
	}
	return s
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

// WriteJSON writes a report in museval's layout, targets with their frames, beside
// what museval leaves out; several reports are an array of such documents.
//
// Every frame has every ratio. One that is not finite is null, which museval's reader
// and pandas take for NaN; infinite ones are also named under "infinite", as "inf" or
// "-inf".
func (rs Reports) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if len(rs) == 1 {
		return enc.Encode(rs[0].document())
	}
	docs := make([]document, len(rs))
	for i, r := range rs {
		docs[i] = r.document()
	}
	return enc.Encode(docs)
}

type document struct {
	Track      string           `json:"track,omitempty"`
	Estimator  string           `json:"estimator,omitempty"`
	Targets    []documentTarget `json:"targets"`
	Convention Convention       `json:"convention"`
	Settings   string           `json:"settings"`
	Warnings   []string         `json:"warnings,omitempty"`
}

type documentTarget struct {
	Name   string          `json:"name"`
	Frames []documentFrame `json:"frames"`
}

type documentFrame struct {
	Time                float64             `json:"time"`     // s
	Duration            float64             `json:"duration"` // s
	Estimate            string              `json:"estimate,omitempty"`
	Metrics             map[string]*float64 `json:"metrics"` // dB
	Infinite            map[string]string   `json:"infinite,omitempty"`
	Improvement         map[string]*float64 `json:"improvement,omitempty"`
	InfiniteImprovement map[string]string   `json:"infinite_improvement,omitempty"`
	Channels            []documentFrame     `json:"channels,omitempty"` // of the same time, each by itself
}

func (r *Report) document() document {
	doc := document{Track: r.Track, Estimator: r.Estimator, Convention: r.Convention, Settings: r.settings(), Warnings: r.Warnings}
	for _, s := range r.Sources {
		t := documentTarget{Name: s.Name}
		for i := range s.Estimates {
			f := r.documentFrame(s, s.Metrics, i)
			for _, m := range s.Channels {
				f.Channels = append(f.Channels, r.documentFrame(s, m, i))
			}
			t.Frames = append(t.Frames, f)
		}
		doc.Targets = append(doc.Targets, t)
	}
	return doc
}

func (r *Report) documentFrame(s Source, metrics []Metric, i int) documentFrame {
	f := documentFrame{Time: r.seconds(i * r.Hop), Duration: r.seconds(r.Window), Estimate: s.Estimates[i]}
	for _, m := range metrics {
		addNumber(&f.Metrics, &f.Infinite, m.Name, m.Frames[i])
		if m.Improvement != nil {
			addNumber(&f.Improvement, &f.InfiniteImprovement, m.Name, m.Improvement[i])
		}
	}
	return f
}

// addNumber adds x to numbers, and to infinite if it is; both are made when needed.
func addNumber(numbers *map[string]*float64, infinite *map[string]string, name string, x float64) {
	if *numbers == nil {
		*numbers = map[string]*float64{}
	}
	switch {
	case math.IsNaN(x):
		(*numbers)[name] = nil
	case math.IsInf(x, 0):
		(*numbers)[name] = nil
		if *infinite == nil {
			*infinite = map[string]string{}
		}
		(*infinite)[name] = exact(x)
	default:
		(*numbers)[name] = &x
	}
}

// WriteCSV writes one row for each report, source, frame, metric and channel, under one
// header. Undefined ratios are empty, infinite ones are inf or -inf. channel is empty for
// all channels together, track where there is one recording, estimator where the
// estimates were given.
func (rs Reports) WriteCSV(w io.Writer) error {
	c := csv.NewWriter(w)
	c.Write([]string{"convention", "reference", "estimate", "time_s", "duration_s", "metric", "db", "improvement_db", "channel", "track", "estimator"})
	for _, r := range rs {
		for _, s := range r.Sources {
			for i := range s.Estimates {
				r.rows(c, s, s.Metrics, i, "")
				for ch, m := range s.Channels {
					r.rows(c, s, m, i, strconv.Itoa(ch+1))
				}
			}
		}
	}
	c.Flush()
	return c.Error()
}

// rows writes the rows of a frame.
func (r *Report) rows(c *csv.Writer, s Source, metrics []Metric, i int, channel string) {
	for _, m := range metrics {
		gain := math.NaN()
		if m.Improvement != nil {
			gain = m.Improvement[i]
		}
		c.Write([]string{
			string(r.Convention), s.Name, s.Estimates[i], exact(r.seconds(i * r.Hop)), exact(r.seconds(r.Window)),
			m.Name, exact(m.Frames[i]), exact(gain), channel, r.Track, r.Estimator,
		})
	}
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
