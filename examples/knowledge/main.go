// Command knowledge prints what each kind of knowledge of a recording is worth: nothing, who
// plays when, dictionaries learnt from solos, a score, right or with wrong times, and the
// ideal mask. The tables of docs/knowledge.md are its output.
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
	"strings"

	"github.com/audiosep/audiosep"
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

// run prints both tables.
func run(ctx context.Context, w io.Writer, data, only string) error {
	if _, err := os.Stat(filepath.Join(data, "audio")); err == nil {
		data = filepath.Join(data, "audio")
	}
	files, err := filepath.Glob(filepath.Join(data, "*", "mix.wav"))
	if err != nil {
		return err
	}
	var whole, halves []*item
	for _, file := range files {
		folder := filepath.Dir(file)
		if only != "" && !strings.Contains(","+only+",", ","+filepath.Base(folder)+",") {
			continue
		}
		it, err := open(folder)
		if err != nil {
			return err
		}
		whole, halves = append(whole, it), append(halves, it)
	}
	if len(whole) == 0 {
		return fmt.Errorf("there are no recordings in %s; want folders with mix.wav and stems", data)
	}
	if err := table(ctx, w, "SI-SDRi of the whole recording, mean over stems, dB", whole, ofWhole); err != nil {
		return err
	}
	fmt.Fprintln(w)
	return table(ctx, w, "SI-SDRi of the second half, what is learnt being of the first, dB", halves, ofHalves)
}

// method separates a recording, knowing something of it.
type method struct {
	name   string
	scored bool // it needs a score
	stems  int  // it is for so many stems; 0: any
	run    func(ctx context.Context, it *item) (names []string, stems []*audiosep.Signal, err error)
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
		fmt.Fprintf(w, "| %s |", it.name)
		for _, m := range methods {
			x := math.NaN()
			if (!m.scored || it.notes != nil) && (m.stems == 0 || m.stems == len(it.stems)) {
				var err error
				if x, err = it.measure(ctx, m); err != nil {
					return fmt.Errorf("%s, %s: %w", it.name, m.name, err)
				}
			}
			all[i] = append(all[i], x)
			fmt.Fprintf(w, " %s |", decibel(x))
		}
		fmt.Fprintln(w)
	}
	means(w, "mean of those with a score", all, func(i int) bool { return items[i].notes != nil })
	means(w, "mean of all", all, func(int) bool { return true })
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
