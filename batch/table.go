package batch

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"

	"github.com/audiosep/audiosep/report"
)

// Table holds the settings of a sweep against each other.
type Table struct {
	Swept    []string // what tells the settings apart: parameters, or the seed if it alone was swept
	Measured []string // objectives as STAGE.objective, metrics as CONVENTION.METRIC
	Rows     []Row    // in the order of the sweep
	By       string   // what the best was chosen by, one of Measured; empty: there was nothing
	Best     int      // row; -1 where there is none
}

// Row is what came of one setting, over recordings and seeds.
type Row struct {
	Values []string // of what is swept
	Items  int
	Spread []Spread // of what is measured
}

// Spread is a mean and how far values lie from it.
type Spread struct {
	Of          int     // values; without any the others are NaN
	Mean        float64 // over recordings and seeds
	Deviation   float64 // standard, of the sample; NaN for fewer than two values
	Least, Most float64
	// Relative is, of an objective, the geometric mean of its value over the mean of the same
	// recording under all settings: recordings of any length and loudness count alike.
	Relative float64
}

// falls tells whether less of it is better: objectives are what is minimised.
func falls(measured string) bool { return strings.HasSuffix(measured, ".objective") }

// Tabulate makes a table of done items. by is what the best setting is chosen by; empty: the
// SI-SDR, or where nothing was measured the first objective.
func Tabulate(all []Result, by string) (*Table, error) {
	t := &Table{Best: -1, By: by}
	swept, measured := columns(all)
	t.Measured = measured
	for _, name := range swept {
		if name != "seed" || len(swept) == 1 {
			t.Swept = append(t.Swept, name)
		}
	}
	groups := map[string][]Result{}
	var order []string
	for _, r := range all {
		var values []string
		for _, name := range t.Swept {
			values = append(values, settingOf(r.Item, name))
		}
		key := strings.Join(values, "\x00")
		if _, ok := groups[key]; !ok {
			order = append(order, key)
			t.Rows = append(t.Rows, Row{Values: values})
		}
		groups[key] = append(groups[key], r)
	}
	usual := usualObjectives(all)
	for i, key := range order {
		t.Rows[i].Items = len(groups[key])
		for _, name := range measured {
			t.Rows[i].Spread = append(t.Rows[i].Spread, spread(groups[key], name, usual))
		}
	}
	t.sort()
	return t, t.choose()
}

// sort orders the rows by the values of what is swept, numbers as numbers; texts stay in the
// order in which they came.
func (t *Table) sort() {
	slices.SortStableFunc(t.Rows, func(a, b Row) int {
		for i := range a.Values {
			x, err1 := strconv.ParseFloat(a.Values[i], 64)
			y, err2 := strconv.ParseFloat(b.Values[i], 64)
			if err1 == nil && err2 == nil && x != y {
				return cmp.Compare(x, y)
			}
		}
		return 0
	})
}

// usualObjectives returns the mean of each objective of each recording under all settings.
func usualObjectives(all []Result) map[string]float64 {
	sums, counts := map[string]float64{}, map[string]float64{}
	for _, r := range all {
		for name, x := range r.Done.values() {
			key := r.Item.SHA256[0] + name
			sums[key] += x
			counts[key]++
		}
	}
	for key := range sums {
		sums[key] /= counts[key]
	}
	return sums
}

func spread(group []Result, name string, usual map[string]float64) Spread {
	var values, logs []float64
	for _, r := range group {
		if x, ok := r.Done.values()[name]; ok {
			values = append(values, x)
			if u := usual[r.Item.SHA256[0]+name]; x > 0 && u > 0 {
				logs = append(logs, math.Log(x/u))
			}
		}
	}
	nan := math.NaN()
	s := Spread{len(values), nan, nan, nan, nan, nan}
	if len(values) > 0 {
		s.Mean, s.Least, s.Most = stat.Mean(values, nil), slices.Min(values), slices.Max(values)
	}
	if len(values) > 1 {
		s.Deviation = stat.StdDev(values, nil)
	}
	if falls(name) && len(logs) > 0 && len(logs) == len(values) {
		s.Relative = math.Exp(stat.Mean(logs, nil))
	}
	return s
}

// choose finds the best row.
func (t *Table) choose() error {
	if t.By == "" && len(t.Measured) > 0 {
		t.By = t.Measured[0]
		for _, usual := range []string{"si_sdr.SI-SDR", "bss_v3_sources.SDR"} {
			if slices.Contains(t.Measured, usual) {
				t.By = usual
				break
			}
		}
	}
	at := slices.Index(t.Measured, t.By)
	if at < 0 && t.By != "" {
		return fmt.Errorf("nothing is measured by the name of %q; want one of %s", t.By, strings.Join(t.Measured, ", "))
	}
	best := math.Inf(-1)
	for i, r := range t.Rows {
		if at < 0 {
			break
		}
		score := r.Spread[at].Mean
		if falls(t.By) {
			score = -r.Spread[at].Relative
			if math.IsNaN(score) {
				score = -r.Spread[at].Mean
			}
		}
		if score > best {
			best, t.Best = score, i
		}
	}
	return nil
}

// shown tells whether people are shown a value: objectives, what the best was chosen by, and of
// the metrics the ratios to all that is wrong.
func (t *Table) shown(name string) bool {
	return falls(name) || name == t.By || strings.HasSuffix(name, ".SI-SDR") || strings.HasSuffix(name, ".SDR")
}

// WriteText writes the table for people; the best row has a star.
func (t *Table) WriteText(w io.Writer) error {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(out, "\t", strings.Join(append(slices.Clone(t.Swept), "items"), "\t"), "\t")
	for _, name := range t.Measured {
		if t.shown(name) {
			fmt.Fprint(out, name, "\t±\t")
		}
	}
	fmt.Fprintln(out)
	for i, r := range t.Rows {
		star := ""
		if i == t.Best {
			star = "*"
		}
		fmt.Fprintf(out, "%s\t%s\t%d\t", star, strings.Join(r.Values, "\t"), r.Items)
		for k, s := range r.Spread {
			if t.shown(t.Measured[k]) {
				fmt.Fprint(out, short(s.Mean), "\t", short(s.Deviation), "\t")
			}
		}
		fmt.Fprintln(out)
	}
	if t.Best >= 0 && len(t.Rows) > 1 {
		way := "greatest"
		if falls(t.By) {
			way = "least, relative to each recording's mean"
		}
		fmt.Fprintf(out, "\n* best by %s (%s)\n", t.By, way)
	}
	return out.Flush()
}

func short(x float64) string {
	if math.IsNaN(x) {
		return "–"
	}
	return strconv.FormatFloat(x, 'g', 4, 64)
}

// WriteCSV writes the table for programs: of each value the mean, standard deviation, least and
// greatest, empty where there is none.
func (t *Table) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	head := append(slices.Clone(t.Swept), "items", "best")
	for _, name := range t.Measured {
		head = append(head, name+".mean", name+".deviation", name+".least", name+".greatest")
	}
	out.Write(head)
	for i, r := range t.Rows {
		row := append(slices.Clone(r.Values), strconv.Itoa(r.Items), strconv.FormatBool(i == t.Best))
		for _, s := range r.Spread {
			for _, x := range []float64{s.Mean, s.Deviation, s.Least, s.Most} {
				if text := number64(x); math.IsNaN(x) {
					row = append(row, "")
				} else {
					row = append(row, text)
				}
			}
		}
		out.Write(row)
	}
	out.Flush()
	return out.Error()
}

// mostLines is how many lines a plot has at most; more would not be told apart.
const mostLines = 8

// Draw draws what the best was chosen by over the first parameter that was swept, as a PNG: the
// mean, with bars of the standard deviation, and a line for each setting of the others. Values
// that are no numbers stand beside each other.
func (t *Table) Draw(w io.Writer) error {
	at := slices.Index(t.Measured, t.By)
	if at < 0 || len(t.Swept) == 0 || len(t.Rows) == 0 {
		return fmt.Errorf("there is nothing to draw: %d settings of %d parameters", len(t.Rows), len(t.Swept))
	}
	positions, names := t.positions()
	var labels []string
	points := map[string]bars{}
	for _, r := range t.Rows {
		label := strings.Join(r.Values[1:], ", ")
		if s := r.Spread[at]; s.Of > 0 {
			b := points[label]
			if !slices.Contains(labels, label) {
				labels = append(labels, label)
			}
			half := 0.0
			if !math.IsNaN(s.Deviation) {
				half = s.Deviation
			}
			b.XYs = append(b.XYs, plotter.XY{X: positions[r.Values[0]], Y: s.Mean})
			b.YErrors = append(b.YErrors, struct{ Low, High float64 }{half, half})
			points[label] = b
		}
	}
	p, err := report.Lines("", t.Swept[0], t.By)
	if err != nil {
		return err
	}
	if err := addBars(p, labels[:min(len(labels), mostLines)], points); err != nil {
		return err
	}
	if names != nil {
		p.NominalX(names...)
	}
	png, err := p.WriterTo(16*vg.Centimeter, 10*vg.Centimeter, "png")
	if err == nil {
		_, err = png.WriteTo(w)
	}
	return err
}

// bars are points with the standard deviations of their heights.
type bars struct {
	plotter.XYs
	plotter.YErrors
}

func addBars(p *plot.Plot, labels []string, points map[string]bars) error {
	for i, label := range labels {
		line, dots, err := plotter.NewLinePoints(points[label].XYs)
		if err != nil {
			return err
		}
		errors, err := plotter.NewYErrorBars(points[label])
		if err != nil {
			return err
		}
		line.Color, dots.Color, errors.Color = plotutil.Color(i), plotutil.Color(i), plotutil.Color(i)
		p.Add(line, dots, errors)
		if label != "" {
			p.Legend.Add(label, line)
		}
	}
	return nil
}

// positions returns where each value of the first parameter stands, and the values' names where
// they are no numbers.
func (t *Table) positions() (map[string]float64, []string) {
	at := map[string]float64{}
	var names []string
	numeric := true
	for _, r := range t.Rows {
		x, err := strconv.ParseFloat(r.Values[0], 64)
		numeric = numeric && err == nil && !math.IsInf(x, 0) && !math.IsNaN(x)
		if _, ok := at[r.Values[0]]; !ok {
			at[r.Values[0]] = x
			names = append(names, r.Values[0])
		}
	}
	if numeric {
		return at, nil
	}
	for i, name := range names {
		at[name] = float64(i)
	}
	return at, names
}
