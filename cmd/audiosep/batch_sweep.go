package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/batch"
	"github.com/audiosep/audiosep/internal/whole"
	"github.com/audiosep/audiosep/metrics"
	"github.com/audiosep/audiosep/pipeline"
)

func batchSweepCommand() *cobra.Command {
	var plan planFlags
	var run batchFlags
	var sweeps sweepFlags
	var by string
	cmd := &cobra.Command{
		Use:   "sweep PIPELINE INPUTS…",
		Short: "Try settings, over one recording or many, and say which is best",
		Long: `Run a pipeline under each setting of one sweep or several, over one recording or many,
and print a table: of what each stage minimised, and of the metrics of eval where
there are true stems (--reference), the mean and the standard deviation over
recordings and seeds. The best setting has a star.

Below --out are the manifest, sweep.csv, sweep.png and a folder for each recording
with one for each setting. Called again it does what is not done.`,
		Example: `  audiosep batch sweep pipeline.json song.wav --sweep is_nmf.rank=2,4,8 --sweep seed=1:5 --out sweep
  audiosep batch sweep pipeline.json songs --reference '{dir}/stems' --sweep wiener.exponent=1,2 --out sweep`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			settings, err := sweeps.settings()
			if err == nil && settings == nil {
				err = errors.New("nothing is swept; want --sweep NAME=VALUES, such as is_nmf.rank=2,4,8")
			}
			if err != nil {
				return err
			}
			if err := inFolder(run.out); err != nil {
				return err
			}
			plan.quiet, plan.spec.plugins = run.quiet, run.plugins
			inputs, err := plan.inputs(cmd, args[1:])
			if err != nil {
				return err
			}
			items, bad, err := planSweep(cmd, &plan, run.out, by, args[0], inputs, settings)
			if err != nil {
				return err
			}
			ran := run.run(cmd, items, false)
			var coded *codeError
			if ran != nil && !errors.As(ran, &coded) {
				return ran
			}
			if err := writeSweep(cmd, items, run.out, by); err != nil {
				return errors.Join(err, ran)
			}
			if ran == nil && len(bad) > 0 {
				ran = &codeError{batch.ExitFailed, fmt.Errorf("%d of %d recordings cannot be read, and are left out", len(bad), len(inputs))}
			}
			return ran
		},
	}
	plan.addTo(cmd)
	run.add(cmd)
	sweeps.add(cmd)
	cmd.Flags().StringVar(&by, "best", "", "what the best setting is chosen by, as the table names it (default: si_sdr.SI-SDR, or else the first objective)")
	return cmd
}

// planSweep writes the manifest into the folder of the results, and returns what is in it.
func planSweep(cmd *cobra.Command, plan *planFlags, out, by, file string, inputs []string, settings []batch.Setting) ([]*batch.Item, []batch.Failure, error) {
	var text bytes.Buffer
	bad, err := plan.plan(cmd, &text, file, inputs, settings)
	if err != nil {
		return nil, nil, err
	}
	path := filepath.Join(out, "manifest.jsonl")
	items, err := batch.ReadManifest(path, bytes.NewReader(text.Bytes()))
	if err == nil && by != "" {
		err = choosable(cmd, by, plan.graph, items, out)
	}
	if err != nil {
		return nil, nil, err
	}
	if err := writeWhole(cmd, path, func(w io.Writer) error { _, err := w.Write(text.Bytes()); return err }); err != nil {
		return nil, nil, &runError{err}
	}
	return items, bad, nil
}

// choosable says why the best setting cannot be chosen by a name, as far as that is known before anything is done: no
// stage of the pipeline has such an objective, there are no true stems or no such metric, and what is done has neither.
func choosable(cmd *cobra.Command, by string, graph pipeline.Graph, items []*batch.Item, out string) error {
	var names, ratios []string
	for _, n := range graph.Stages {
		if slices.ContainsFunc(n.Out, func(e pipeline.Exit) bool { return e.Cargo == audiosep.CargoFactors }) {
			names = append(names, n.ID+".objective")
		}
	}
	for _, c := range metrics.DefaultConventions() {
		for _, ratio := range c.Metrics() {
			ratios = append(ratios, string(c)+"."+ratio)
		}
	}
	measured := slices.ContainsFunc(items, func(it *batch.Item) bool { return it.Reference != "" })
	if measured {
		names = append(ratios, names...)
	}
	done, err := batch.Results(cmd.Context(), items, batch.Place{Out: out})
	if err != nil {
		return &runError{err}
	}
	before, err := batch.Tabulate(done, "")
	switch {
	case err != nil:
		return err
	case slices.Contains(names, by) || slices.Contains(before.Measured, by):
		return nil
	case !measured && slices.Contains(ratios, by):
		return fmt.Errorf("--best is %q, which wants true stems; want them by --reference", by)
	case len(names) == 0:
		return fmt.Errorf("--best is %q, and no stage has an objective; want true stems by --reference", by)
	}
	return fmt.Errorf("--best is %q; want one of %s", by, strings.Join(names, ", "))
}

// writeSweep prints the table, and writes it as CSV and as a picture.
func writeSweep(cmd *cobra.Command, items []*batch.Item, out, by string) error {
	all, err := batch.Results(cmd.Context(), items, batch.Place{Out: out})
	if err != nil {
		return &runError{err}
	}
	table, err := batch.Tabulate(all, by)
	if err != nil {
		return err
	}
	if err := table.WriteText(cmd.OutOrStdout()); err != nil {
		return err
	}
	if err := writeWhole(cmd, filepath.Join(out, "sweep.csv"), table.WriteCSV); err != nil {
		return &runError{err}
	}
	if len(table.Rows) == 0 || table.By == "" {
		return nil
	}
	if err := writeWhole(cmd, filepath.Join(out, "sweep.png"), table.Draw); err != nil {
		return &runError{err}
	}
	return nil
}

// writeWhole writes a file, whole or not at all, in the place of one that may be there.
func writeWhole(cmd *cobra.Command, path string, write func(io.Writer) error) (err error) {
	set := whole.Set{Overwrite: true}
	defer func() { err = errors.Join(err, set.Close()) }()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	f, err := set.Create(path)
	if err != nil {
		return err
	}
	if err := write(f); err != nil {
		return err
	}
	return set.Commit(cmd.Context())
}
