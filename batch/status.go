package batch

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/audiosep/audiosep/batch/helper"
)

// Status is what has become of the items of a manifest.
type Status struct {
	Of       int       `json:"of"`
	Done     int       `json:"done"`
	AtWork   int       `json:"at_work"` // somebody has a lease
	Failed   int       `json:"failed"`
	Left     int       `json:"left"`     // none of these
	Audio    float64   `json:"audio"`    // seconds of recordings that are done
	Seconds  float64   `json:"seconds"`  // that separating them took
	Wanted   float64   `json:"estimate"` // seconds of one processor for what is not done
	Failures []Failure `json:"failures,omitempty"`
	Damaged  []Failure `json:"damaged,omitempty"` // outputs that are not what was written
}

// Code returns the exit code that a status stands for.
func (s *Status) Code() int {
	switch {
	case s.Done == s.Of && len(s.Damaged) == 0:
		return ExitDone
	case s.Failed+len(s.Damaged) > 0 && s.Done+s.Failed == s.Of:
		return ExitFailed
	}
	return ExitStopped
}

// Place is where results are: a folder, or a URL that Open opens.
type Place struct {
	Out  string
	Open helper.Opener // nil: Out is a folder
}

// Look finds out what has become of items. verify holds every output against its SHA-256.
func Look(ctx context.Context, items []*Item, p Place, verify bool) (_ *Status, err error) {
	stores, scratch := opened{open: p.Open}, scratch{}
	defer func() { err = errors.Join(err, stores.close(), scratch.close()) }()
	at, err := resultsAt(ctx, p.Out, &stores, &scratch)
	if err != nil {
		return nil, err
	}
	k, err := at.look(items)
	if err != nil {
		return nil, err
	}
	s := &Status{Of: len(items)}
	for _, it := range items {
		if d := k.done[it]; d != nil {
			s.Done++
			s.Audio += d.Audio
			s.Seconds += d.Seconds
			if verify {
				if err := at.verify(ctx, it, d); err != nil {
					s.Damaged = append(s.Damaged, Failure{ID: it.ID, Name: it.Name, Input: it.Input[0], Error: err.Error()})
				}
			}
			continue
		}
		s.Wanted += it.Seconds
		if f, ok := k.failed[it]; ok {
			s.Failed++
			s.Failures = append(s.Failures, f)
		} else if time.Since(k.leased[it]) < lately {
			s.AtWork++
		} else {
			s.Left++
		}
	}
	return s, nil
}

// Result is a done item in a table.
type Result struct {
	Item *Item
	Done *Done
}

// Results returns the items that are done, in the order of the manifest.
func Results(ctx context.Context, items []*Item, p Place) (all []Result, err error) {
	stores := opened{open: p.Open}
	defer func() { err = errors.Join(err, stores.close()) }()
	at, err := resultsAt(ctx, p.Out, &stores, nil)
	if err != nil {
		return nil, err
	}
	k, err := at.look(items)
	if err != nil {
		return nil, err
	}
	for _, it := range items {
		if d := k.done[it]; d != nil {
			all = append(all, Result{it, d})
		}
	}
	return all, nil
}

// WriteJSONL writes the done-files of items, a line each.
func WriteJSONL(w io.Writer, all []Result) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, r := range all {
		if err := enc.Encode(r.Done); err != nil {
			return err
		}
	}
	return nil
}

// WriteCSV writes a table of done items: what they are, what was set, timings, objectives, and
// of each metric the mean over the stems.
func WriteCSV(w io.Writer, all []Result) error {
	swept, measured := columns(all)
	out := csv.NewWriter(w)
	row := append([]string{"name", "id", "input", "audio_seconds", "seconds"}, swept...)
	out.Write(append(row, measured...))
	for _, r := range all {
		row := []string{r.Item.Name, r.Item.ID, r.Item.Input[0], number64(r.Done.Audio), number64(r.Done.Seconds)}
		for _, name := range swept {
			row = append(row, settingOf(r.Item, name))
		}
		values := r.Done.values()
		for _, name := range measured {
			text := ""
			if x, ok := values[name]; ok {
				text = number64(x)
			}
			row = append(row, text)
		}
		out.Write(row)
	}
	out.Flush()
	return out.Error()
}

func number64(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

// columns returns what was swept, in the order of the sweeps, and what was measured.
func columns(all []Result) (swept, measured []string) {
	seen := map[string]float64{}
	for _, r := range all {
		for _, name := range sweptNames(r.Item) {
			if !slices.Contains(swept, name) {
				swept = append(swept, name)
			}
		}
		maps.Copy(seen, r.Done.values())
	}
	return swept, slices.Sorted(maps.Keys(seen))
}

// values returns what was measured of an item: objectives as STAGE.objective, and the mean of
// each metric over the stems as CONVENTION.METRIC.
func (d *Done) values() map[string]float64 {
	all := map[string]float64{}
	for stage, x := range d.Objectives {
		all[stage+".objective"] = x
	}
	for _, m := range d.Metrics {
		if m.Source == "" {
			all[m.Convention+"."+m.Name] = m.Value
		}
	}
	return all
}

// String tells a status in a line.
func (s *Status) String() string {
	text := fmt.Sprintf("%d of %d done, %d failed, %d at work, %d left", s.Done, s.Of, s.Failed, s.AtWork, s.Left)
	if s.Seconds > 0 {
		text += fmt.Sprintf("; %.3g s of sound in %.3g s", s.Audio, s.Seconds)
	}
	if s.Wanted > 0 {
		text += fmt.Sprintf("; about %.3g s of one processor to go", s.Wanted)
	}
	if len(s.Damaged) > 0 {
		text += fmt.Sprintf("; %d damaged", len(s.Damaged))
	}
	return text
}
