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
	"strings"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/examples/internal/known"
	"github.com/audiosep/audiosep/internal/percussion"
	"github.com/audiosep/audiosep/metrics"
	"github.com/audiosep/audiosep/nets"
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
	folders, err := known.Folders(data, "notes.csv", "")
	if err != nil || len(folders) == 0 {
		return fmt.Errorf("there are no recordings with notes.csv in %s (%v)", data, err)
	}
	fmt.Fprintln(w, "| recording | F: onsets | and pitches | and offsets | SI-SDRi: the score | heard, parts told | heard, by register | heard, by sound |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|---|")
	var sum [7]float64
	for _, folder := range folders {
		it, err := open(folder)
		if err != nil {
			return err
		}
		row, err := it.measure(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", it.Name, err)
		}
		line(w, it.Name, row)
		for i, x := range row {
			sum[i] += x / float64(len(folders))
		}
	}
	line(w, "mean", sum)
	return nil
}

func line(w io.Writer, name string, row [7]float64) {
	fmt.Fprintf(w, "| %s | %.2f | %.2f | %.2f | %.1f | %.1f | %.1f | %.1f |\n", strings.ReplaceAll(name, "_", " "), row[0], row[1], row[2], row[3], row[4], row[5], row[6])
}

// item is a recording.
type item struct{ *known.Recording }

func open(folder string) (item, error) {
	r, err := known.Open(folder)
	return item{r}, err
}

// measure returns the row of a recording.
func (it item) measure(ctx context.Context) (row [7]float64, err error) {
	p := nets.DefaultTranscribe()
	p.Source = "pitch"
	t, err := nets.NewTranscribe(p)
	if err != nil {
		return row, err
	}
	heard, err := t.Notes(ctx, audiosep.Env{}, it.Mix)
	if err != nil {
		return row, err
	}
	right, err := metrics.EvaluateNotes(it.Notes, heard)
	if err != nil {
		return row, err
	}
	p.Parts = it.pitched()
	inParts, err := nets.NewTranscribe(p)
	if err != nil {
		return row, err
	}
	dealt, err := inParts.Notes(ctx, audiosep.Env{}, it.Mix)
	if err != nil {
		return row, err
	}
	row = [7]float64{right.Onsets.F, right.Notes.F, right.Offsets.F}
	for i, way := range []struct {
		notes   audiosep.Notes
		sources int
		match   bool
	}{{it.Notes, 0, false}, {it.parts(heard), 0, false}, {dealt, 0, true}, {heard, it.pitched(), true}} {
		names, stems, err := separate(ctx, it.Mix, way.notes, way.sources)
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
func (it item) pitched() int {
	names := map[string]bool{}
	for _, n := range it.Notes {
		if !percussion.Named(n.Source) {
			names[n.Source] = true
		}
	}
	return len(names)
}

// improvement is the mean SI-SDR over the mixture's. Stems are those of their names or, if they
// are to be matched, those that fit best. One that was not separated counts as the mixture.
func (it item) improvement(ctx context.Context, names []string, stems []*audiosep.Signal, match bool) (float64, error) {
	refs, ests := make([]audiosep.Source, len(it.Stems)), make([]audiosep.Source, len(it.Stems))
	for j, s := range it.Stems {
		refs[j], ests[j] = s, it.Mix
		if match && j < len(stems) {
			ests[j] = stems[j]
		}
		for k, name := range names {
			if !match && name == it.Names[j] {
				ests[j] = stems[k]
			}
		}
	}
	o := metrics.Options{Convention: metrics.SI, Match: metrics.MatchGiven}
	if match {
		o.Match = metrics.MatchSDR
	}
	r, err := metrics.Evaluate(ctx, refs, ests, it.Mix, o)
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for _, s := range r.Sources {
		sum += s.Metrics[0].Improvement[0] / float64(len(r.Sources))
	}
	return sum, nil
}
