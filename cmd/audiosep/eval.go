package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
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
	write := map[string]func(*metrics.Report, io.Writer) error{
		"text": (*metrics.Report).WriteText, "json": (*metrics.Report).WriteJSON, "csv": (*metrics.Report).WriteCSV,
	}[e.format]
	if write == nil {
		return fmt.Errorf("--format is %q; want text, json or csv", e.format)
	}
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
	for i, c := range e.conventions {
		r, err := e.evaluate(cmd, metrics.Convention(c))
		if err != nil {
			if cmd.Context().Err() != nil {
				return cmd.Context().Err()
			}
			return &runError{err}
		}
		if i > 0 && e.format == "text" {
			fmt.Fprintln(cmd.OutOrStdout())
		}
		if err := write(r, cmd.OutOrStdout()); err != nil {
			return &runError{err}
		}
	}
	return nil
}

func (e *evaluation) evaluate(cmd *cobra.Command, c metrics.Convention) (_ *metrics.Report, err error) {
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
	head, err := refs[0].Head(cmd.Context())
	if err != nil {
		return nil, err
	}
	match := metrics.Match(e.match)
	if match == "" && c == metrics.V4 {
		match = metrics.MatchSIR // stems from a separator come in an order of its own
	}
	return metrics.Evaluate(cmd.Context(), refs, ests, mixture, metrics.Options{
		Convention: c, Match: match,
		Window: int(math.Round(e.window * float64(head.Rate))), Hop: int(math.Round(e.hop * float64(head.Rate))),
	})
}

// opened is a list of recordings to close.
type opened []io.Closer

func (o *opened) close() error {
	var err error
	for _, c := range *o {
		err = errors.Join(err, c.Close())
	}
	return err
}

func (o *opened) file(name string) (audiosep.Source, error) {
	s, err := audio.NewReadAudio(audio.ReadAudioParams{Files: []string{name}})
	if c, ok := s.(io.Closer); ok {
		*o = append(*o, c)
	}
	return s, err
}

// folder opens the WAV files of a folder, in the order of their names.
func (o *opened) folder(dir string) (all []audiosep.Source, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		if strings.EqualFold(filepath.Ext(entry.Name()), ".wav") {
			s, err := o.file(filepath.Join(dir, entry.Name()))
			if err != nil {
				return nil, err
			}
			all = append(all, s)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("folder %s holds no WAV files; want one for each source", dir)
	}
	return all, nil
}
