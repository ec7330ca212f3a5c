package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/audiosep/audiosep/batch"
	"github.com/audiosep/audiosep/cache"
	"github.com/audiosep/audiosep/pipeline"
	"github.com/audiosep/audiosep/pipeline/record"
	"github.com/audiosep/audiosep/resume"
)

// resumeFlags say whether a run that is killed can go on.
type resumeFlags struct {
	on     bool
	every  time.Duration
	inputs []string       // all that the command runs, one after the other
	done   record.Earlier // runs into the output folder that have ended well; nil: not looked for yet
	kept   bool           // of the last run: there is something with which it can go on
}

func (f *resumeFlags) add(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.BoolVar(&f.on, "resume", false, "keep what is done in a folder audiosep-partial-… in that of --out; where an earlier run of the same was killed, go on where it was")
	fl.DurationVar(&f.every, "resume-every", 30*time.Second, "how long a stage works before it keeps what it has done")
}

// whenKept is called when a run begins that keeps what it does; tests stop it there. stop is done when the
// program is told to stop, work when the run is to end.
var whenKept = func(stop, work context.Context, o *pipeline.Options) {}

// lastSave is how long a stage has to save where it is when the run is told to stop.
var lastSave = 2 * time.Second

// doneError says that a run has been done before: its outputs are there.
type doneError struct{ record string }

func (e *doneError) Error() string { return "it was done before, as " + e.record + " says" }

// keptRun is a run that keeps what it does; nil: one that does not.
type keptRun struct {
	flags  *resumeFlags
	folder *resume.Folder
	log    *slog.Logger
	end    func() // of its context
	free   func() // SIGTERM may end the program at once
}

// begin has a run keep what it does, and go on with what is kept. The run is to be in the context
// that is returned. It is a *doneError if there is nothing to do.
func (f *resumeFlags) begin(ctx context.Context, l *loaded, o *pipeline.Options) (context.Context, *keptRun, error) {
	if f == nil || !f.on {
		return ctx, nil, nil
	}
	f.kept = false
	build, err := buildID()
	if err != nil {
		return nil, nil, err
	}
	folder, err := resume.Open(ctx, l.Pipeline, resume.Options{Version: build, Pins: l.pins, Every: f.every, Also: f.inputs, Log: o.Log})
	if err != nil {
		return nil, nil, fmt.Errorf("--resume: %w", err)
	}
	if err := f.before(ctx, l, build); err != nil {
		return nil, nil, errors.Join(err, folder.Close(errors.As(err, new(*doneError))))
	}
	learnt := cache.New(filepath.Join(folder.Dir(), "learnt"), buildID, math.MaxInt64)
	learnt.Least = 0
	o.Cache = &caches{[]pipeline.Cache{learnt, o.Cache}, o.Log}
	o.Checkpoint = folder.Checkpoint
	log := o.Log
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	saving.RLock()
	free := sync.OnceFunc(saving.RUnlock)
	stop := context.AfterFunc(ctx, func() {
		defer cancel()
		saveLast(folder, work, log, free)
	})
	whenKept(ctx, work, o)
	return folder.Publishing(work), &keptRun{f, folder, log, func() { stop(); cancel() }, free}, nil
}

// saveLast has the stage at work save where it is. It calls free when there is nothing to save, or lastSave is over.
func saveLast(folder *resume.Folder, work context.Context, log *slog.Logger, free func()) {
	saved := folder.Stop()
	select {
	case <-saved: // there is nothing to wait for
		free()
		return
	default:
	}
	time.AfterFunc(lastSave, free)
	log.Info(fmt.Sprintf("stopping: the stage at work keeps where it is, for at most %v", lastSave))
	select {
	case <-saved:
	case <-time.After(lastSave):
	case <-work.Done():
	}
}

// before returns a *doneError if an earlier run has done the same. Files of reports are in no record: a run that
// makes one is not taken for done.
func (f *resumeFlags) before(ctx context.Context, l *loaded, build string) error {
	if l.Report != nil {
		return nil
	}
	if f.done == nil {
		f.done = record.FindEarlier(l.Out)
	}
	path, err := f.done.Done(ctx, l.Pipeline, record.Options{Version: thisVersion(), Build: build, Pins: l.pins})
	if err == nil && path != "" {
		err = &doneError{path}
	}
	return err
}

// ended ends what begin began, with what came of the run.
func (k *keptRun) ended(err error) error {
	if k == nil {
		return err
	}
	defer k.free()
	k.end()
	err = errors.Join(err, k.folder.Close(err == nil))
	if _, there := os.Stat(k.folder.Dir()); there == nil {
		k.flags.kept = true
		k.log.Info("what is done is kept; the same command goes on", "folder", k.folder.Dir())
	}
	return err
}

// warnings returns those of earlier parts, and what keeps those of this one.
func (k *keptRun) warnings() ([]string, func(line string)) {
	if k == nil {
		return nil, nil
	}
	return k.folder.Warnings(), k.folder.Warn
}

// stopped returns an error with an exit code of its own for a run that was stopped and can be run again;
// nil where err is of another kind.
func (f *resumeFlags) stopped(cmd *cobra.Command, err error) error {
	nothing, goesOn := "", "the same command goes on"
	if !f.kept {
		nothing, goesOn = "nothing was kept yet: ", "the same command begins anew"
	}
	switch {
	case err == nil || !f.on:
		return nil
	case cmd.Context().Err() != nil:
		return &codeError{batch.ExitStopped, errors.New("stopped; " + nothing + goesOn)}
	case errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT):
		return &codeError{batch.ExitStopped, fmt.Errorf("%w; with more space %s", err, goesOn)}
	}
	return nil
}

// stoppedBefore is the error of a command that was stopped when it was about to begin an input: no run was
// interrupted.
func (f *resumeFlags) stoppedBefore(input string, err error) error {
	if !f.on {
		return err
	}
	return &codeError{batch.ExitStopped, fmt.Errorf("stopped before %s; the same command goes on", input)}
}

// caches are looked into one after the other.
type caches struct {
	all []pipeline.Cache
	log *slog.Logger
}

func (c *caches) Load(ctx context.Context, key string) (*pipeline.Learnt, bool) {
	for i, one := range c.all {
		if one == nil {
			continue
		}
		if l, ok := one.Load(ctx, key); ok {
			if i > 0 { // which may forget it before this run is done
				if err := c.all[0].Store(ctx, key, l, time.Hour); err != nil {
					c.log.Warn("what was learnt earlier could not be copied; if this run is killed it may have to be learnt again", "err", err)
				}
			}
			return l, true
		}
	}
	return nil, false
}

func (c *caches) Store(ctx context.Context, key string, l *pipeline.Learnt, took time.Duration) (err error) {
	for _, one := range c.all {
		if one != nil {
			err = errors.Join(err, one.Store(ctx, key, l, took))
		}
	}
	return err
}
