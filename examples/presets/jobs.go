package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/examples/internal/known"
)

// job says how a preset is measured: on which recordings, what it is told of one, and which of
// its outputs are no source.
type job struct {
	preset   string
	eligible func(*scene) bool
	tell     func(context.Context, *task) error
	ignore   string
}

// task is one run of a preset: its input, what it is told, and the recording that its stems are
// held against.
type task struct {
	*known.Recording
	input string
	args  []string
	dir   string // for what is told by files
}

var jobs = []job{
	{preset: "hpss", eligible: alone, tell: nothing},
	{preset: "hpss2", eligible: alone, tell: nothing},
	{preset: "notes", eligible: alone, tell: howMany("count", "")},
	{preset: "blind", eligible: always, tell: howMany("sources", "components")},
	{preset: "stereo", eligible: func(s *scene) bool { return !s.room && s.Mix.Channels == 2 }, tell: howMany("sources", "")},
	{preset: "denoise", eligible: voice, tell: nothing},
	{preset: "noise", eligible: voice, tell: tellNoise},
	{preset: "labels", eligible: alone, tell: tellLabels},
	{preset: "paint", eligible: alone, tell: tellPaint},
	{preset: "dictionaries", eligible: two, tell: tellSolos},
	{preset: "transcribed", eligible: scored, tell: howMany("parts", "")},
	{preset: "score", eligible: scored, tell: tellScore},
	{preset: "talkers", eligible: func(s *scene) bool { return s.room && s.Mix.Channels == len(s.Stems) }, tell: nothing},
	{preset: "meeting", eligible: room, tell: howMany("sources", ""), ignore: "-rest.wav"},
}

func always(*scene) bool   { return true }
func alone(s *scene) bool  { return !s.room }
func room(s *scene) bool   { return s.room }
func voice(s *scene) bool  { return !s.room && s.Voice() && len(s.Stems) == 2 }
func two(s *scene) bool    { return !s.room && len(s.Stems) == 2 }
func scored(s *scene) bool { return !s.room && s.Notes != nil }

func nothing(context.Context, *task) error { return nil }

// howMany tells the number of stems and of components, five a stem.
func howMany(sources, components string) func(context.Context, *task) error {
	return func(_ context.Context, t *task) error {
		t.args = append(t.args, "--"+sources, fmt.Sprint(len(t.Stems)))
		if components != "" {
			t.args = append(t.args, "--"+components, fmt.Sprint(5*len(t.Stems)))
		}
		return nil
	}
}

// tellNoise has the voice begin after two seconds, and tells that.
func tellNoise(_ context.Context, t *task) error {
	at := slices.Index(t.Names, "speech")
	own := *t.Recording
	own.Mix, own.Stems = clone(t.Mix), slices.Clone(t.Stems)
	own.Stems[at] = clone(t.Stems[at])
	for l, x := range own.Stems[at].Data {
		for i := range 2 * t.Mix.Rate {
			own.Mix.Data[l][i] -= x[i]
			x[i] = 0
		}
	}
	t.Recording = &own
	var err error
	t.input, err = t.write("mix.wav", own.Mix)
	t.args = append(t.args, "--noise", "0:2")
	return err
}

func clone(s *audiosep.Signal) *audiosep.Signal {
	own := &audiosep.Signal{Rate: s.Rate, Channels: s.Channels}
	for _, x := range s.Data {
		own.Data = append(own.Data, slices.Clone(x))
	}
	return own
}

// tellLabels tells when each stem is within 40 dB of its loudest tenth of a second.
func tellLabels(_ context.Context, t *task) error {
	rows := [][]string{{"source", "from", "to"}}
	for _, n := range t.Labels() {
		rows = append(rows, []string{n.Source, fmt.Sprint(n.Onset), fmt.Sprint(n.Offset)})
	}
	file := filepath.Join(t.dir, "labels.csv")
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	t.args = append(t.args, "--labels", file)
	if err := csv.NewWriter(f).WriteAll(rows); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// tellPaint paints 3.5 % of the spectrogram.
func tellPaint(ctx context.Context, t *task) error {
	regions, err := t.Paint(ctx, 0.035)
	if err != nil {
		return err
	}
	text, err := json.Marshal(regions)
	if err != nil {
		return err
	}
	file := filepath.Join(t.dir, "paint.json")
	t.args = append(t.args, "--paint", file)
	return os.WriteFile(file, text, 0o644)
}

// tellSolos gives the first half of each stem and has the second half of the mixture separated.
func tellSolos(_ context.Context, t *task) error {
	own := *t.Recording
	_, own.Mix = known.Halves(t.Mix)
	own.Stems = nil
	for j, option := range []string{"--first", "--second"} {
		solo, rest := known.Halves(t.Stems[j])
		own.Stems = append(own.Stems, rest)
		file, err := t.write(t.Names[j]+".wav", solo)
		if err != nil {
			return err
		}
		t.args = append(t.args, option, file)
	}
	t.Recording = &own
	var err error
	t.input, err = t.write("mix.wav", own.Mix)
	return err
}

func tellScore(_ context.Context, t *task) error {
	t.args = append(t.args, "--notes", filepath.Join(filepath.Dir(t.input), "notes.csv"))
	return nil
}
