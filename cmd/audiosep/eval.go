package main

import (
	"cmp"
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
		Long:  evalWords + conventionWords(),
		Example: `  audiosep eval --reference song/stems --estimate stems
  audiosep eval --reference song/stems --estimate stems --mixture song/mix.wav --convention bss_v4 --format json
  audiosep eval --reference tracks --estimate results --mixture mixture.wav --ideal irm
  audiosep eval --notes --reference song/notes.csv --estimate heard/song-notes.mid`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if e.notes {
				return e.runNotes(cmd)
			}
			return e.run(cmd)
		},
	}
	fl := cmd.Flags()
	fl.BoolVar(&e.notes, "notes", false, "hold notes against notes: reference and estimate are files, MIDI, MusicXML or CSV")
	fl.StringVarP(&e.reference, "reference", "r", "", "`DIR` of the true stems")
	fl.StringVarP(&e.estimate, "estimate", "e", "", "`DIR` of the separated stems")
	fl.StringVar(&e.mixture, "mixture", "", "`FILE` of the mixture, to tell the improvement over it; with tracks, its name in each track's folder of references")
	fl.StringArrayVarP(&e.conventions, "convention", "c", conventionNames(metrics.DefaultConventions()), "what to measure; may be given several times")
	fl.StringVar(&e.format, "format", "text", "text, json or csv")
	fl.StringVar(&e.match, "match", "", "given (in the order of the names), sir or sdr (default: the convention's own; sir for bss_v4)")
	fl.Float64Var(&e.window, "window", 0, "length of a frame in seconds (default: 1 for bss_v4, else everything)")
	fl.Float64Var(&e.hop, "hop", 0, "hop of frames in seconds (default: the window)")
	fl.IntVar(&e.taps, "taps", 512, "length of the filters that BSS Eval 3 and 4 allow, in samples")
	fl.Float64Var(&e.load, "load", 0, "what is added to the diagonal of the Gram matrix, relative to it, against filters that make much of what is next to silent")
	fl.BoolVar(&e.zeroMean, "zero-mean", false, "take the mean from every channel first")
	fl.StringVar(&e.fitLength, "fit-length", "refuse", "recordings of different lengths: refuse, pad (zeros, to the longest) or cut (to the shortest)")
	fl.BoolVar(&e.perChannel, "per-channel", false, "measure each channel by itself, too")
	fl.StringArrayVar(&e.ideal, "ideal", nil, "measure what an ideal mask makes of the mixture, too: ibm (binary) or irm (ratio); may be given twice")
	cmd.MarkFlagRequired("reference")
	for _, dir := range []string{"reference", "estimate"} {
		cmd.MarkFlagDirname(dir)
	}
	cmd.RegisterFlagCompletionFunc("match", cobra.FixedCompletions(matches, cobra.ShellCompDirectiveNoFileComp))
	cmd.RegisterFlagCompletionFunc("fit-length", cobra.FixedCompletions(lengthFits, cobra.ShellCompDirectiveNoFileComp))
	cmd.RegisterFlagCompletionFunc("ideal", cobra.FixedCompletions(idealMasks, cobra.ShellCompDirectiveNoFileComp))
	cmd.RegisterFlagCompletionFunc("convention", cobra.FixedCompletions(conventionNames(metrics.Conventions()), cobra.ShellCompDirectiveNoFileComp))
	cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"text", "json", "csv"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

const evalWords = `Hold the sound files of one folder, estimates, against those of another, references. In a folder
with WAV, FLAC, AIFF or Wave64 files those are the stems; else all that run reads, such as Ogg and MP3.
Estimates go to the references they fit best, unless --match says otherwise; where their
names say otherwise, a warning tells so.

Where the folder of references holds folders, each is a track with its stems, and the
folder of estimates has one of the same name. The text then ends with medians over the
tracks. --ideal needs no estimates.

With --notes, notes are held against notes, as mir_eval does: onsets within 50 ms, pitches
within half a semitone, offsets within 50 ms or a fifth of the note's duration.

Conventions, whose numbers cannot be compared with each other's:
`

// The values of flags.
var (
	matches    = []string{"given", "sir", "sdr"}
	lengthFits = []string{"refuse", "pad", "cut"}
	idealMasks = []string{"ibm", "irm"}
)

func conventionNames(of []metrics.Convention) (names []string) {
	for _, c := range of {
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
	conventions, ideal           []string
	format, match, fitLength     string
	window, hop, load            float64
	taps                         int
	zeroMean, perChannel, notes  bool
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
	if e.estimate == "" && len(e.ideal) == 0 {
		return errors.New("--estimate names no folder; want one, or --ideal to measure ideal masks alone")
	}
	if !(e.window >= 0 && e.hop >= 0) || math.IsInf(e.window+e.hop, 0) {
		return fmt.Errorf("--window is %g and --hop %g seconds; want numbers ≥ 0", e.window, e.hop)
	}
	if e.taps < 1 || e.taps > 1<<14 {
		return fmt.Errorf("--taps is %d; want 1 to %d", e.taps, 1<<14)
	}
	if !(e.load >= 0) || math.IsInf(e.load, 1) {
		return fmt.Errorf("--load is %g; want a finite number ≥ 0", e.load)
	}
	for _, flag := range []struct {
		name   string
		values []string
		known  []string
	}{
		{"match", []string{e.match}, append([]string{""}, matches...)},
		{"fit-length", []string{e.fitLength}, lengthFits},
		{"ideal", e.ideal, idealMasks},
		{"convention", e.conventions, conventionNames(metrics.Conventions())},
	} {
		for _, v := range flag.values {
			if !slices.Contains(flag.known, v) {
				return fmt.Errorf("--%s is %q; want one of %s", flag.name, v, strings.TrimPrefix(strings.Join(flag.known, ", "), ", "))
			}
		}
	}
	return nil
}

// evaluate returns a report for each convention, estimator and track, in this order;
// nothing is written before all are there.
func (e *evaluation) evaluate(ctx context.Context) (metrics.Reports, error) {
	tracks, err := e.tracks()
	if err != nil {
		return nil, err
	}
	var all metrics.Reports
	for _, t := range tracks {
		reports, err := e.evaluateTrack(ctx, t)
		if err != nil && t.name != "" {
			err = fmt.Errorf("track %s: %w", shown(t.name), err)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, reports...)
	}
	slices.SortStableFunc(all, func(a, b *metrics.Report) int {
		return cmp.Or(
			cmp.Compare(slices.Index(e.conventions, string(a.Convention)), slices.Index(e.conventions, string(b.Convention))),
			cmp.Compare(e.estimatorIndex(a), e.estimatorIndex(b)))
	})
	return all, nil
}

// estimatorIndex is the place of a report's estimator: given estimates, then ideal masks.
func (e *evaluation) estimatorIndex(r *metrics.Report) int {
	return slices.IndexFunc(e.ideal, func(m string) bool { return metrics.IdealMask(m).Doc() == r.Estimator })
}

// evaluateTrack returns a report for each convention and estimator of one track.
func (e *evaluation) evaluateTrack(ctx context.Context, t track) (reports metrics.Reports, err error) {
	var open opened
	defer func() { err = errors.Join(err, open.close()) }()
	var mixture audiosep.Source
	if t.mixture != "" {
		if mixture, err = open.file(t.mixture); err != nil {
			return nil, err
		}
	}
	refs, err := open.folder(t.reference, t.mixture)
	if err != nil {
		return nil, err
	}
	measure := func(ests []audiosep.Source, estimator string) error {
		for _, c := range e.conventions {
			opt, err := e.options(ctx, metrics.Convention(c), refs[0])
			if err != nil {
				return err
			}
			if estimator != "" {
				opt.Match = metrics.MatchGiven
			}
			r, err := metrics.Evaluate(ctx, refs, ests, mixture, opt)
			if err != nil {
				return err
			}
			r.Track, r.Estimator = t.name, estimator
			reports = append(reports, r)
		}
		return nil
	}
	if t.estimate != "" {
		ests, err := open.folder(t.estimate, t.mixture)
		if err != nil {
			return nil, err
		}
		if err := measure(ests, ""); err != nil {
			return nil, err
		}
	}
	for _, m := range e.ideal {
		mask := metrics.IdealMask(m)
		ests, err := metrics.Ideal(ctx, refs, mixture, mask)
		if err != nil {
			return nil, err
		}
		if err := measure(ests, mask.Doc()); err != nil {
			return nil, err
		}
	}
	return reports, nil
}

// options are those of the flags, for recordings like first.
func (e *evaluation) options(ctx context.Context, c metrics.Convention, first audiosep.Source) (metrics.Options, error) {
	opt := metrics.Options{
		Convention: c, Match: metrics.Match(e.match), Taps: e.taps, Load: e.load,
		ZeroMean: e.zeroMean, FitLength: metrics.FitLength(e.fitLength), PerChannel: e.perChannel,
	}
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
