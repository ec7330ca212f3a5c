// Command grouping measures how well components of NMF are put into sources blindly, on
// recordings whose stems are known, beside random groups and beside what one who hears the
// stems would do.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/examples/internal/known"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	switch err := command().ExecuteContext(ctx); {
	case err == nil:
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(os.Stderr, "grouping: cancelled")
		os.Exit(130)
	default:
		fmt.Fprintln(os.Stderr, "grouping:", err)
		os.Exit(1)
	}
}

// options are what the flags say.
type options struct {
	data               string
	items              []string
	sets               int
	starts, components int
	draws              int
	length             float64 // ms
}

func command() *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "grouping --data DIR",
		Short: "Measure how well components are put into sources blindly",
		Long: `Take every mixture of a folder, laid out as NAME/mix.wav and NAME/stems/*.wav,
apart by KL-NMF of an STFT's magnitudes, from several starts, and print the mean
gain in SI-SDR of its stems when the components are put into sources

  one start   as wiener does with sources: how many, one start alone
  blind       the same for all starts, whose stems ensemble aligns and averages
  random      at random, as many in each, mean of some draws
  oracle      by one who hears the stems: the best that the components can do

and again, in the columns with +1/5, when a fifth of the mixture is added to
every estimate. That separates nothing, yet raises a mean in which failures
weigh; so a method counts by what it has beyond random groups in both columns.
The agreement of the starts, which needs no stems, says how sure a grouping is.

Five starts are few: another five move a recording by some dB. All figures are
means over some sets of starts; of the mean, that of the worst and of the best
set are told too.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return o.run(cmd) },
	}
	fl := cmd.Flags()
	fl.StringVar(&o.data, "data", "", "`DIR` of the recordings, or one that has them in its folder audio")
	fl.StringSliceVar(&o.items, "items", nil, "recordings to use (default: all)")
	fl.IntVar(&o.starts, "starts", 5, "random starts of NMF")
	fl.IntVar(&o.sets, "sets", 6, "sets of so many starts, whose mean is told")
	fl.IntVar(&o.components, "components", 5, "components for each stem")
	fl.IntVar(&o.draws, "draws", 20, "random groupings")
	fl.Float64Var(&o.length, "length-ms", 93, "length of a frame in ms")
	cmd.MarkFlagRequired("data")
	return cmd
}

func (o *options) run(cmd *cobra.Command) error {
	for flag, n := range map[string]int{"sets": o.sets, "starts": o.starts, "components": o.components, "draws": o.draws} {
		if n < 1 {
			return fmt.Errorf("--%s is %d; want at least 1", flag, n)
		}
	}
	folders, err := known.Folders(o.data, "mix.wav", strings.Join(o.items, ","))
	if err != nil {
		return err
	}
	if len(folders) == 0 {
		return fmt.Errorf("folder %s has no such recordings; want NAME/mix.wav and NAME/stems/*.wav in it", o.data)
	}
	w := cmd.OutOrStdout()
	fmt.Fprintf(w, "KL-NMF, %d components for each stem, frames of %g ms, %d sets of %d starts. Gain in SI-SDR, dB, mean over the stems.\n\n", o.components, o.length, o.sets, o.starts)
	fmt.Fprintln(w, "| | stems | one start | blind | random | one start +1/5 | blind +1/5 | random +1/5 | oracle | agreement |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
	sets := make([][][]float64, o.sets) // rows of each set
	for _, folder := range folders {
		r, err := open(cmd.Context(), folder)
		if err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(folder), err)
		}
		var rows [][]float64
		for set := range sets {
			row, err := o.item(cmd.Context(), r, uint64(set*o.starts))
			if err != nil {
				return fmt.Errorf("%s: %w", r.name, err)
			}
			rows, sets[set] = append(rows, row), append(sets[set], row)
		}
		fmt.Fprintf(w, "| %s | %d |%s\n", r.name, len(r.stems), cells(overRows(rows, mean), "%.2f"))
	}
	o.summary(w, sets)
	return nil
}

// summary prints means and medians over recordings: their means over the sets, and the mean
// of the worst and of the best set, which is another one in each column.
func (o *options) summary(w io.Writer, sets [][][]float64) {
	var means, medians [][]float64
	for _, rows := range sets {
		means, medians = append(means, overRows(rows, mean)), append(medians, overRows(rows, median))
	}
	fmt.Fprintf(w, "| **mean** | |%s\n", cells(overRows(means, mean), "**%.2f**"))
	fmt.Fprintf(w, "| **median** | |%s\n", cells(overRows(medians, mean), "**%.2f**"))
	fmt.Fprintf(w, "| mean, worst set | |%s\n", cells(overRows(means, slices.Min), "%.2f"))
	fmt.Fprintf(w, "| mean, best set | |%s\n", cells(overRows(means, slices.Max), "%.2f"))
}

func cells(row []float64, format string) (s string) {
	for _, x := range row {
		s += fmt.Sprintf(" "+format+" |", x)
	}
	return s
}

// overRows puts each column of rows into one number.
func overRows(rows [][]float64, of func([]float64) float64) []float64 {
	all := make([]float64, len(rows[0]))
	for c := range all {
		var column []float64
		for _, row := range rows {
			column = append(column, row[c])
		}
		all[c] = of(column)
	}
	return all
}

func mean(xs []float64) (m float64) {
	for _, x := range xs {
		m += x / float64(len(xs))
	}
	return m
}

func median(xs []float64) float64 {
	xs = slices.Sorted(slices.Values(xs))
	n := len(xs)
	return (xs[(n-1)/2] + xs[n/2]) / 2
}

// recording is a mixture and its stems, each the mean of its channels.
type recording struct {
	name  string
	mix   *audiosep.Signal
	stems []*audiosep.Signal
}

func open(ctx context.Context, folder string) (*recording, error) {
	r := &recording{name: filepath.Base(folder)}
	var err error
	if r.mix, err = read(ctx, filepath.Join(folder, "mix.wav")); err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(folder, "stems", "*.wav"))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		stem, err := read(ctx, file)
		if err != nil {
			return nil, err
		}
		if len(stem.Data[0]) != len(r.mix.Data[0]) || stem.Rate != r.mix.Rate {
			return nil, fmt.Errorf("stem %s has another length or rate than mix.wav", filepath.Base(file))
		}
		r.stems = append(r.stems, stem)
	}
	if len(r.stems) < 2 {
		return nil, fmt.Errorf("it has %d stems; want at least 2", len(r.stems))
	}
	return r, nil
}

func read(ctx context.Context, file string) (_ *audiosep.Signal, err error) {
	src, err := audio.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	mono, err := audio.Downmix{}.Run(ctx, audiosep.Env{}, audio.In{Audio: src})
	if err != nil {
		return nil, err
	}
	return audiosep.ReadAll(ctx, mono.Audio)
}

// decibels returns the SI-SDR of an estimate of a stem (Le Roux et al., 2019).
func decibels(product, energy, estimate float64) float64 {
	target := product * product / energy
	return 10 * math.Log10(target/max(estimate-target, 1e-12*target))
}
