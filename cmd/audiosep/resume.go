package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/audiosep/audiosep/batch"
	"github.com/audiosep/audiosep/cache"
	"github.com/audiosep/audiosep/pipeline"
	"github.com/audiosep/audiosep/resume"
)

// resumeFlags say whether a run that is killed can go on.
type resumeFlags struct {
	on    bool
	every time.Duration
}

func (f *resumeFlags) add(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.BoolVar(&f.on, "resume", false, "keep what is done in a folder audiosep-partial-… in that of --out; where an earlier run of the same was killed, go on where it was")
	fl.DurationVar(&f.every, "resume-every", 30*time.Second, "how long a stage works before it keeps what it has done")
}

// whenKept is called when a run begins that keeps what it does; tests stop it there.
var whenKept = func(context.Context, *pipeline.Options) {}

// begin has a run keep what it does, and go on with what is kept. The run is to be in the context
// that is returned; end is to be called with what came of it.
func (f *resumeFlags) begin(ctx context.Context, l *loaded, o *pipeline.Options) (_ context.Context, end func(error) error, err error) {
	if f == nil || !f.on {
		return ctx, func(err error) error { return err }, nil
	}
	version, err := buildID()
	if err != nil {
		return nil, nil, err
	}
	folder, err := resume.Open(ctx, l.Pipeline, resume.Options{Version: version, Pins: l.pins, Every: f.every, Log: o.Log})
	if err != nil {
		return nil, nil, fmt.Errorf("--resume: %w", err)
	}
	learnt := cache.New(filepath.Join(folder.Dir(), "learnt"), buildID, math.MaxInt64)
	learnt.Least = 0
	log := o.Log
	o.Cache = &caches{[]pipeline.Cache{learnt, o.Cache}, log}
	o.Checkpoint = folder.Checkpoint
	whenKept(ctx, o)
	return folder.Publishing(ctx), func(err error) error {
		err = errors.Join(err, folder.Close(err == nil))
		if _, there := os.Stat(folder.Dir()); there == nil {
			log.Info("what is done is kept; the same command goes on", "folder", folder.Dir())
		}
		return err
	}, nil
}

// stopped returns an error with an exit code of its own for a run that was stopped and can go on;
// nil where err is of another kind.
func (f *resumeFlags) stopped(cmd *cobra.Command, err error) error {
	switch {
	case err == nil || !f.on:
		return nil
	case cmd.Context().Err() != nil:
		return &codeError{batch.ExitStopped, errors.New("stopped; the same command goes on")}
	case errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT):
		return &codeError{batch.ExitStopped, fmt.Errorf("%w; with more space the same command goes on", err)}
	}
	return nil
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
