// Command compare holds methods of separation against each other on recordings whose
// stems are known. A method is a pipeline; it is run on every mixture at equal settings,
// its components are put into sources, and the sources are measured against the stems.
package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	switch err := command().ExecuteContext(ctx); {
	case err == nil:
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(os.Stderr, "compare: cancelled")
		os.Exit(130)
	default:
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

func command() *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "compare --data DIR [PIPELINE…]",
		Short: "Compare methods of separation on recordings with known stems",
		Long: `Run pipelines on every mixture of a folder, laid out as NAME/mix.wav and
NAME/stems/*.wav, and print how well each separates it: SI-SDR, and the SDR of
BSS Eval 3 and 4, with the mean and the spread over seeds.

Pipelines are given as files, such as those of examples/compare/methods; without
any, those are used. Their rank is set to --components for each stem, their seed
to 1, 2, and so on, and their sound comes from the folder.

Components are put into sources in two ways. The oracle knows the stems and
chooses the sources with the best mean SI-SDR: the best that these components
can do. The blind way clusters their activations and spectra, as the parameter
sources of wiener does with cluster linkage; its sources are matched to the stems afterwards.`,
		Example: `  go run ./examples/compare --data recordings
  go run ./examples/compare --data recordings --items duet,trio --seeds 3 --out result examples/real/pipeline.json`,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          func(cmd *cobra.Command, args []string) error { return o.run(cmd, args) },
	}
	fl := cmd.Flags()
	fl.StringVar(&o.data, "data", "", "`DIR` of the recordings, or one that has them in its folder audio")
	fl.StringSliceVar(&o.items, "items", nil, "recordings to use (default: all)")
	fl.StringSliceVar(&o.methods, "methods", nil, "which of the methods to run, by their files' names (default: all)")
	fl.IntVar(&o.seeds, "seeds", 2, "runs of each method, with the seeds 1, 2, …")
	fl.IntVar(&o.components, "components", 5, "components for each stem")
	fl.Float64Var(&o.seconds, "seconds", 0, "take only so much of each recording (default: all)")
	fl.BoolVar(&o.stereo, "stereo", false, "keep the channels instead of taking their mean")
	fl.StringVar(&o.progress, "progress", "log", "lines on standard error: log or none")
	fl.StringSliceVar(&o.against, "against", nil, "methods that the others are compared with, item by item (default: the first)")
	fl.StringVar(&o.out, "out", "", "`FILE` to write the tables to, as FILE.md, and every figure, as FILE.csv")
	cmd.MarkFlagRequired("data")
	return cmd
}

// options are what the flags say.
type options struct {
	data, out, progress string
	items, methods      []string
	against             []string
	seeds, components   int
	seconds             float64
	stereo              bool
}

func (o *options) check() error {
	switch {
	case o.seeds < 1:
		return fmt.Errorf("--seeds is %d; want at least 1", o.seeds)
	case o.components < 1:
		return fmt.Errorf("--components is %d; want at least 1", o.components)
	case !(o.seconds >= 0) || math.IsInf(o.seconds, 1):
		return fmt.Errorf("--seconds is %g; want a length, or 0 for all", o.seconds)
	case o.progress != "log" && o.progress != "none":
		return fmt.Errorf("--progress is %q; want log or none", o.progress)
	}
	return nil
}

func (o *options) run(cmd *cobra.Command, files []string) error {
	if err := o.check(); err != nil {
		return err
	}
	methods, err := readMethods(files, o.methods)
	if err != nil {
		return err
	}
	var names []string
	for _, m := range methods {
		names = append(names, m.name)
	}
	if len(o.against) == 0 {
		o.against = names[:1]
	}
	if o.against, err = choose("--against", o.against, names, names); err != nil {
		return err
	}
	folders, err := o.folders()
	if err != nil {
		return err
	}
	c := &comparison{options: o, progress: newProgress(cmd.ErrOrStderr(), o.progress == "log")}
	c.progress.of = len(folders) * (len(methods)*o.seeds + 1)
	for _, folder := range folders {
		if err := c.item(cmd.Context(), folder, methods); err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(folder), err)
		}
	}
	t := newTables(c, methods)
	if err := t.write(cmd.OutOrStdout()); err != nil {
		return err
	}
	if o.out == "" {
		return nil
	}
	return errors.Join(writeFile(o.out+".md", t.write), writeFile(o.out+".csv", c.writeCSV))
}

// folders returns those of the recordings that are asked for.
func (o *options) folders() ([]string, error) {
	pattern := filepath.Join("*", "mix.wav")
	mixes, err := filepath.Glob(filepath.Join(o.data, pattern))
	if err == nil && len(mixes) == 0 {
		mixes, err = filepath.Glob(filepath.Join(o.data, "audio", pattern))
	}
	if err != nil {
		return nil, err
	}
	var names, folders []string
	for _, mix := range mixes {
		folders = append(folders, filepath.Dir(mix))
		names = append(names, filepath.Base(filepath.Dir(mix)))
	}
	if len(folders) == 0 {
		return nil, fmt.Errorf("folder %s has no recordings; want NAME/mix.wav and NAME/stems/*.wav in it", o.data)
	}
	return choose("--items", o.items, names, folders)
}
