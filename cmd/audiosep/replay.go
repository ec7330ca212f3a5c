package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/audiosep/audiosep/internal/counted"
	"github.com/audiosep/audiosep/internal/whole"
	"github.com/audiosep/audiosep/pipeline"
	"github.com/audiosep/audiosep/pipeline/record"
)

func replayCommand() *cobra.Command {
	r := replay{runner: &runner{}}
	var out string
	progress, quiet := "auto", false
	cmd := &cobra.Command{
		Use:   "replay RECORD",
		Short: "Run again what audiosep.json tells of, and say whether the bytes are the same",
		Long: `Run again what an audiosep.json tells of, which a run has left beside its stems, and
say of each file whether its bytes are the same. The files that were read must be
where they were, seen from the record, or be named by --input. What is written goes
to a temporary folder and is removed, or to --out. What was written the first time
is not read: the record knows what it was.

The exit code is 1 if any file differs.`,
		Example: `  audiosep replay stems/audiosep.json
  audiosep replay audiosep.json --input ~/music/song.wav
  audiosep replay audiosep.json --out again`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			rec, err := record.Read(args[0])
			if err != nil {
				return err
			}
			if quiet && !cmd.Flags().Changed("progress") {
				progress = "none"
			}
			show, err := newProgress(progress, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			r.log, r.watch = newWarnings(show), show
			r.rec, r.dir, r.out = rec, filepath.Dir(args[0]), out
			if out == "" {
				if r.out, err = whole.TemporaryFolder("audiosep-replay-"); err != nil {
					return &runError{err}
				}
				defer os.RemoveAll(r.out)
			}
			again, err := r.again(cmd)
			show.close()
			if err != nil {
				return err
			}
			return r.compare(cmd, again)
		},
	}
	fl := cmd.Flags()
	fl.StringArrayVarP(&r.moved, "input", "i", nil, "`FILE` that was read and is elsewhere now; it is told by its bytes")
	fl.StringVarP(&out, "out", "o", "", "`DIR` to write to (default: a temporary folder, which is removed)")
	addProgress(cmd, &progress)
	fl.BoolVarP(&quiet, "quiet", "q", false, "say nothing but warnings, errors and the comparison")
	fl.IntVar(&r.block, "block", 0, "frames worked on at a time; it changes memory and speed, never results (default: chosen)")
	cmd.MarkFlagDirname("out")
	r.plugins.add(cmd)
	return cmd
}

// replay runs again what a record tells of.
type replay struct {
	*runner
	rec   *record.Record
	dir   string   // of the record
	out   string   // to write to
	moved []string // files that were read, and where they are now
}

// again runs the pipeline of the record and returns the record of that.
func (r *replay) again(cmd *cobra.Command) (*record.Record, error) {
	inputs, err := r.inputs(cmd)
	if err != nil {
		return nil, err
	}
	spec, err := pipeline.Parse(filepath.Join(r.dir, record.Name), r.rec.Spec)
	if err != nil {
		return nil, err
	}
	l, err := r.load(cmd.Context(), spec, func(reg *pipeline.Registry) error {
		spec.Out, err = filepath.Abs(r.out)
		spec.MoveFiles(reg, func(stage, path string, out bool) string {
			if out {
				return inside(stage, path)
			}
			if at, ok := inputs[path]; ok {
				return at
			}
			return path
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	again, err := r.run(cmd.Context(), l)
	if err != nil && cmd.Context().Err() == nil {
		err = &runError{r.fromPipe(l, err)}
	}
	if err == nil && again == nil {
		err = &runError{errors.New("the run wrote no files")}
	}
	return again, err
}

// fromPipe says, of an error of a run that reads standard input, what should come through it.
func (r *replay) fromPipe(l *loaded, err error) error {
	for _, read := range l.Reads() {
		if !whole.IsStandard(read.Path) {
			continue
		}
		for _, in := range r.rec.Inputs {
			if in.Path == "-" {
				return fmt.Errorf("%w\n\tthe run read standard input, %s of SHA-256 %.16s…: want the same through a pipe, or --input and the name of such a file", err, counted.Of(in.Bytes, "byte"), in.SHA256)
			}
		}
	}
	return err
}

// inside returns a name below the output folder for a file that was written, wherever that was;
// what went to standard output has one too.
func inside(stage, path string) string {
	switch path = filepath.FromSlash(path); {
	case whole.IsStandard(path):
		return filepath.Join(stage, "stdout")
	case filepath.IsLocal(path):
		return path
	}
	return filepath.Join(stage, filepath.Base(path))
}

// inputs returns where each file that the record names as read is: there still, or one of those
// that have been moved.
func (r *replay) inputs(cmd *cobra.Command) (map[string]string, error) {
	sums := map[string]string{} // SHA-256 -> file
	for _, path := range r.moved {
		_, sum, err := whole.Sum(cmd.Context(), path)
		if err != nil {
			return nil, &runError{err}
		}
		if sums[sum], err = filepath.Abs(path); err != nil {
			return nil, err
		}
	}
	at := map[string]string{}
	for _, in := range r.rec.Inputs {
		if moved, ok := sums[in.SHA256]; ok && in.SHA256 != "" {
			at[in.Path] = moved
			continue
		}
		if in.Path == "-" {
			continue // it comes through standard input again
		}
		path := filepath.FromSlash(in.Path)
		if !filepath.IsAbs(path) {
			path = filepath.Join(r.dir, path)
		}
		size, sum, err := whole.Sum(cmd.Context(), path)
		if err == nil {
			at[in.Path], err = filepath.Abs(path)
		}
		switch {
		case err != nil:
			return nil, &runError{fmt.Errorf("an input of the run cannot be read: %w; want it there, or --input and where it is now", err)}
		case !in.Same(record.File{Bytes: size, SHA256: sum}):
			return nil, &runError{fmt.Errorf("%s is not what the run read: it has %s and SHA-256 %.16s…, not %d and %.16s…; want that file, by --input", path, counted.Of(size, "byte"), sum, in.Bytes, in.SHA256)}
		}
	}
	return at, nil
}

// compare prints which files are the same.
func (r *replay) compare(cmd *cobra.Command, again *record.Record) error {
	for i, in := range r.rec.Inputs {
		if in.Path == "-" && !in.Same(again.Inputs[i]) {
			return &runError{fmt.Errorf("standard input was not what the run read: SHA-256 %.16s…, not %.16s…", again.Inputs[i].SHA256, in.SHA256)}
		}
	}
	differ := 0
	byStage := map[string][]record.File{}
	for _, f := range again.Outputs {
		byStage[f.Stage] = append(byStage[f.Stage], f)
	}
	for _, f := range r.rec.Outputs {
		verdict := "same"
		files := byStage[f.Stage]
		switch {
		case len(files) == 0:
			verdict = "missing"
		case !f.Same(files[0]):
			verdict = "differs"
		}
		if len(files) > 0 {
			byStage[f.Stage] = files[1:]
		}
		if verdict != "same" {
			differ++
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s\t%s\n", verdict, printable(f.Path))
	}
	if differ == 0 {
		return nil
	}
	return &runError{fmt.Errorf("%d of %d files differ; %s", differ, len(r.rec.Outputs), r.why(again))}
}

// why says what was otherwise when the files were made, as far as the record of it tells.
func (r *replay) why(again *record.Record) string {
	rec := r.rec
	if again.Version != rec.Version || again.Platform != rec.Platform {
		return fmt.Sprintf("they were made by audiosep %s on %s, and this is %s on %s", rec.Version, rec.Platform, again.Version, again.Platform)
	}
	build, err := "", error(nil)
	if rec.Build != "" {
		build, err = buildID()
	}
	switch {
	case build != "" && err == nil && build != rec.Build:
		return "they were made by another build of audiosep " + rec.Version
	case build != "" && err == nil || definite(rec.Version):
		return "the program and the platform are the same"
	}
	return fmt.Sprintf("they were made by audiosep %s, as this is, but programs of that version differ, and whether it was this one the record does not say (that of run --resume does)", rec.Version)
}
