package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/audiosep/audiosep/batch"
	"github.com/audiosep/audiosep/batch/helper"
	"github.com/audiosep/audiosep/internal/machine"
)

// batchFlags are those of commands that do items.
type batchFlags struct {
	out, shard, memory, progress string
	nats                         string
	jobs, tries, block           int
	noSteal, wait, quiet         bool
	limit, grace, lease          time.Duration
	plugins                      pluginFlags
	cache                        cacheFlags
}

func (f *batchFlags) add(cmd *cobra.Command) {
	fl := cmd.Flags()
	addOut(cmd, &f.out)
	f.addWork(cmd)
	fl.StringVar(&f.shard, "shard", "", "do the part `I/N` of the items, I from 0 on; auto asks the job array that this is a task of (Slurm, Kubernetes, AWS, Google, PBS, SGE, LSF), auto/N where that does not know N")
	fl.BoolVar(&f.noSteal, "no-steal", false, "end with the items of the shard, and leave other shards' to them")
	fl.BoolVar(&f.wait, "wait", false, "stay until all items of the manifest are done or have failed, whoever does them")
	fl.DurationVar(&f.limit, "time-limit", 0, "begin no item that would not end in so long, and stop by then")
	f.progress = "auto"
	addProgress(cmd, &f.progress)
}

// addWork adds the flags of whoever is at work on items, wherever they come from.
func (f *batchFlags) addWork(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.IntVarP(&f.jobs, "jobs", "j", 0, "items at a time, each in a process of its own with its part of the processors (default: as many as there are processors)")
	fl.StringVar(&f.memory, "memory", "auto", "`BYTES` for all items at work, such as 8GB: those that do not fit beside each other wait; auto is most of what is free, 0 any")
	fl.DurationVar(&f.grace, "grace", 10*time.Second, "how long items in hand may go on when the run is told to stop")
	fl.DurationVar(&f.lease, "lease", time.Minute, "after so long without a sign of life from whoever is at an item others take it")
	fl.IntVar(&f.tries, "tries", 5, "how often work on an item may be killed before it counts as failed")
	fl.IntVar(&f.block, "block", 0, "frames worked on at a time; it changes memory and speed, never results (default: chosen)")
	fl.BoolVarP(&f.quiet, "quiet", "q", false, "say nothing but warnings and errors")
	f.plugins.add(cmd)
	f.cache.add(cmd)
}

func batchRunCommand() *cobra.Command {
	var f batchFlags
	cmd := &cobra.Command{
		Use:   "run MANIFEST",
		Short: "Do the items of a manifest that are not done",
		Long: `Do the items of a manifest, or of a shard of it, that are not done. Each has a folder
below --out, which appears whole. Run it again, here or elsewhere, as often as it is
stopped or killed. On SIGTERM or Ctrl-C it begins nothing more, gives what is in
hand --grace to end, and exits with 4.`,
		Example: `  audiosep batch run manifest.jsonl --out stems --jobs 2
  audiosep batch run manifest.jsonl --out stems --shard 0/4
  audiosep batch run manifest.jsonl --out stems --shard auto --time-limit 55m
  audiosep batch run manifest.jsonl --out stems --progress json 2> progress.jsonl
  audiosep batch run manifest.jsonl --out stems --nats listen://TOKEN@0.0.0.0:4222`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			items, err := manifest(cmd, args[0])
			if err != nil {
				return err
			}
			return f.run(cmd, items, false)
		},
	}
	f.add(cmd)
	addNATS(cmd, &f.nats)
	return cmd
}

func batchRetryCommand() *cobra.Command {
	var f batchFlags
	var failed bool
	cmd := &cobra.Command{
		Use:   "retry MANIFEST --failed",
		Short: "Do the items that have failed again, and no others",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !failed {
				return errors.New("retry does not say what; want --failed, or batch run for all that is not done")
			}
			items, err := manifest(cmd, args[0])
			if err != nil {
				return err
			}
			return f.run(cmd, items, true)
		},
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&failed, "failed", false, "those that have failed")
	return cmd
}

// run does items, and tells how it went by the exit code.
func (f *batchFlags) run(cmd *cobra.Command, items []*batch.Item, failed bool) error {
	s, err := f.do(cmd, items, failed)
	if err != nil {
		return err
	}
	w := cmd.ErrOrStderr()
	if f.progress == "none" || f.progress == "auto" && f.quiet { // they have not been told yet
		for _, one := range s.Failures {
			fmt.Fprintln(w, printable(fmt.Sprintf("failed: %s: %s", one.Name, one.Error)))
		}
	}
	summary := fmt.Sprintf("%d of %d items done", s.Done, s.Of)
	if s.Stolen > 0 {
		summary += fmt.Sprintf(", and %d of other shards", s.Stolen)
	}
	if n := len(s.Failures); n > 0 {
		summary += fmt.Sprintf(", %d failed (batch retry --failed tries them again)", n)
	}
	if s.Stopped != "" {
		summary += "; " + s.Stopped + ": run again to go on"
	}
	if code := s.Code(); code != batch.ExitDone {
		err = &codeError{code, errors.New(summary)}
		if f.progress == "json" {
			return &codeError{code, &toldError{err}}
		}
		return err
	}
	if !f.quiet && f.progress != "json" {
		fmt.Fprintln(w, summary)
	}
	return nil
}

// do does items.
func (f *batchFlags) do(cmd *cobra.Command, items []*batch.Item, failed bool) (*batch.Summary, error) {
	for _, it := range items {
		if it.Header.Version != thisVersion() {
			return nil, fmt.Errorf("the manifest was planned by version %s, and this is %s; want the same, or a new plan", it.Header.Version, thisVersion())
		}
	}
	shard, err := batch.ParseShard(f.shard, os.LookupEnv)
	if err != nil {
		return nil, err
	}
	memory, err := f.allowed()
	if err != nil {
		return nil, err
	}
	out := f.out
	if _, far := helper.ParseURL(out); !far {
		if out, err = filepath.Abs(out); err != nil {
			return nil, err
		}
	}
	show, err := f.show(cmd.ErrOrStderr())
	if err != nil {
		return nil, err
	}
	o := f.options(memory)
	o.Out, o.Shard, o.Steal, o.Wait, o.TimeLimit, o.Failed = out, shard, !f.noSteal, f.wait, f.limit, failed
	o.Watch, o.Log = show.event, newWarnings(show)
	s, err := f.by(cmd, items, o)
	show.close()
	switch {
	case err == nil:
		return s, nil
	case batch.IsFaults(err):
		return nil, &codeError{batch.ExitFaults, err}
	case errors.As(err, new(*codeError)):
		return nil, err
	}
	return nil, &runError{err}
}

// options are those of whoever is at work on items.
func (f *batchFlags) options(memory int64) batch.Options {
	if f.jobs < 1 {
		f.jobs = runtime.GOMAXPROCS(0)
	}
	return batch.Options{Worker: f.worker, Open: openStore, Jobs: f.jobs, Memory: memory, Grace: f.grace, Lease: f.lease, Tries: f.tries, Version: thisVersion()}
}

// by does items here, or by a queue.
func (f *batchFlags) by(cmd *cobra.Command, items []*batch.Item, o batch.Options) (*batch.Summary, error) {
	if f.nats == "" {
		return batch.Run(cmd.Context(), items, o)
	}
	for _, flag := range []string{"shard", "no-steal", "wait", "time-limit"} {
		if cmd.Flags().Changed(flag) {
			return nil, &codeError{exitUsage, fmt.Errorf("--%s and --nats are both given: a queue hands items to whoever is free; want one of them", flag)}
		}
	}
	q, err := openQueue(cmd.Context(), f.nats)
	if err != nil {
		return nil, err
	}
	defer q.Close()
	return batch.Dispatch(cmd.Context(), items, q, o)
}

// worker starts a process that does items, with its part of the processors.
func (f *batchFlags) worker() (batch.Worker, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	args := append([]string{"batch", "worker", "--block", strconv.Itoa(f.block)}, f.plugins.args()...)
	args = append(args, f.cache.args()...)
	cmd := exec.Command(exe, args...)
	cmd.Args[0] = os.Args[0]
	cmd.Stderr = os.Stderr
	cmd.Env = append(os.Environ(), fmt.Sprintf("GOMAXPROCS=%d", max(1, runtime.GOMAXPROCS(0)/f.jobs)))
	return batch.StartProcess(cmd)
}

// batchWorkerCommand is what batch run starts.
func batchWorkerCommand() *cobra.Command {
	var r runner
	var kept cacheFlags
	cmd := &cobra.Command{
		Use:    "worker",
		Short:  "Do items that come on standard input, as batch run has it",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			// Whoever started it says when to stop: by the end of standard input.
			signal.Ignore(endings()...)
			// Standard output is for answers, and not for a stem called -.
			out := os.Stdout
			null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			os.Stdout = null
			r.log = slog.New(newLog(cmd.ErrOrStderr(), slog.LevelError))
			if r.cache, err = kept.open(); err != nil {
				return err
			}
			return batch.Serve(cmd.Context(), cmd.InOrStdin(), out, separator(&r))
		},
	}
	cmd.Flags().IntVar(&r.block, "block", 0, "frames worked on at a time")
	r.plugins.add(cmd)
	kept.add(cmd)
	return cmd
}

// bytesOf returns the bytes that a flag says, 0 among them, in the units of byteSize.
func bytesOf(flag, text string) (int64, error) {
	var b byteSize
	if text == "0" {
		return 0, nil
	}
	if b.Set(text) != nil {
		return 0, fmt.Errorf("%s is %q; want an amount such as 4GB, 500MB or 2GiB", flag, text)
	}
	return int64(b), nil
}

// allowed returns how much memory the items at work may take together; 0: any.
func (f *batchFlags) allowed() (int64, error) {
	if f.memory != "auto" {
		return bytesOf("--memory", f.memory)
	}
	free, _ := machine.Memory()
	return free / 10 * 9, nil
}

// batchProgress shows how far a batch is, and passes on what others write.
type batchProgress struct {
	io.Writer
	event func(batch.Event)
	close func()
}

// show returns what shows the progress of a batch on w.
func (f *batchFlags) show(w io.Writer) (*batchProgress, error) {
	how := f.progress
	if f.quiet && how == "auto" {
		how = "none"
	}
	switch shownBy(how, w) {
	case "none":
		return &batchProgress{w, func(batch.Event) {}, func() {}}, nil
	case "json":
		return &batchProgress{w, func(e batch.Event) { batchJSON(w, e) }, func() {}}, nil
	case "log":
		return batchLog(w), nil
	case "bar":
		return batchBar(w), nil
	}
	return nil, fmt.Errorf("--progress is %q; want auto, bar, log, json or none", f.progress)
}

// batchJSON writes an event as a line for programs.
func batchJSON(w io.Writer, e batch.Event) {
	line := struct {
		State    string          `json:"state"`
		Name     string          `json:"name"`
		ID       string          `json:"id"`
		Stolen   bool            `json:"stolen,omitempty"`
		Progress *batch.Progress `json:"progress,omitempty"`
		Seconds  float64         `json:"seconds,omitempty"`
		Error    string          `json:"error,omitempty"`
		Done     int             `json:"done"`
		Failed   int             `json:"failed"`
		Of       int             `json:"of"`
		Left     float64         `json:"seconds_left"`
	}{State: e.State, Name: e.Item.Name, ID: e.Item.ID, Stolen: e.Stolen, Done: e.Finished, Failed: e.Failed, Of: e.Of, Left: e.Left.Round(100 * time.Millisecond).Seconds()}
	if e.State == "step" {
		line.Progress = &e.Progress
	}
	if e.Done != nil {
		line.Seconds = e.Done.Seconds
	}
	if e.Err != nil {
		line.Error = e.Err.Error()
	}
	text, _ := json.Marshal(line)
	w.Write(append(text, '\n'))
}

// batchLog shows a line now and then, and one for each failure.
func batchLog(w io.Writer) *batchProgress {
	last := time.Now()
	return &batchProgress{w, func(e batch.Event) {
		if e.State == "failed" {
			fmt.Fprintln(w, printable(fmt.Sprintf("%s failed: %v", e.Item.Name, e.Err)))
		}
		if e.State == "done" && time.Since(last) >= 5*time.Second {
			last = time.Now()
			fmt.Fprintf(w, "%d of %d done, %d failed, about %s left\n", e.Finished, e.Of, e.Failed, e.Left.Round(time.Second))
		}
	}, func() {}}
}

// batchBar shows a bar on a terminal.
func batchBar(w io.Writer) *batchProgress {
	p := mpb.New(mpb.WithOutput(w), mpb.WithWidth(40))
	var mu sync.Mutex
	var last batch.Event
	bar := p.AddBar(1, mpb.AppendDecorators(decor.Any(func(decor.Statistics) string {
		mu.Lock()
		defer mu.Unlock()
		text := fmt.Sprintf(" %d/%d", last.Finished, last.Of)
		if last.Failed > 0 {
			text += fmt.Sprintf(", %d failed", last.Failed)
		}
		return text + fmt.Sprintf(", about %s left", last.Left.Round(time.Second))
	})))
	return &batchProgress{p, func(e batch.Event) {
		if e.State == "failed" {
			fmt.Fprintln(p, printable(fmt.Sprintf("%s failed: %v", e.Item.Name, e.Err)))
		}
		mu.Lock()
		last = e
		mu.Unlock()
		bar.SetTotal(int64(max(1, e.Of)), false)
		bar.SetCurrent(int64(e.Finished))
	}, func() {
		bar.Abort(false)
		p.Wait()
	}}
}
