// Command transcription measures what transcribe hears in recordings whose notes and stems are
// known: how many notes are right, and what the separation is worth that they guide, beside that
// of the true score. The table of docs/nets.md is its output.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/internal/percussion"
	"github.com/audiosep/audiosep/metrics"
	"github.com/audiosep/audiosep/nets"
	"github.com/audiosep/audiosep/notes"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	data := flag.String("data", "", "`DIR` of recordings, as DIR/NAME/mix.wav, stems/*.wav and notes.csv; or one that has them in its folder audio")
	flag.Parse()
	if *data == "" || flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "transcription: want --data DIR, a folder of recordings with known notes and stems")
		os.Exit(2)
	}
	if err := run(ctx, os.Stdout, *data); err != nil {
		fmt.Fprintln(os.Stderr, "transcription:", err)
		os.Exit(1)
	}
}

// run prints the table.
func run(ctx context.Context, w io.Writer, data string) error {
	if _, err := os.Stat(filepath.Join(data, "audio")); err == nil {
		data = filepath.Join(data, "audio")
	}
	files, err := filepath.Glob(filepath.Join(data, "*", "notes.csv"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("there are no recordings with notes.csv in %s (%v)", data, err)
	}
	fmt.Fprintln(w, "| recording | F: onsets | and pitches | and offsets | SI-SDRi: the score | heard, parts told | heard, by register | heard, by sound |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|---|")
	var sum [7]float64
	for _, file := range files {
		it, err := open(filepath.Dir(file))
		if err != nil {
			return err
		}
		row, err := it.measure(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", it.name, err)
		}
		line(w, it.name, row)
		for i, x := range row {
			sum[i] += x / float64(len(files))
		}
	}
	line(w, "mean", sum)
	return nil
}

func line(w io.Writer, name string, row [7]float64) {
	fmt.Fprintf(w, "| %s | %.2f | %.2f | %.2f | %.1f | %.1f | %.1f | %.1f |\n", strings.ReplaceAll(name, "_", " "), row[0], row[1], row[2], row[3], row[4], row[5], row[6])
}

// item is a recording.
type item struct {
	name  string
	mix   *audiosep.Signal
	names []string // of the stems
	stems []*audiosep.Signal
	score audiosep.Notes
}

func open(folder string) (*item, error) {
	it := &item{name: filepath.Base(folder)}
	var err error
	if it.mix, _, err = audio.ReadFile(filepath.Join(folder, "mix.wav")); err != nil {
		return nil, err
	}
	if it.score, err = notes.ReadFile(filepath.Join(folder, "notes.csv")); err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(folder, "stems", "*.wav"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("%s has no stems; want stems/*.wav (%v)", folder, err)
	}
	for _, file := range files {
		s, _, err := audio.ReadFile(file)
		if err != nil {
			return nil, err
		}
		it.stems = append(it.stems, s)
		it.names = append(it.names, strings.TrimSuffix(filepath.Base(file), ".wav"))
	}
	return it, nil
}

// measure returns the row of a recording.
func (it *item) measure(ctx context.Context) (row [7]float64, err error) {
	p := nets.DefaultTranscribe()
	p.Source = "pitch"
	t, err := nets.NewTranscribe(p)
	if err != nil {
		return row, err
	}
	heard, err := t.Notes(ctx, audiosep.Env{}, it.mix)
	if err != nil {
		return row, err
	}
	right, err := metrics.EvaluateNotes(it.score, heard)
	if err != nil {
		return row, err
	}
	p.Parts = it.pitched()
	inParts, err := nets.NewTranscribe(p)
	if err != nil {
		return row, err
	}
	dealt, err := inParts.Notes(ctx, audiosep.Env{}, it.mix)
	if err != nil {
		return row, err
	}
	row = [7]float64{right.Onsets.F, right.Notes.F, right.Offsets.F}
	for i, way := range []struct {
		notes   audiosep.Notes
		sources int
		match   bool
	}{{it.score, 0, false}, {it.parts(heard), 0, false}, {dealt, 0, true}, {heard, it.pitched(), true}} {
		names, stems, err := separate(ctx, it.mix, way.notes, way.sources)
		if err != nil {
			return row, err
		}
		if row[3+i], err = it.improvement(ctx, names, stems, way.match); err != nil {
			return row, err
		}
	}
	return row, nil
}

// pitched is how many sources of the score have pitches.
func (it *item) pitched() int {
	names := map[string]bool{}
	for _, n := range it.score {
		if !percussion.Named(n.Source) {
			names[n.Source] = true
		}
	}
	return len(names)
}

// improvement is the mean SI-SDR over the mixture's. Stems are those of their names or, if they
// are to be matched, those that fit best. One that was not separated counts as the mixture.
func (it *item) improvement(ctx context.Context, names []string, stems []*audiosep.Signal, match bool) (float64, error) {
	refs, ests := make([]audiosep.Source, len(it.stems)), make([]audiosep.Source, len(it.stems))
	for j, s := range it.stems {
		refs[j], ests[j] = s, it.mix
		if match && j < len(stems) {
			ests[j] = stems[j]
		}
		for k, name := range names {
			if !match && name == it.names[j] {
				ests[j] = stems[k]
			}
		}
	}
	o := metrics.Options{Convention: metrics.SI, Match: metrics.MatchGiven}
	if match {
		o.Match = metrics.MatchSDR
	}
	r, err := metrics.Evaluate(ctx, refs, ests, it.mix, o)
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for _, s := range r.Sources {
		sum += s.Metrics[0].Improvement[0] / float64(len(r.Sources))
	}
	return sum, nil
}
