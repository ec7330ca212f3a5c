package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/pipeline"
	"github.com/audiosep/audiosep/report"
)

func runCommand() *cobra.Command {
	var spec specFlags
	var progress, quiet = "auto", false
	var block int
	cmd := &cobra.Command{
		Use:   "run PIPELINE",
		Short: "Run a pipeline",
		Long: `Run the pipeline in a JSON file, on standard input if PIPELINE is -, or one that
has a name, which audiosep presets lists.

Files that the pipeline names are relative to its own folder; those it writes go
to --out. They appear whole when everything is done, or not at all. The same
pipeline, seed and files give the same bytes on any number of processors.`,
		Example: `  audiosep run hpss --input song.wav --out stems
  audiosep run score -h
  audiosep run pipeline.json
  audiosep run pipeline.json --input song.wav --out stems
  audiosep run pipeline.json -i one.wav -i two.wav --out stems
  audiosep run pipeline.json --seed 7 --set is_nmf.rank=12 --set frame.window=hann
  audiosep run pipeline.json --input song.flac --two drums --format flac
  ffmpeg -i film.mkv -f wav - | audiosep run pipeline.json -i - --only 1 --out - | sox -t wav - -d
  audiosep run pipeline.json --progress json 2> progress.jsonl`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if quiet && !cmd.Flags().Changed("progress") {
				progress = "none"
			}
			runs, err := spec.each()
			if err != nil {
				return err
			}
			one := func(f *specFlags) error { return runSpec(cmd, f, args[0], progress, quiet, block) }
			if len(runs) == 1 {
				return one(runs[0])
			}
			return runMany(cmd, runs, one)
		},
	}
	spec.add(cmd)
	fl := cmd.Flags()
	addProgress(cmd, &progress)
	fl.StringVar(&spec.format, "format", "", "`FORMAT` of the stems: wav, flac or aiff (default: what the names in the pipeline say)")
	fl.BoolVarP(&quiet, "quiet", "q", false, "say nothing but warnings and errors")
	fl.IntVar(&block, "block", 0, "frames worked on at a time; it changes memory and speed, never results (default: chosen)")
	return cmd
}

// runSpec runs a spec once.
func runSpec(cmd *cobra.Command, f *specFlags, file, progress string, quiet bool, block int) error {
	level := slog.LevelInfo
	if quiet {
		level = slog.LevelWarn
	}
	show, err := newProgress(progress, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	log := slog.New(newLog(show, level))
	if progress == "json" {
		log = slog.New(slog.NewJSONHandler(show, &slog.HandlerOptions{Level: level}))
	}
	p, end, err := f.load(cmd, file, log)
	defer end()
	if err == nil {
		err = runPipeline(cmd.Context(), p, pipeline.Options{Log: log, Watcher: show, Block: block})
		show.close()
		if err != nil && cmd.Context().Err() == nil {
			err = &runError{err}
		}
	}
	if err != nil && progress == "json" {
		if what := err.Error(); cmd.Context().Err() != nil {
			log.Error("cancelled")
		} else {
			log.Error(what)
		}
		return &toldError{err}
	}
	return err
}

// runMany runs a pipeline for each of several inputs. Those that fail do not keep the others
// from it; they are listed in the end.
func runMany(cmd *cobra.Command, runs []*specFlags, run func(*specFlags) error) error {
	var failed []string
	for _, f := range runs {
		err := run(f)
		var problems pipeline.Problems
		switch {
		case err == nil:
		case cmd.Context().Err() != nil || errors.As(err, &problems):
			return err
		default:
			fmt.Fprintln(cmd.ErrOrStderr(), printable(fmt.Sprintf("audiosep: %s: %v", f.input[0], err)))
			failed = append(failed, f.input[0])
		}
	}
	if failed != nil {
		return &runError{fmt.Errorf("%d of %d recordings failed: %s", len(failed), len(runs), strings.Join(failed, ", "))}
	}
	return nil
}

// runPipeline runs a pipeline and writes the report that it asks for.
func runPipeline(ctx context.Context, p *pipeline.Pipeline, o pipeline.Options) error {
	if p.Report == nil {
		return p.Run(ctx, o)
	}
	r, err := report.New(*p.Report, o.Watcher)
	if err != nil {
		return err
	}
	defer r.Close()
	o.Watcher, o.With = r, []audiosep.Committer{r}
	return p.Run(ctx, o)
}

func checkCommand() *cobra.Command {
	var spec specFlags
	format := "table"
	cmd := &cobra.Command{
		Use:   "check PIPELINE",
		Short: "Check a pipeline without running it, and print its wiring",
		Long: `Check that the stages of a pipeline exist, that their parameters are right, and
that they fit; then print what feeds each. Nothing is run and no sound is read.
Every fault is told at once, with its line and column.`,
		Example: `  audiosep check pipeline.json
  audiosep check pipeline.json --set is_nmf.rank=12
  audiosep check pipeline.json --format json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, end, err := spec.load(cmd, args[0], slog.New(newLog(cmd.ErrOrStderr(), slog.LevelWarn)))
			defer end()
			if err != nil {
				return err
			}
			switch format {
			case "table":
				fmt.Fprint(cmd.OutOrStdout(), p.Wiring())
			case "json":
				enc := json.NewEncoder(cmd.OutOrStdout())
				enc.SetIndent("", "  ")
				return enc.Encode(p.Graph())
			default:
				return fmt.Errorf("--format is %q; want table or json", format)
			}
			return nil
		},
	}
	spec.add(cmd)
	cmd.Flags().StringVar(&format, "format", format, "a `table` of the wiring, or json: stages, ports and wiring for programs")
	cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"table", "json"}, cobra.ShellCompDirectiveNoFileComp))
	cmd.Flags().BoolVar(&spec.plugins.none, "no-plugins", false, "start no plugins: their stages, and what hangs on them, are not checked")
	return cmd
}
