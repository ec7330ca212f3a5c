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
// dB, with the convention above and the warnings below.
func (rs Reports) WriteText(w io.Writer) error {
	var b strings.Builder
	for i, r := range rs {
		if i > 0 {
			b.WriteByte('\n')
		}
		r.text(&b)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Report) text(b *strings.Builder) {
	fmt.Fprintf(b, "%s\n", r.settings())
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "reference\testimate\t")
	for _, m := range r.Sources[0].Metrics {
		fmt.Fprintf(t, "%s dB\t", m.Name)
		if m.Improvement != nil {
			fmt.Fprintf(t, "over mixture\t")
		}
	}
	fmt.Fprintln(t)
	for _, s := range r.Sources {
		fmt.Fprintf(t, "%s\t%s\t", printable(s.Name), printable(s.estimate()))
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
		fmt.Fprintf(b, "warning: %s\n", printable(warning))
	}
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
}

func (r *Report) document() document {
	doc := document{Convention: r.Convention, Settings: r.settings(), Warnings: r.Warnings}
	for _, s := range r.Sources {
		t := documentTarget{Name: s.Name}
		for i, e := range s.Estimates {
			f := documentFrame{Time: r.seconds(i * r.Hop), Duration: r.seconds(r.Window), Estimate: e}
			for _, m := range s.Metrics {
				addNumber(&f.Metrics, &f.Infinite, m.Name, m.Frames[i])
				if m.Improvement != nil {
					addNumber(&f.Improvement, &f.InfiniteImprovement, m.Name, m.Improvement[i])
				}
			}
			t.Frames = append(t.Frames, f)
		}
		doc.Targets = append(doc.Targets, t)
	}
	return doc
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

// WriteCSV writes one row for each report, source, frame and metric, under one header.
// Undefined ratios are empty, infinite ones are inf or -inf.
func (rs Reports) WriteCSV(w io.Writer) error {
	c := csv.NewWriter(w)
	c.Write([]string{"convention", "reference", "estimate", "time_s", "duration_s", "metric", "db", "improvement_db"})
	for _, r := range rs {
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
