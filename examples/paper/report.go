package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	text "text/template"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
)

var (
	//go:embed report.md.tmpl
	markdown string
	//go:embed page.html.tmpl
	page string
)

// write writes the report into a folder: report.md, the pictures, and the same as
// index.html. All appear when all are done.
func (r *results) write(dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o777); err != nil {
		return err
	}
	temp, err := os.MkdirTemp(filepath.Dir(dir), ".paper-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	if err := r.figures(temp); err != nil {
		return err
	}
	md, err := r.markdown()
	if err != nil {
		return err
	}
	html, err := toHTML(md)
	if err != nil {
		return err
	}
	for name, b := range map[string][]byte{"report.md": md, "index.html": html} {
		if err := os.WriteFile(filepath.Join(temp, name), b, 0o666); err != nil {
			return err
		}
	}
	return move(temp, dir)
}

// move moves the files of one folder into another, in place of those of their names.
func move(from, to string) error {
	if err := os.MkdirAll(to, 0o777); err != nil {
		return err
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := os.Rename(filepath.Join(from, e.Name()), filepath.Join(to, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// markdown fills the report's template in.
func (r *results) markdown() ([]byte, error) {
	t, err := text.New("report.md").Funcs(text.FuncMap{
		"add":  func(a, b int) int { return a + b },
		"join": strings.Join,
	}).Parse(markdown)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = t.Execute(&b, r)
	return b.Bytes(), err
}

// toHTML renders the Markdown, so that the page says what the Markdown says.
func toHTML(md []byte) ([]byte, error) {
	var body, out bytes.Buffer
	if err := goldmark.New(goldmark.WithExtensions(extension.Table)).Convert(md, &body); err != nil {
		return nil, err
	}
	t, err := template.New("page").Parse(page)
	if err != nil {
		return nil, err
	}
	err = t.Execute(&out, template.HTML(body.String()))
	return out.Bytes(), err
}

// published is a mean with a standard deviation in the paper's Table II.
type published [2]struct{ Mean, SD ratios }

var (
	paperDCT = published{
		{ratios{14.37, 19.98, 15.80}, ratios{0.02, 0.05, 0.01}},
		{ratios{14.36, 19.95, 15.81}, ratios{0.00, 0.05, 0.02}},
	}
	paperTL = published{
		{ratios{32.42, 40.69, 33.12}, ratios{0.09, 0.06, 0.10}},
		{ratios{32.41, 40.67, 33.12}, ratios{0.10, 0.07, 0.10}},
	}
	paperTable = map[string]published{dct.Name: paperDCT, tl.Name: paperTL}
)

// rounding is what the paper's figures, of two decimals, may be off.
const rounding = 0.005

// Paper returns the paper's figure for a source and ratio, as it stands in Table II, or
// a dash.
func (r *row) Paper(source, ratio int) string {
	p, ok := paperTable[r.Name]
	if !ok {
		return "–"
	}
	return spread{p[source].Mean[ratio], p[source].SD[ratio]}.String()
}

// Verdict says in words how a row of Table II compares with the paper.
func (r *row) Verdict() string {
	if p, ok := paperTable[r.Name]; ok {
		return r.verdict(p)
	}
	return r.similarity()
}

// verdict compares with the paper's figures for the same method: two means agree when
// they differ by less than two standard deviations of that difference.
func (r *row) verdict(p published) string {
	worst, where, outside := 0.0, "", []string(nil)
	for j := range p {
		for i, name := range ratioNames {
			s := r.Spread(j, i)
			d := s.Mean - p[j].Mean[i]
			what := fmt.Sprintf("%s of source %d by %+.2f dB", name, j+1, d)
			if math.Abs(d) > worst {
				worst, where = math.Abs(d), what
			}
			if math.Abs(d) > 2*math.Hypot(s.SD, p[j].SD[i])+rounding {
				outside = append(outside, what)
			}
		}
	}
	if outside == nil {
		return fmt.Sprintf("all six means agree with the paper's within two standard deviations; the farthest differs in %s.", where)
	}
	return fmt.Sprintf("differs from the paper by more than two standard deviations in %s.", strings.Join(outside, ", "))
}

// alike is the difference, in dB, up to which scores are called similar.
const alike = 0.5

// similarity compares a method of which the paper says no more than that it is similar
// to, or applicable as, another: the other types of DCT are held against DCT-NMF, and
// joint diagonalisation against TL-NMF.
func (r *row) similarity() string {
	other, p := "DCT-NMF", paperDCT
	if r.File == jd.File {
		other, p = "TL-NMF", paperTL
	}
	var differ []string
	for i, name := range ratioNames {
		var d float64
		for j := range p {
			d += (r.Spread(j, i).Mean - p[j].Mean[i]) / float64(len(p))
		}
		if math.Abs(d) > alike {
			differ = append(differ, fmt.Sprintf("%s %.1f dB %s", name, math.Abs(d), map[bool]string{true: "higher", false: "lower"}[d > 0]))
		}
	}
	if differ == nil {
		return fmt.Sprintf("similar to the paper's %s, within %.1f dB in every ratio.", other, alike)
	}
	return fmt.Sprintf("not similar to the paper's %s: %s.", other, strings.Join(differ, ", "))
}

// SDR returns the mean SDR over the sources of each experiment's first realisation.
func (r *row) SDR() []float64 {
	sdr := make([]float64, len(r.Scores))
	for e, s := range r.Scores {
		for _, x := range s.Each[0] {
			sdr[e] += x[0] / float64(len(s.Each[0]))
		}
	}
	return sdr
}

// good is the SDR, in dB, above which a recording counts as separated.
const good = 31.5

// Good returns how many single recordings came out well.
func (r *row) Good() (n int) {
	for _, x := range r.SDR() {
		if x > good {
			n++
		}
	}
	return n
}

// Worst, Median and Mean are of the SDR of single recordings.
func (r *row) Worst() float64 { return slices.Min(r.SDR()) }

func (r *row) Median() float64 {
	x := slices.Sorted(slices.Values(r.SDR()))
	return (x[len(x)/2] + x[(len(x)-1)/2]) / 2
}

func (r *row) Mean() float64 { return spreadOf(r.SDR()).Mean }

// Overlap is the cosine between the two columns of W: 0 when no bin is shared.
func (l learnt) Overlap() float64 {
	var ab, aa, bb float64
	f := l.Model.Factors
	for i := range l.Model.Transform.Bins() {
		a, b := f.W.At(i, 0), f.W.At(i, 1)
		ab, aa, bb = ab+a*b, aa+a*a, bb+b*b
	}
	return ab / math.Sqrt(aa*bb)
}

// Roughness is how far a column of H is from the mean of its neighbours, in the root mean
// square, as part of H's.
func (l learnt) Roughness() float64 {
	var rough, all float64
	h := l.Model.Factors.H
	k, n := h.Dims()
	for i := range k {
		for j := 1; j < n-1; j++ {
			d := h.At(i, j) - (h.At(i, j-1)+h.At(i, j+1))/2
			rough += d * d
			all += h.At(i, j) * h.At(i, j)
		}
	}
	return math.Sqrt(rough / all)
}
