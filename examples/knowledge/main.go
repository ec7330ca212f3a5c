// Command knowledge prints what each kind of knowledge of a recording is worth: nothing, how many
// sources there are, that one is speech, who plays when, what is painted, a score, right or wrong,
// dictionaries learnt from solos, several microphones, and the ideal mask. The tables of
// docs/knowledge.md are its output.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"

	"github.com/audiosep/audiosep/examples/internal/known"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	data := flag.String("data", "", "`DIR` of recordings, as DIR/NAME/mix.wav, stems/*.wav and, where there is a score, notes.csv; or one that has them in its folder audio")
	only := flag.String("items", "", "recordings to use, with commas between them (default: all)")
	flag.Parse()
	if *data == "" || flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "knowledge: want --data DIR, a folder of recordings with known stems")
		os.Exit(2)
	}
	if err := run(ctx, os.Stdout, *data, *only); err != nil {
		fmt.Fprintln(os.Stderr, "knowledge:", err)
		os.Exit(1)
	}
}

// run prints the tables, that of rooms where there are any.
func run(ctx context.Context, w io.Writer, data, only string) error {
	all, err := items(data, only)
	if err != nil {
		return err
	}
	var scores []*item
	for _, it := range all {
		if it.Notes != nil {
			scores = append(scores, it)
		}
	}
	inRooms, err := items(filepath.Join(data, "rooms"), only)
	if err != nil {
		return err
	}
	for _, it := range inRooms {
		it.room = true
	}
	if len(all)+len(inRooms) == 0 {
		return fmt.Errorf("there are no recordings in %s; want folders with mix.wav and stems", data)
	}
	for _, t := range []struct {
		title   string
		items   []*item
		methods []method
	}{
		{"SI-SDRi of the whole recording, mean over stems, dB; told:", all, ofWhole},
		{"the same, of those with a score; told:", scores, ofScores},
		{"SI-SDRi of the second half, what is learnt being of the first, dB", all, ofHalves},
		{"SI-SDRi on the first microphone, dB", inRooms, ofRooms},
	} {
		if len(t.items) == 0 {
			continue
		}
		if err := table(ctx, w, t.title, t.items, t.methods); err != nil {
			return err
		}
		fmt.Fprintln(w)
	}
	return nil
}

// items opens the recordings of a folder, or those of them that are wanted.
func items(data, only string) (all []*item, err error) {
	folders, err := known.Folders(data, "mix.wav", only)
	if err != nil {
		return nil, err
	}
	for _, folder := range folders {
		it, err := open(folder)
		if err != nil {
			return nil, err
		}
		all = append(all, it)
	}
	return all, nil
}

// method separates a recording, knowing something of it.
type method struct {
	name   string
	scored bool // it needs a score
	voice  bool // it needs a stem of speech
	stems  int  // it is for so many stems; 0: any
	run    separation
	draws  int  // it makes random mistakes, and this many are tried; 0: one
	mono   bool // it is given the first microphone alone
	half   bool // it returns the second half alone
	match  bool // names are numbers: stems are matched by their SI-SDR
}

// table prints a line for each recording and a column for each method, then means over the
// recordings that all methods of a kind could be run on.
func table(ctx context.Context, w io.Writer, title string, items []*item, methods []method) error {
	fmt.Fprintf(w, "| %s |", title)
	for _, m := range methods {
		fmt.Fprintf(w, " %s |", m.name)
	}
	fmt.Fprintf(w, "\n|---|%s\n", strings.Repeat("---|", len(methods)))
	all := make([][]float64, len(items))
	for i, it := range items {
		fmt.Fprintf(w, "| %s |", it.Name)
		for _, m := range methods {
			x := math.NaN()
			if (!m.scored || it.Notes != nil) && (!m.voice || it.Voice()) && (m.stems == 0 || m.stems == len(it.Stems)) {
				var err error
				if x, err = it.measure(ctx, m); err != nil {
					return fmt.Errorf("%s, %s: %w", it.Name, m.name, err)
				}
			}
			all[i] = append(all[i], x)
			fmt.Fprintf(w, " %s |", decibel(x))
		}
		fmt.Fprintln(w)
	}
	scored := func(i int) bool { return items[i].Notes != nil }
	if some := slices.ContainsFunc(items, func(it *item) bool { return it.Notes != nil }); some {
		means(w, "mean of those with a score", all, scored)
	}
	if slices.ContainsFunc(items, func(it *item) bool { return it.Notes == nil }) {
		means(w, "mean of all", all, func(int) bool { return true })
	}
	return nil
}

// means prints the means of the rows that are kept; none where one is missing.
func means(w io.Writer, name string, all [][]float64, keep func(int) bool) {
	fmt.Fprintf(w, "| **%s** |", name)
	for m := range all[0] {
		var sum, count float64
		for i, row := range all {
			if keep(i) {
				sum, count = sum+row[m], count+1
			}
		}
		fmt.Fprintf(w, " %s |", decibel(sum/count))
	}
	fmt.Fprintln(w)
}

func decibel(x float64) string {
	if math.IsNaN(x) {
		return "–"
	}
	return fmt.Sprintf("%.1f", x)
}
