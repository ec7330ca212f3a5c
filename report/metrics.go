package report

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/internal/counted"
	"github.com/audiosep/audiosep/metrics"
	"github.com/audiosep/audiosep/pipeline"
)

// pageMetrics is how near the stems are to references, by one convention.
type pageMetrics struct {
	Convention string           `json:"convention"`
	Definition string           `json:"definition"`
	Ratios     []string         `json:"ratios"` // names, dB
	Sources    []pageMetricsRow `json:"sources"`
	Warnings   []string         `json:"warnings"`
}

// pageMetricsRow is a stem: its ratios, and how far they are above the mixture's.
type pageMetricsRow struct {
	Reference string   `json:"reference"`
	Estimate  string   `json:"estimate"`
	Values    []string `json:"values"`
	Over      []string `json:"over"` // none without a mixture
}

// references lists the stems in a folder, as eval does.
func references(dir string) ([]string, error) {
	files, err := audio.StemsIn(dir)
	if err != nil {
		return nil, fmt.Errorf("the references of the report: %w", err)
	}
	return files, nil
}

// measure holds the stems that the pipeline wrote against the references, as eval does, and writes
// metrics.json. What cannot be measured is told in the log and in the page: the stems are there all the
// same.
func (r *Report) measure(ctx context.Context) (all []pageMetrics, failed string, err error) {
	if r.references == "" || r.Pipeline == nil {
		return nil, "", nil
	}
	reports, err := r.evaluate(ctx)
	if ctx.Err() != nil {
		return nil, "", ctx.Err()
	}
	if err != nil {
		if r.log != nil {
			r.log.Warn("the stems are not held against the references, and there is no metrics.json", "why", err.Error())
		}
		return nil, err.Error(), nil
	}
	for _, m := range reports {
		all = append(all, shownMetrics(m))
	}
	return all, "", r.file("metrics.json", func(w io.Writer) error { return reports.WriteJSON(w) })
}

// evaluate measures by the conventions that eval does.
func (r *Report) evaluate(ctx context.Context) (reports metrics.Reports, err error) {
	var opened []io.Closer
	defer func() {
		for _, c := range opened {
			err = errors.Join(err, c.Close())
		}
	}()
	open := func(files []string) (all []audiosep.Source, err error) {
		for _, file := range files {
			f, err := audio.Open(file)
			if err != nil {
				return nil, err
			}
			opened, all = append(opened, f), append(all, f)
		}
		return all, nil
	}
	files, err := references(r.references)
	if err != nil {
		return nil, err
	}
	refs, err := open(files)
	if err != nil {
		return nil, err
	}
	ests, err := open(r.written())
	if err != nil {
		return nil, err
	}
	if len(ests) != len(refs) {
		return nil, fmt.Errorf("%s and, in %s, %s; want as many", counted.There(len(ests), "stem"), r.references, counted.Of(len(refs), "reference"))
	}
	var mixture audiosep.Source
	if file := mixtureOf(r.Pipeline); file != "" {
		mix, err := open([]string{file})
		if err != nil {
			return nil, err
		}
		if like, err := alike(ctx, mix[0], ests[0]); err != nil {
			return nil, err
		} else if like {
			mixture = mix[0]
		}
	}
	for _, c := range metrics.DefaultConventions() {
		m, err := metrics.Evaluate(ctx, refs, ests, mixture, metrics.Options{Convention: c})
		if err != nil {
			return nil, err
		}
		reports = append(reports, m)
	}
	return reports, nil
}

// mixtureOf returns the recording that the pipeline's stems are parts of, "" if it is not one file. It is what the
// stages that write take their sound from, by way of coefficients and stems; what others than these have been learnt
// from, such as solo recordings or a score, is no mixture.
func mixtureOf(p *pipeline.Pipeline) string {
	var files []string
	from := map[string]bool{} // stages that sound goes on from
	for _, f := range p.Writes() {
		from[f.Stage] = from[f.Stage] || audio.NamedSound(f.Path)
	}
	for _, n := range slices.Backward(p.Graph().Stages) {
		if !from[n.ID] {
			continue
		}
		for _, in := range n.In {
			for _, ref := range in.From {
				if carriesSound(in.Cargo) {
					stage, _, _ := strings.Cut(ref, ".")
					from[stage] = true
				}
			}
		}
	}
	for _, f := range p.Reads() {
		if from[f.Stage] && audio.NamedSound(f.Path) && !slices.Contains(files, f.Path) {
			files = append(files, f.Path)
		}
	}
	if len(files) != 1 {
		return ""
	}
	return files[0]
}

// carriesSound tells whether what passes is the recording or parts of it.
func carriesSound(c audiosep.Cargo) bool {
	return c == audiosep.CargoAudio || c == audiosep.CargoFrames || c == audiosep.CargoCoefs || c == audiosep.CargoSources
}

// alike tells whether two recordings have one rate, one length and as many channels, so that one may be held against the
// other: stems of a part of the mixture, or of another rate, are not.
func alike(ctx context.Context, a, b audiosep.Source) (bool, error) {
	x, err := a.Head(ctx)
	if err != nil {
		return false, err
	}
	y, err := b.Head(ctx)
	return x.Rate == y.Rate && x.Samples == y.Samples && x.Channels == y.Channels, err
}

// written are the sound files that the pipeline wrote.
func (r *Report) written() (files []string) {
	for _, f := range r.Pipeline.Writes() {
		if audio.NamedSound(f.Path) && !slices.Contains(files, f.Path) {
			files = append(files, f.Path)
		}
	}
	return files
}

func shownMetrics(m *metrics.Report) pageMetrics {
	out := pageMetrics{Convention: string(m.Convention), Definition: m.Definition, Ratios: m.Convention.Metrics(), Warnings: append([]string{}, m.Warnings...)}
	for _, s := range m.Sources {
		row := pageMetricsRow{Reference: s.Name, Values: []string{}, Over: []string{}}
		if len(s.Estimates) > 0 {
			row.Estimate = s.Estimates[0]
		}
		for _, x := range s.Metrics {
			row.Values = append(row.Values, decibels(x.Median()))
			if x.Improvement != nil {
				row.Over = append(row.Over, decibels(x.MedianImprovement()))
			}
		}
		out.Sources = append(out.Sources, row)
	}
	return out
}

// decibels is a ratio as the page shows it.
func decibels(x float64) string {
	switch {
	case math.IsNaN(x):
		return "–"
	case math.IsInf(x, 0):
		return strings.Replace(fmt.Sprintf("%+f", x), "Inf", "∞", 1)
	}
	return fmt.Sprintf("%.2f", x)
}
