package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/internal/counted"
	"github.com/audiosep/audiosep/internal/whole"
	"github.com/audiosep/audiosep/pipeline"
	"github.com/audiosep/audiosep/pipeline/record"
)

// runFlags are the flags of audiosep run.
type runFlags struct {
	specFlags
	progress string
	quiet    bool
	block    int
	noRecord bool
	cache    cacheFlags
	resume   resumeFlags
	memory   byteSize
}

// onePipeline wants one pipeline, and tells where recordings go.
func onePipeline(_ *cobra.Command, args []string) error {
	switch len(args) {
	case 0:
		return errors.New("which pipeline is missing; want a file, or a name that audiosep presets lists")
	case 1:
		return nil
	}
	return fmt.Errorf("%q is one too many; want one pipeline, and recordings by --input", args[1])
}

func runCommand() *cobra.Command {
	f := runFlags{progress: "auto"}
	cmd := &cobra.Command{
		Use:   "run PIPELINE",
		Short: "Run a pipeline",
		Long: `Run the pipeline in a JSON file, on standard input if PIPELINE is -, or one that
has a name, which audiosep presets lists.

Files that the pipeline names are relative to its own folder; those it writes go
to --out. They appear whole when everything is done, or not at all. The same
pipeline, seed and files give the same bytes on any number of processors. Beside them
lies audiosep.json, with which audiosep replay runs it again. Where that is taken by
another run the record is called INPUT.audiosep.json.

Several inputs, or a folder, are separated one after the other. What fails does not
keep the others from it; the exit code is 1 then.`,
		Example: `  audiosep run hpss --input song.wav --out stems
  audiosep run score -h
  audiosep run pipeline.json
  audiosep run pipeline.json --input song.wav --out stems
  audiosep run pipeline.json -i one.wav -i two.wav --out stems
  audiosep run hpss --input music --out stems
  audiosep run pipeline.json --seed 7 --set is_nmf.rank=12 --set frame.window=hann
  audiosep run pipeline.json --input song.flac --two drums --format flac
  ffmpeg -i film.mkv -f wav - | audiosep run pipeline.json -i - --only 1 --out - | sox -t wav - -d
  audiosep run pipeline.json --input night.wav --out stems --resume
  audiosep run pipeline.json --progress json 2> progress.jsonl`,
		Args: onePipeline,
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args[0]) },
	}
	f.add(cmd)
	fl := cmd.Flags()
	addProgress(cmd, &f.progress)
	fl.StringVar(&f.format, "format", "", "`FORMAT` of the stems: wav, flac or aiff (default: what the names in the pipeline say)")
	fl.BoolVarP(&f.quiet, "quiet", "q", false, "say nothing but warnings and errors")
	fl.BoolVar(&f.noRecord, "no-record", false, "leave no audiosep.json, which audiosep replay reads, beside the stems; so does --out -")
	fl.Var(&f.memory, "memory", "refuse a run that would take more than this much memory, such as 4GB (default: what the machine has available)")
	fl.IntVar(&f.block, "block", 0, "frames worked on at a time; it changes memory and speed, never results (default: chosen)")
	f.cache.add(cmd)
	f.resume.add(cmd)
	return cmd
}

// run runs the pipeline in a file for each of the inputs.
func (f *runFlags) run(cmd *cobra.Command, file string) error {
	if f.quiet && !cmd.Flags().Changed("progress") {
		f.progress = "none"
	}
	text, err := f.read(cmd, file)
	if err != nil {
		return f.told(cmd, err)
	}
	if err := f.folders(cmd); err != nil {
		return f.told(cmd, err)
	}
	f.resume.inputs = f.input
	runs, err := f.each()
	if err != nil {
		return f.told(cmd, err)
	}
	if len(runs) == 1 {
		return f.told(cmd, f.one(cmd, runs[0], file, text))
	}
	var failed []string
	for _, one := range runs {
		if err := cmd.Context().Err(); err != nil { // while the one before ended
			return f.told(cmd, f.resume.stoppedBefore(one.input[0], err))
		}
		err := f.one(cmd, one, file, text)
		var problems pipeline.Problems
		switch {
		case err == nil:
		case cmd.Context().Err() != nil || errors.As(err, &problems) || errors.As(err, new(*codeError)):
			return f.told(cmd, err)
		default:
			f.log(cmd.ErrOrStderr()).Error(fmt.Sprintf("%s: %v", one.input[0], err))
			failed = append(failed, one.input[0])
		}
	}
	if failed != nil {
		return f.told(cmd, &runError{fmt.Errorf("%d of %d recordings failed: %s", len(failed), len(runs), counted.Names(failed))})
	}
	f.log(cmd.ErrOrStderr()).Info(fmt.Sprintf("all %d recordings are separated", len(runs)))
	return nil
}

// folders puts the sound files in the place of folders among the inputs.
func (f *runFlags) folders(cmd *cobra.Command) error {
	var all []string
	for _, in := range f.input {
		if at, err := os.Stat(in); err != nil || !at.IsDir() {
			all = append(all, in)
			continue
		}
		found, others, err := audio.Find(in, f.out)
		found = slices.DeleteFunc(found, written{}.has)
		if err == nil && len(found) == 0 {
			err = fmt.Errorf("in the folder %s there is no sound, among %s; want recordings", in, counted.Of(len(others), "file"))
		}
		if err != nil {
			return &runError{err}
		}
		f.leftOut(cmd, in, others)
		all = append(all, found...)
	}
	f.input = all
	return nil
}

// leftOut tells which files of a folder are no sound.
func (f *runFlags) leftOut(cmd *cobra.Command, folder string, files []string) {
	if len(files) > 0 {
		f.log(cmd.ErrOrStderr()).Info("files that are no sound are left out", "folder", folder, "files", len(files), "called", counted.Names(files))
	}
}

// written knows the files of earlier runs: by folder, those that the records in it name.
type written map[string][]string

// has tells whether a file is what an earlier run has written, as a record in its folder or in one
// above says.
func (w written) has(file string) bool {
	file, _ = filepath.Abs(file)
	for dir := filepath.Dir(file); ; dir = filepath.Dir(dir) {
		names, known := w[dir]
		if !known {
			for _, path := range whole.Named(dir, "*"+record.Name) {
				if rec, err := record.Read(path); err == nil {
					for _, out := range rec.Outputs {
						names = append(names, filepath.Join(dir, filepath.FromSlash(out.Path)))
					}
				}
			}
			w[dir] = names
		}
		if slices.Contains(names, file) {
			return true
		}
		if dir == filepath.Dir(dir) {
			return false
		}
	}
}

// log returns the logger that the flags ask for.
func (f *runFlags) log(w io.Writer) *slog.Logger {
	level := slog.LevelInfo
	if f.quiet {
		level = slog.LevelWarn
	}
	if f.progress == "json" {
		return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level}))
	}
	return slog.New(newLog(w, level))
}

// told tells of an error as a line of JSON where everything is JSON.
func (f *runFlags) told(cmd *cobra.Command, err error) error {
	if err == nil || f.progress != "json" {
		return err
	}
	what := err.Error()
	if cmd.Context().Err() != nil && !errors.As(err, new(*codeError)) {
		what = "cancelled"
	}
	f.log(cmd.ErrOrStderr()).Error(what)
	return &toldError{err}
}

// one runs a pipeline once.
func (f *runFlags) one(cmd *cobra.Command, spec *specFlags, file string, text []byte) error {
	show, err := newProgress(f.progress, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	kept, err := f.cache.open()
	if err != nil {
		return err
	}
	if f.resume.on && spec.out == "-" {
		return errors.New("--resume keeps files, and --out - writes none; want a folder")
	}
	r := &runner{resume: &f.resume, log: f.log(show), watch: show, block: f.block, cache: kept, several: spec.several, noRecord: f.noRecord || spec.out == "-", memory: int64(f.memory)}
	l, err := spec.load(cmd, file, text, r)
	if err != nil {
		return err
	}
	_, err = r.run(cmd.Context(), l)
	show.close()
	if done := (*doneError)(nil); errors.As(err, &done) {
		r.log.Info("it was done before, and its outputs are there as they were written", "input", l.input, "record", done.record)
		return nil
	}
	if stopped := f.resume.stopped(cmd, err); stopped != nil {
		return stopped
	}
	if err != nil && cmd.Context().Err() == nil {
		err = &runError{err}
	}
	return err
}

func checkCommand() *cobra.Command {
	var spec specFlags
	format := "table"
	cmd := &cobra.Command{
		Use:   "check PIPELINE",
		Short: "Check a pipeline without running it, and print its wiring",
		Long: `Check that the stages of a pipeline exist, that their parameters are right, and
that they fit; then print what feeds each. Nothing is run and no sound is read;
files that are to be read and are not there are warned of.
Every fault is told at once, with its line and column.`,
		Example: `  audiosep check pipeline.json
  audiosep check pipeline.json --set is_nmf.rank=12
  audiosep check pipeline.json --format json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := spec.read(cmd, args[0])
			if err != nil {
				return err
			}
			log := newWarnings(cmd.ErrOrStderr())
			p, err := spec.load(cmd, args[0], text, &runner{log: log})
			if err != nil {
				return err
			}
			defer p.Close()
			missing(log, p.Reads())
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

// missing warns of files that are to be read and are not there.
func missing(log *slog.Logger, reads []pipeline.File) {
	for _, f := range reads {
		if whole.IsStandard(f.Path) { // standard input
			continue
		}
		if _, err := os.Stat(f.Path); err != nil {
			log.Warn("a file that is to be read is not there", "stage", f.Stage, "file", f.Path)
		}
	}
}
