package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/audiosep/audiosep/batch"
	"github.com/audiosep/audiosep/batch/helper"
	"github.com/audiosep/audiosep/internal/whole"
	"github.com/audiosep/audiosep/metrics"
	"github.com/audiosep/audiosep/pipeline"
	"github.com/audiosep/audiosep/pipeline/record"
)

// codeError is an error that has an exit code of its own.
type codeError struct {
	code int
	err  error
}

func (e *codeError) Error() string { return e.err.Error() }
func (e *codeError) Unwrap() error { return e.err }

func batchCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "batch",
		Short: "Run a pipeline over many recordings, on one machine or many",
		Long: `Run a pipeline over many recordings. plan lists them in a manifest, run does those
that are not done, as often as it is called, on as many machines as see the same
folders. An item is done when its done-file (done.json, with the SHA-256 of every
output) is there, which is written last; doing one twice gives the same bytes.

Exit codes of run, retry, sweep and status:
  0  all done
  2  the pipeline or the command line is wrong
  3  all was tried, and some items failed; they are listed
  4  stopped (by a signal, a time limit, a full disk); run again to go on`,
		Example: `  audiosep batch plan pipeline.json songs > manifest.jsonl
  audiosep batch run manifest.jsonl --out stems --jobs 2
  audiosep batch status manifest.jsonl --out stems
  audiosep batch merge manifest.jsonl --out stems > table.csv`,
	}
	cmd.AddCommand(batchPlanCommand(), batchRunCommand(), batchRetryCommand(), batchSweepCommand(), batchSubmitCommand(), batchStatusCommand(), batchMergeCommand(), batchWorkerCommand())
	return cmd
}

// planFlags say what a manifest is to be made of, beside the pipeline.
type planFlags struct {
	spec      specFlags
	lists     []string
	reference string
	quiet     bool

	graph pipeline.Graph // what was planned
}

func (f *planFlags) add(cmd *cobra.Command) {
	f.addTo(cmd)
	cmd.Flags().BoolVarP(&f.quiet, "quiet", "q", false, "say nothing but warnings and errors")
	f.spec.plugins.add(cmd)
}

// addTo adds the flags that a command has which does items, too.
func (f *planFlags) addTo(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringArrayVar(&f.lists, "list", nil, "`FILE` of names of recordings, folders or patterns, one a line; - is standard input")
	fl.StringVar(&f.reference, "reference", "", "folders of true stems, where there are some: a `PATTERN` with {dir} for the folder of the recording, {input} for its name")
	fl.StringVar(&f.spec.format, "format", "", "`FORMAT` of the stems: wav, flac or aiff (default: what the names in the pipeline say)")
	f.spec.addChanges(cmd)
}

// inputs returns the recordings that arguments and lists name.
func (f *planFlags) inputs(cmd *cobra.Command, args []string) ([]string, error) {
	for _, list := range f.lists {
		var r io.Reader = cmd.InOrStdin()
		if list != "-" {
			file, err := whole.OpenPipe(cmd.Context(), list)
			if err != nil {
				return nil, err
			}
			defer file.Close()
			r = file
		}
		more, err := batch.List(r)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", list, err)
		}
		args = append(args, more...)
	}
	found, err := batch.Inputs(cmd.Context(), args, openStore)
	if err == nil && len(found.Inputs) == 0 {
		err = errors.New("there are no recordings; want files, folders or patterns behind the pipeline, or a --list")
	}
	for _, others := range found.Others {
		if !f.quiet {
			fmt.Fprintln(cmd.ErrOrStderr(), printable(others.String()))
		}
	}
	return found.Inputs, err
}

// plan writes a manifest of the recordings under settings. What cannot be read is told, and
// left out.
func (f *planFlags) plan(cmd *cobra.Command, w io.Writer, file string, inputs []string, settings []batch.Setting) ([]batch.Failure, error) {
	text, err := readSpec(cmd, file)
	if err != nil {
		return nil, err
	}
	spec, err := pipeline.Parse(file, text)
	if err != nil {
		return nil, err
	}
	f.spec.input = inputs[:1]
	if u, ok := helper.ParseURL(inputs[0]); ok {
		f.spec.input = []string{path.Base(u.Key)} // of which nothing but the name counts
	}
	r := &runner{log: newWarnings(cmd.ErrOrStderr()), plugins: f.spec.plugins}
	p := &batch.Plan{Version: thisVersion(), Inputs: inputs, Settings: settings, Reference: f.reference, Open: openStore}
	l, err := r.load(cmd.Context(), spec, func(reg *pipeline.Registry) error {
		p.Registry = reg
		return f.spec.override(cmd, spec, reg)
	})
	if err != nil {
		return nil, err
	}
	defer l.Close()
	p.Pipeline, p.Pins = l.Pipeline.Without(f.spec.unwanted...), l.pins
	f.graph = p.Pipeline.Graph()
	if !f.quiet {
		last := time.Now()
		p.Progress = func(done, of int) {
			if time.Since(last) > 5*time.Second {
				last = time.Now()
				fmt.Fprintf(cmd.ErrOrStderr(), "planned %d of %d\n", done, of)
			}
		}
	}
	bad, err := p.Write(cmd.Context(), w)
	for _, b := range bad {
		why := strings.TrimPrefix(b.Error, b.Input+": ") // which errors of reading name too
		fmt.Fprintln(cmd.ErrOrStderr(), printable(fmt.Sprintf("left out: %s: %s", b.Input, why)))
	}
	return bad, err
}

// thisVersion is the version by which manifests, records and done-files know this program.
func thisVersion() string {
	version, commit := buildVersion()
	return version + commit
}

func batchPlanCommand() *cobra.Command {
	var f planFlags
	var sweeps sweepFlags
	cmd := &cobra.Command{
		Use:   "plan PIPELINE INPUTS…",
		Short: "List what is to be done: one line an item",
		Long: `Write a manifest to standard output: a header with the pipeline, then a line for each
recording, and each setting of a sweep, with a hash of all that decides its result
(the content of the recording, the pipeline with every parameter, the seed, the
version), the folder of its outputs, and about how long it will take one processor
and how much memory. INPUTS are files, patterns, and folders, which are searched;
or the same in a store, such as s3://bucket/songs.
Recordings that cannot be read are told and left out; the exit code is 3 then.`,
		Example: `  audiosep batch plan pipeline.json songs 'more/*.flac' > manifest.jsonl
  find . -name '*.wav' | audiosep batch plan hpss --list - > manifest.jsonl
  audiosep batch plan pipeline.json songs --sweep is_nmf.rank=2,4,8 --sweep seed=1:5 > manifest.jsonl`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			settings, err := sweeps.settings()
			if err != nil {
				return err
			}
			inputs, err := f.inputs(cmd, args[1:])
			if err != nil {
				return err
			}
			bad, err := f.plan(cmd, cmd.OutOrStdout(), args[0], inputs, settings)
			if err == nil && len(bad) > 0 {
				err = &codeError{batch.ExitFailed, fmt.Errorf("%d of %d recordings cannot be read, and are left out", len(bad), len(inputs))}
			}
			return err
		},
	}
	f.add(cmd)
	sweeps.add(cmd)
	return cmd
}

// sweepFlags say which settings are to be tried.
type sweepFlags struct {
	sweep  []string
	paired bool
}

func (f *sweepFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.sweep, "sweep", nil, "`NAME=VALUES` to try: a parameter such as is_nmf.rank=2,4,8, or seed=1:5; with several, every combination")
	cmd.Flags().BoolVar(&f.paired, "paired", false, "not every combination of the sweeps, but the first values of all, then the second ones, and so on")
}

func (f *sweepFlags) settings() ([]batch.Setting, error) {
	var all []batch.Sweep
	for _, arg := range f.sweep {
		s, err := batch.ParseSweep(arg)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return batch.Settings(all, f.paired)
}

// separator is what does items in this process.
func separator(r *runner) *batch.Separator {
	return &batch.Separator{
		Version: thisVersion(),
		Run: func(ctx context.Context, spec *pipeline.Spec, w pipeline.Watcher, called func(path string) string) (*record.Record, error) {
			own := *r
			own.watch, own.called = w, called
			l, err := own.load(ctx, spec, nil)
			if err != nil {
				return nil, err
			}
			return own.run(ctx, l)
		},
		Measure: measureStems,
	}
}

// measureStems holds the stems of an item against true ones, as eval does.
func measureStems(ctx context.Context, reference, estimate, mixture string) ([]batch.Metric, error) {
	e := &evaluation{reference: reference, estimate: estimate, conventions: conventionNames(metrics.DefaultConventions()),
		match: "sdr", taps: 512, fitLength: string(metrics.FitRefuse)}
	reports, err := e.evaluate(ctx)
	if err != nil {
		return nil, err
	}
	var all []batch.Metric
	for _, r := range reports {
		all = append(all, means(r)...)
	}
	return all, nil
}

// mostDB stands for an infinite ratio, which JSON has not: more than float64 can tell from it.
const mostDB = 320

// means returns the metrics of each stem of a report, and of all of them in the mean.
func means(r *metrics.Report) (all []batch.Metric) {
	var names []string
	sums, counts := map[string]float64{}, map[string]float64{}
	for _, s := range r.Sources {
		for _, m := range s.Metrics {
			x := m.Median()
			if math.IsNaN(x) {
				continue
			}
			x = max(-mostDB, min(mostDB, x))
			if !slices.Contains(names, m.Name) {
				names = append(names, m.Name)
			}
			sums[m.Name] += x
			counts[m.Name]++
			all = append(all, batch.Metric{Convention: string(r.Convention), Source: s.Name, Name: m.Name, Value: x})
		}
	}
	for _, name := range names {
		all = append(all, batch.Metric{Convention: string(r.Convention), Name: name, Value: sums[name] / counts[name]})
	}
	return all
}

func batchStatusCommand() *cobra.Command {
	var out, format string
	var verify bool
	cmd := &cobra.Command{
		Use:   "status MANIFEST",
		Short: "Say what is done, what has failed, and what is left",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			items, err := manifest(cmd, args[0])
			if err != nil {
				return err
			}
			s, err := batch.Look(cmd.Context(), items, batch.Place{Out: out, Open: openStore}, verify)
			if err != nil {
				return &runError{err}
			}
			switch format {
			case "text":
				for _, f := range append(s.Failures, s.Damaged...) {
					fmt.Fprintln(cmd.OutOrStdout(), printable(fmt.Sprintf("%s: %s", f.Name, f.Error)))
				}
				fmt.Fprintln(cmd.OutOrStdout(), s)
			case "json":
				if err := json.NewEncoder(cmd.OutOrStdout()).Encode(s); err != nil {
					return err
				}
			default:
				return fmt.Errorf("--format is %q; want text or json", format)
			}
			if code := s.Code(); code != batch.ExitDone {
				return &codeError{code, &toldError{errors.New(s.String())}}
			}
			return nil
		},
	}
	addOut(cmd, &out)
	cmd.Flags().StringVar(&format, "format", "text", "text or json")
	cmd.Flags().BoolVar(&verify, "verify", false, "hold every output against its SHA-256")
	return cmd
}

func batchMergeCommand() *cobra.Command {
	var out, format string
	cmd := &cobra.Command{
		Use:   "merge MANIFEST",
		Short: "Write one table of the metrics and timings of all that is done",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			items, err := manifest(cmd, args[0])
			if err != nil {
				return err
			}
			write := map[string]func(io.Writer, []batch.Result) error{"csv": batch.WriteCSV, "jsonl": batch.WriteJSONL}[format]
			if write == nil {
				return fmt.Errorf("--format is %q; want csv or jsonl", format)
			}
			all, err := batch.Results(cmd.Context(), items, batch.Place{Out: out, Open: openStore})
			if err != nil {
				return &runError{err}
			}
			return write(cmd.OutOrStdout(), all)
		},
	}
	addOut(cmd, &out)
	cmd.Flags().StringVar(&format, "format", "csv", "csv, a row an item, or jsonl, a done-file a line")
	return cmd
}

func addOut(cmd *cobra.Command, out *string) {
	cmd.Flags().StringVarP(out, "out", "o", "", "`DIR` of the results, or a URL such as s3://bucket/prefix")
	cmd.MarkFlagRequired("out")
	cmd.MarkFlagDirname("out")
}

// manifest reads the items of a manifest, on standard input if it is -.
func manifest(cmd *cobra.Command, file string) ([]*batch.Item, error) {
	if file == "-" {
		return batch.ReadManifest("standard input", cmd.InOrStdin())
	}
	return batch.ReadManifestFile(cmd.Context(), file)
}
