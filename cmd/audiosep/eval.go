package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/metrics"
)

func evalCommand() *cobra.Command {
	var e evaluation
	cmd := &cobra.Command{
		Use:   "eval --reference DIR --estimate DIR",
		Short: "Measure how well stems were separated",
		Long:  "Hold the WAV files of one folder, estimates, against those of another, references.\nEstimates go to the references they fit best, unless --match says otherwise.\n\nConventions, whose numbers cannot be compared with each other's:\n" + conventionWords(),
		Example: `  audiosep eval --reference song/stems --estimate stems
  audiosep eval --reference song/stems --estimate stems --mixture song/mix.wav --convention bss_v4 --format json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return e.run(cmd) },
	}
	fl := cmd.Flags()
	fl.StringVarP(&e.reference, "reference", "r", "", "`DIR` of the true stems")
	fl.StringVarP(&e.estimate, "estimate", "e", "", "`DIR` of the separated stems")
	fl.StringVar(&e.mixture, "mixture", "", "`FILE` of the mixture, to tell the improvement over it")
	fl.StringArrayVarP(&e.conventions, "convention", "c", []string{string(metrics.SI), string(metrics.V3Sources)}, "what to measure; may be given several times")
	fl.StringVar(&e.format, "format", "text", "text, json or csv")
	fl.StringVar(&e.match, "match", "", "given (in the order of the names), sir or sdr (default: the convention's own; sir for bss_v4)")
	fl.Float64Var(&e.window, "window", 0, "length of a frame in seconds (default: 1 for bss_v4, else everything)")
	fl.Float64Var(&e.hop, "hop", 0, "hop of frames in seconds (default: the window)")
	for _, dir := range []string{"reference", "estimate"} {
		cmd.MarkFlagRequired(dir)
		cmd.MarkFlagDirname(dir)
	}
	cmd.RegisterFlagCompletionFunc("convention", cobra.FixedCompletions(conventionNames(), cobra.ShellCompDirectiveNoFileComp))
	cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"text", "json", "csv"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func conventionNames() (names []string) {
	for _, c := range metrics.Conventions() {
		names = append(names, string(c))
	}
	return names
}

func conventionWords() string {
	var b strings.Builder
	for _, c := range metrics.Conventions() {
		fmt.Fprintf(&b, "  %-14s  %s\n", c, strings.TrimSpace(wrap(c.Doc(), 80, strings.Repeat(" ", 18))))
	}
	return b.String()
}

// evaluation is what the flags of eval say.
type evaluation struct {
	reference, estimate, mixture string
	conventions                  []string
	format, match                string
	window, hop                  float64
}

func (e *evaluation) run(cmd *cobra.Command) error {
	write := map[string]func(metrics.Reports, io.Writer) error{
		"text": metrics.Reports.WriteText, "json": metrics.Reports.WriteJSON, "csv": metrics.Reports.WriteCSV,
	}[e.format]
	if write == nil {
		return fmt.Errorf("--format is %q; want text, json or csv", e.format)
	}
	if err := e.check(); err != nil {
		return err
	}
	reports, err := e.evaluate(cmd.Context())
	if err == nil {
		err = write(reports, cmd.OutOrStdout())
	}
	if err != nil {
		return failure(cmd.Context(), err)
	}
	return nil
}

// failure is the error of a command's work: a cancellation, if it was cancelled.
func failure(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &runError{err}
}

func (e *evaluation) check() error {
	if !slices.Contains([]string{"", "given", "sir", "sdr"}, e.match) {
		return fmt.Errorf("--match is %q; want given, sir or sdr", e.match)
	}
	if !(e.window >= 0 && e.hop >= 0) || math.IsInf(e.window+e.hop, 0) {
		return fmt.Errorf("--window is %g and --hop %g seconds; want numbers ≥ 0", e.window, e.hop)
	}
	for _, c := range e.conventions {
		if !slices.Contains(conventionNames(), c) {
			return fmt.Errorf("--convention is %q; want one of %s", c, strings.Join(conventionNames(), ", "))
		}
	}
	return nil
}

// evaluate returns a report for each convention; nothing is written before all are there.
func (e *evaluation) evaluate(ctx context.Context) (reports metrics.Reports, err error) {
	var open opened
	defer func() { err = errors.Join(err, open.close()) }()
	refs, err := open.folder(e.reference)
	if err != nil {
		return nil, err
	}
	ests, err := open.folder(e.estimate)
	if err != nil {
		return nil, err
	}
	var mixture audiosep.Source
	if e.mixture != "" {
		if mixture, err = open.file(e.mixture); err != nil {
			return nil, err
		}
	}
	for _, c := range e.conventions {
		opt, err := e.options(ctx, metrics.Convention(c), refs[0])
		if err != nil {
			return nil, err
		}
		r, err := metrics.Evaluate(ctx, refs, ests, mixture, opt)
		if err != nil {
			return nil, err
		}
		reports = append(reports, r)
	}
	return reports, nil
}

// options are those of the flags, for recordings like first.
func (e *evaluation) options(ctx context.Context, c metrics.Convention, first audiosep.Source) (metrics.Options, error) {
	opt := metrics.Options{Convention: c, Match: metrics.Match(e.match)}
	if opt.Match == "" && c == metrics.V4 {
		opt.Match = metrics.MatchSIR // stems from a separator come in an order of its own
	}
	head, err := first.Head(ctx)
	if err != nil {
		return opt, err
	}
	if opt.Window, err = samplesOf("--window", e.window, head.Rate); err != nil {
		return opt, err
	}
	opt.Hop, err = samplesOf("--hop", e.hop, head.Rate)
	return opt, err
}

// samplesOf converts the seconds of a flag to samples. 0 seconds, the default, are 0
// samples; what else rounds to nothing is an error, since 0 means the default.
func samplesOf(flag string, seconds float64, rate int) (int, error) {
	n := math.Round(seconds * float64(rate))
	if n < 1 && seconds > 0 {
		return 0, fmt.Errorf("%s is %g s, less than a sample at %d Hz; want at least %.3g s", flag, seconds, rate, 1/float64(rate))
	}
	return int(min(n, math.MaxInt32*1e6)), nil
}
