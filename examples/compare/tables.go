package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// tables prints what a comparison has found, as Markdown.
type tables struct {
	*comparison
	methods []method
}

func newTables(c *comparison, methods []method) *tables { return &tables{c, methods} }

func (t *tables) write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %d components for each stem, %d seeds. Gains over the mixture in dB, mean over the stems.\n", t.sound(), t.components, t.seeds)
	for _, m := range t.methods {
		fmt.Fprintf(&b, "- `%s`: %s\n", m.name, m.doc)
	}
	for _, grouping := range []string{oracle, blind} {
		for _, r := range ratios {
			t.gainTable(&b, grouping, r.name)
		}
	}
	for _, base := range t.against {
		t.differences(&b, base)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (t *tables) sound() string {
	s := "Mean of the channels"
	if t.stereo {
		s = "All channels"
	}
	if t.seconds > 0 {
		s += fmt.Sprintf(", the first %g s", t.seconds)
	}
	return s
}

// gainTable has a row for each item and a column for each method.
func (t *tables) gainTable(b *strings.Builder, grouping, metric string) {
	fmt.Fprintf(b, "\n%s, %s grouping, mean ± standard deviation over the seeds\n\n| |", metric, grouping)
	for _, m := range t.methods {
		fmt.Fprintf(b, " %s |", m.name)
	}
	fmt.Fprintf(b, " %s |\n|---|%s\n", ideal, strings.Repeat("--:|", len(t.methods)+1))
	all := make([][]float64, len(t.methods)+1) // means of each column
	for _, item := range t.items {
		fmt.Fprintf(b, "| %s |", item)
		for i, m := range t.methods {
			gains := t.overSeeds(item, m.name, grouping, metric)
			fmt.Fprintf(b, " %.2f ± %.2f |", mean(gains), deviation(gains))
			all[i] = append(all[i], mean(gains))
		}
		ceiling := mean(t.gains(item, ideal, ideal, 0, metric))
		fmt.Fprintf(b, " %.2f |\n", ceiling)
		all[len(t.methods)] = append(all[len(t.methods)], ceiling)
	}
	fmt.Fprint(b, "| **mean** |")
	for _, column := range all {
		fmt.Fprintf(b, " **%.2f** |", mean(column))
	}
	fmt.Fprintln(b)
}

// overSeeds returns the mean gain of the stems for each seed.
func (t *tables) overSeeds(item, method, grouping, metric string) []float64 {
	var gains []float64
	for seed := 1; seed <= t.seeds; seed++ {
		gains = append(gains, mean(t.gains(item, method, grouping, seed, metric)))
	}
	return gains
}

// differences compares every method with base, item by item. Twice the standard error is
// what chance alone may well do.
func (t *tables) differences(b *strings.Builder, base string) {
	fmt.Fprintf(b, "\nAgainst %s: mean difference ± twice its standard error over the items; items won and lost by more than 0.1 dB\n\n", base)
	fmt.Fprintln(b, "| | grouping | metric | difference | won | lost | worst item |\n|---|---|---|--:|--:|--:|---|")
	for _, m := range t.methods {
		if m.name == base {
			continue
		}
		for _, grouping := range []string{oracle, blind} {
			for _, r := range ratios {
				fmt.Fprintf(b, "| %s | %s | %s | %s\n", m.name, grouping, r.name, t.difference(base, m.name, grouping, r.name))
			}
		}
	}
}

func (t *tables) difference(base, method, grouping, metric string) string {
	var ds []float64
	won, lost, worst := 0, 0, 0
	for i, item := range t.items {
		d := mean(t.overSeeds(item, method, grouping, metric)) - mean(t.overSeeds(item, base, grouping, metric))
		ds = append(ds, d)
		switch {
		case d > 0.1:
			won++
		case d < -0.1:
			lost++
		}
		if d < ds[worst] {
			worst = i
		}
	}
	return fmt.Sprintf("%+.2f ± %.2f | %d | %d | %s %+.2f |", mean(ds), 2*deviation(ds)/math.Sqrt(float64(len(ds))), won, lost, t.items[worst], ds[worst])
}

// deviation returns the standard deviation of a sample; 0 for a single number.
func deviation(xs []float64) float64 {
	if len(xs) < 2 {
		return 0
	}
	m, sum := mean(xs), 0.0
	for _, x := range xs {
		sum += (x - m) * (x - m)
	}
	return math.Sqrt(sum / float64(len(xs)-1))
}

// writeCSV writes every figure.
func (c *comparison) writeCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	out.Write([]string{"item", "method", "grouping", "seed", "stem", "metric", "db", "gain_db"})
	for _, f := range c.figures {
		out.Write([]string{f.item, f.method, f.grouping, strconv.Itoa(f.seed), f.stem, f.metric,
			strconv.FormatFloat(f.value, 'f', 4, 64), strconv.FormatFloat(f.gain, 'f', 4, 64)})
	}
	out.Flush()
	return out.Error()
}

// writeFile writes a file whole or not at all.
func writeFile(name string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	if err := errors.Join(write(f), f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
