package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/factorizers"
	"github.com/audiosep/audiosep/transforms"
)

// rankOptions are what the flags of rank say.
type rankOptions struct {
	factorizers.RankParams
	length float64 // ms
	format string
	seed   uint64

	progress string
}

func rankCommand() *cobra.Command {
	o := rankOptions{RankParams: factorizers.DefaultRank(), progress: "auto"}
	cmd := &cobra.Command{
		Use:   "rank RECORDING",
		Short: "Suggest how many components a recording has, and show why",
		Long: `Factorise the magnitudes of a recording's STFT with ranks of up to --most and print

  explained  how much of the Kullback-Leibler divergence of V from its mean the
             factors explain: where it bends, more components describe detail
  stability  how far random starts find the same spectra, 1 where they agree
  relevance  the scale of each of --most components under a prior that draws
             those that are not needed to 1 (Tan and Févotte, 2013)

The number that is suggested is that of relevant components. It is one for NMF,
not the number of instruments: a source has several spectra. Where starts agree
up to another rank, both are worth a try.`,
		Example: "  audiosep rank examples/piano/mix.wav --most 12",
		Args:    cobra.ExactArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return o.run(cmd, args[0]) },
	}
	fl := cmd.Flags()
	fl.IntVar(&o.Most, "most", o.Most, "the greatest rank that is tried")
	fl.IntVar(&o.Starts, "starts", o.Starts, "random starts of each rank")
	fl.IntVar(&o.Iterations, "iterations", o.Iterations, "iterations of each start")
	fl.Float64Var(&o.length, "length-ms", 64, "length of a frame in ms; frames overlap by half")
	fl.Uint64Var(&o.seed, "seed", 1, "seed of the random starts")
	fl.StringVar(&o.format, "format", "text", "text or json")
	addProgress(cmd, &o.progress)
	cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (o *rankOptions) run(cmd *cobra.Command, file string) error {
	if o.format != "text" && o.format != "json" {
		return fmt.Errorf("--format is %q; want text or json", o.format)
	}
	for _, flag := range []struct {
		name        string
		n, at, most int
	}{{"most", o.Most, 2, 1000}, {"starts", o.Starts, 2, 1000}, {"iterations", o.Iterations, 1, 1_000_000}} {
		if flag.n < flag.at || flag.n > flag.most {
			return fmt.Errorf("--%s is %d; want %d to %d", flag.name, flag.n, flag.at, flag.most)
		}
	}
	if !(o.length >= 1 && o.length <= 10_000) {
		return fmt.Errorf("--length-ms is %g; want 1 to 10000", o.length)
	}
	show, err := newProgress(o.progress, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	v, err := magnitudes(cmd.Context(), file, o.length)
	if err != nil {
		return &runError{err}
	}
	env := audiosep.Env{Seed: o.seed, Progress: func(s audiosep.Step) { show.Step("rank", s) }}
	report, err := factorizers.SuggestRank(cmd.Context(), env, v, o.RankParams)
	show.close()
	if err != nil {
		return &runError{fmt.Errorf("%s: %w", file, err)}
	}
	if o.format == "json" {
		enc := json.NewEncoder(cmd.OutOrStdout())
		enc.SetIndent("", "  ")
		return enc.Encode(report)
	}
	return writeRank(cmd.OutOrStdout(), report)
}

// magnitudes returns the root of the power of a recording's STFT, the mean of its channels.
func magnitudes(ctx context.Context, file string, ms float64) (_ *mat.Dense, err error) {
	src, err := audio.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	p := transforms.DefaultFrame()
	p.LengthMS = &ms
	x, err := transforms.STFT(ctx, src, p)
	if err != nil {
		return nil, err
	}
	power, err := audiosep.PowerOf(x, nil).V(ctx)
	if err != nil {
		return nil, err
	}
	return factorizers.Magnitude(power), nil
}

func writeRank(out io.Writer, r *factorizers.RankReport) error {
	which := "the relevant components"
	if r.Suggested == len(r.Relevance) {
		which = "all that were tried: there may be more, see --most; made-up sound without noise has many"
	}
	fmt.Fprintf(out, "suggested: %d, %s\nstarts agree up to rank %d: stability %g or more\n\n", r.Suggested, which, r.Stable, r.StableFrom)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "rank\texplained\tstability\t")
	for _, k := range r.Ranks {
		fmt.Fprintf(w, "%d\t%.1f %%\t%.3f\t\n", k.Rank, 100*k.Explained, k.Stability)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	var all []string
	for _, l := range r.Relevance {
		all = append(all, fmt.Sprintf("%.3g", l))
	}
	_, err := fmt.Fprintf(out, "\nrelevance, of which %g or more counts: %s\n", r.RelevantFrom, strings.Join(all, " "))
	return err
}
