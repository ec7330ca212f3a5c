// Command methods prints what each method that knows nothing of a recording makes of recordings
// with known stems, and what NMF in one pass comes to. The tables of docs/methods.md are its
// output.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"

	"github.com/audiosep/audiosep/examples/internal/known"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	data := flag.String("data", "", "`DIR` of recordings, as DIR/NAME/mix.wav and DIR/NAME/stems/*.wav, or one that has them in its folder audio")
	only := flag.String("items", "", "recordings to use, with commas between them (default: all)")
	methods := flag.String("methods", "", "methods to use, with commas between them (default: all but nmf2d, which takes minutes)")
	pass := flag.Bool("pass", false, "hold one pass of online_nmf against NMF of the whole instead")
	flag.Parse()
	if *data == "" || flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "methods: want --data DIR, a folder of recordings with known stems")
		os.Exit(2)
	}
	if err := run(ctx, os.Stdout, *data, *only, *methods, *pass); err != nil {
		fmt.Fprintln(os.Stderr, "methods:", err)
		os.Exit(1)
	}
}

// run prints the table: a line for each recording, a column for each method.
func run(ctx context.Context, w io.Writer, data, only, methods string, pass bool) error {
	folders, err := known.Folders(data, "mix.wav", only)
	if err != nil {
		return err
	}
	if len(folders) == 0 {
		return fmt.Errorf("there are no recordings in %s; want folders with mix.wav and stems", data)
	}
	if pass {
		return runPass(ctx, w, folders)
	}
	var columns []method
	fmt.Fprint(w, "| SI-SDRi of two parts, mean, dB |")
	for _, m := range all {
		if methods == "" && !m.slow || slices.Contains(strings.Split(methods, ","), m.name) {
			columns = append(columns, m)
			fmt.Fprintf(w, " %s |", m.name)
		}
	}
	if len(columns) == 0 {
		return fmt.Errorf("there is no method %q", methods)
	}
	fmt.Fprintf(w, "\n|---|%s\n", strings.Repeat("---|", len(columns)))
	sums := make([]float64, len(columns))
	for _, folder := range folders {
		it, err := open(folder)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "| %s |", it.Name)
		for i, m := range columns {
			x, err := it.measure(ctx, m)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", it.Name, m.name, err)
			}
			sums[i] += x
			fmt.Fprintf(w, " %.1f |", x)
		}
		fmt.Fprintln(w)
	}
	fmt.Fprint(w, "| **mean** |")
	for _, sum := range sums {
		fmt.Fprintf(w, " %.1f |", sum/float64(len(folders)))
	}
	_, err = fmt.Fprintln(w)
	return err
}
