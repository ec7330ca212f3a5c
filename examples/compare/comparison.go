package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/metrics"
)

// recording is a mixture and its stems.
type recording struct {
	name  string
	mix   *audiosep.Signal
	stems []*audiosep.Signal
	names []string // of the stems
}

// open reads a recording as the flags say.
func (o *options) open(ctx context.Context, folder string) (*recording, error) {
	r := &recording{name: filepath.Base(folder)}
	var err error
	if r.mix, err = o.read(ctx, filepath.Join(folder, "mix.wav")); err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(folder, "stems", "*.wav"))
	if err != nil {
		return nil, err
	}
	if len(files) < 2 {
		return nil, fmt.Errorf("it has %d stems; want at least 2", len(files))
	}
	for _, file := range files {
		stem, err := o.read(ctx, file)
		if err != nil {
			return nil, err
		}
		if len(stem.Data[0]) != len(r.mix.Data[0]) || len(stem.Data) != len(r.mix.Data) || stem.Rate != r.mix.Rate {
			return nil, fmt.Errorf("stem %s has another length, rate or number of channels than mix.wav", filepath.Base(file))
		}
		r.stems = append(r.stems, stem)
		base := filepath.Base(file)
		r.names = append(r.names, base[:len(base)-len(".wav")])
	}
	return r, nil
}

// read reads the part of a recording that is to be compared.
func (o *options) read(ctx context.Context, file string) (_ *audiosep.Signal, err error) {
	src, err := audio.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	var part audiosep.Source = src
	if !o.stereo {
		out, err := audio.Downmix{}.Run(ctx, audiosep.Env{}, audio.In{Audio: part})
		if err != nil {
			return nil, err
		}
		part = out.Audio
	}
	if o.seconds > 0 {
		crop, err := audio.NewCrop(audio.CropParams{Duration: &o.seconds})
		if err != nil {
			return nil, err
		}
		out, err := crop.Run(ctx, audiosep.Env{}, audio.In{Audio: part})
		if err != nil {
			return nil, err
		}
		part = out.Audio
	}
	return audiosep.ReadAll(ctx, part)
}

// figure is one ratio in dB of one stem.
type figure struct {
	item, method, grouping string
	seed                   int
	stem, metric           string
	value, gain            float64 // gain over the mixture
}

// comparison gathers figures.
type comparison struct {
	*options
	progress *progress
	figures  []figure
	items    []string
}

// The ways to put components into sources; ideal masks are made of the stems.
const (
	oracle = "oracle"
	blind  = "blind"
	ideal  = "ideal mask"
)

// item runs every method on one recording.
func (c *comparison) item(ctx context.Context, folder string, methods []method) error {
	r, err := c.open(ctx, folder)
	if err != nil {
		return err
	}
	c.items = append(c.items, r.name)
	c.progress.begin(r.name + " " + ideal)
	ests, err := idealMasks(ctx, r)
	if err != nil {
		return err
	}
	if err := c.measure(ctx, r, ests, figure{method: ideal, grouping: ideal}); err != nil {
		return err
	}
	c.progress.end(c.mean(r.name, ideal, ideal, 0))
	for _, m := range methods {
		for seed := 1; seed <= c.seeds; seed++ {
			c.progress.begin(fmt.Sprintf("%s %s seed %d", r.name, m.name, seed))
			if err := c.separate(ctx, r, m, seed); err != nil {
				return fmt.Errorf("%s: %w", m.name, err)
			}
			c.progress.end(c.mean(r.name, m.name, oracle, seed))
		}
	}
	return nil
}

// separate runs one method with one seed and measures what both groupings make of it.
func (c *comparison) separate(ctx context.Context, r *recording, m method, seed int) error {
	parts, err := m.run(ctx, r.mix, c.components*len(r.stems), seed, c.progress)
	if err != nil {
		return err
	}
	ests := parts.sources(oracleGroups(parts.signals, r.stems))
	if err := c.measure(ctx, r, ests, figure{method: m.name, grouping: oracle, seed: seed}); err != nil {
		return err
	}
	groups, err := blindGroups(ctx, parts.factors, len(r.stems))
	if err != nil {
		return err
	}
	return c.measure(ctx, r, parts.sources(groups), figure{method: m.name, grouping: blind, seed: seed})
}

// ratios are what is measured, and the name under which the convention has it.
var ratios = []struct {
	name       string
	convention metrics.Convention
	metric     string
}{
	{"SI-SDR", metrics.SI, "SI-SDR"},
	{"SDR v3", metrics.V3Sources, "SDR"},
	{"SDR v4", metrics.V4, "SDR"},
}

// measure adds the figures of estimates. Those of a blind grouping are matched to the
// stems, by the best mean ratio that the convention has for it.
func (c *comparison) measure(ctx context.Context, r *recording, ests []*audiosep.Signal, f figure) error {
	refs, sources := make([]audiosep.Source, len(r.stems)), make([]audiosep.Source, len(ests))
	for j := range refs {
		refs[j], sources[j] = r.stems[j], ests[j]
	}
	f.item = r.name
	for _, ratio := range ratios {
		match := metrics.MatchGiven
		if f.grouping == blind {
			match = metrics.MatchSDR
		}
		report, err := metrics.Evaluate(ctx, refs, sources, r.mix, metrics.Options{Convention: ratio.convention, Match: match})
		if err != nil {
			return err
		}
		for j, s := range report.Sources {
			for _, m := range s.Metrics {
				if m.Name == ratio.metric {
					f.stem, f.metric, f.value, f.gain = r.names[j], ratio.name, m.Median(), m.MedianImprovement()
					c.figures = append(c.figures, f)
				}
			}
		}
	}
	return nil
}

// mean returns the mean over the stems of the gain in SI-SDR.
func (c *comparison) mean(item, method, grouping string, seed int) float64 {
	return mean(c.gains(item, method, grouping, seed, ratios[0].name))
}

// gains returns the gains of all stems of an item.
func (c *comparison) gains(item, method, grouping string, seed int, metric string) (gains []float64) {
	for _, f := range c.figures {
		if f.item == item && f.method == method && f.grouping == grouping && f.seed == seed && f.metric == metric {
			gains = append(gains, f.gain)
		}
	}
	return gains
}

// mean leaves out what is undefined.
func mean(xs []float64) float64 {
	var sum float64
	n := 0
	for _, x := range xs {
		if !math.IsNaN(x) {
			sum += x
			n++
		}
	}
	return sum / float64(n)
}
