package batch

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/batch/helper"
	"github.com/audiosep/audiosep/pipeline"
	"github.com/audiosep/audiosep/pipeline/record"
)

// Task is an item to be done, and the folder, which is there and empty, for its outputs.
type Task struct {
	Header *Header `json:"header"`
	Item   *Item   `json:"item"`
	Dir    string  `json:"dir"`
	// Local has where the inputs are on this machine; nil: where the item says.
	Local []string `json:"local,omitempty"`
	// Away says that the folder is not where the outputs will be, so that names relative to it
	// would say nothing.
	Away bool `json:"away,omitempty"`
}

// spec returns the pipeline of the task.
func (t *Task) spec() (*pipeline.Spec, error) {
	it := *t.Item
	if t.Local != nil {
		it.Input = t.Local
	}
	return t.Header.spec(&it, t.Dir)
}

// called returns what the record of the task calls a file that it reads; empty: by its name relative
// to the folder.
func (t *Task) called(path string) string {
	if i := slices.Index(t.Local, path); i >= 0 {
		return t.Item.Input[i]
	}
	if t.Away {
		return filepath.ToSlash(path)
	}
	return ""
}

// Worker does items, one at a time.
type Worker interface {
	// Do does an item: when it returns the outputs and the done-file are in the task's
	// folder. step, which may be nil, is told how far it is.
	Do(ctx context.Context, t Task, step func(Progress)) (*Done, error)
	Close() error
}

// Progress is how far a stage of an item is.
type Progress struct {
	Stage string `json:"stage"`
	Done  int    `json:"done"`
	Of    int    `json:"of"`
}

// Separator is the Worker that does items in this process.
type Separator struct {
	Version string // of the program
	// Run runs a spec, whose recordings and folder are set, with somebody watching. called is as
	// in record.Options.
	Run func(ctx context.Context, spec *pipeline.Spec, w pipeline.Watcher, called func(path string) string) (*record.Record, error)
	// Measure holds the stems in a folder against true ones; nil: nothing is measured.
	Measure func(ctx context.Context, reference, estimate, mixture string) ([]Metric, error)
}

// Close ends the worker.
func (s *Separator) Close() error { return nil }

// Do does an item.
func (s *Separator) Do(ctx context.Context, t Task, step func(Progress)) (*Done, error) {
	if t.Header.Version != s.Version {
		return nil, fmt.Errorf("the manifest was planned by version %s, and this is %s; want the same, or a new plan", t.Header.Version, s.Version)
	}
	d := newDone(t.Item, s.Version)
	start := time.Now()
	spec, err := t.spec()
	if err != nil {
		return nil, err
	}
	watch := &watcher{step: step}
	rec, err := s.Run(ctx, spec, watch, t.called)
	if err != nil {
		return nil, err
	}
	if rec == nil {
		return nil, errors.New("nothing was written to files below the item's folder; want stems with names that are relative")
	}
	d.Seconds, d.Objectives, d.Warnings = time.Since(start).Seconds(), watch.objectives, rec.Warnings
	if err := d.inputs(t.Item, rec); err != nil {
		return nil, err
	}
	if d.Outputs, err = outputs(ctx, t.Dir, rec); err != nil {
		return nil, err
	}
	if s.Measure != nil && t.Item.Reference != "" {
		start = time.Now()
		mixture := t.Item.Input[0]
		if t.Local != nil {
			mixture = t.Local[0]
		}
		if d.Metrics, err = s.Measure(ctx, t.Item.Reference, t.Dir, mixture); err != nil {
			return nil, fmt.Errorf("the stems cannot be measured: %w", err)
		}
		d.Measuring = time.Since(start).Seconds()
	}
	d.Finished = time.Now().UTC()
	return d, d.write(t.Dir)
}

// inputs notes what was read, and holds it against what was planned.
func (d *Done) inputs(it *Item, rec *record.Record) error {
	if len(rec.Changed) > 0 {
		return fmt.Errorf("%s changed while it was read; want it left alone until its item is done", rec.Changed[0])
	}
	for i, path := range it.Input {
		at := slices.IndexFunc(rec.Inputs, func(f record.File) bool { return f.SHA256 == it.SHA256[i] })
		if at < 0 {
			return fmt.Errorf("%s is not what it was when the batch was planned; want the same file, or a new plan", path)
		}
		d.Inputs = append(d.Inputs, File{path, it.SHA256[i], rec.Inputs[at].Bytes})
	}
	return nil
}

// watcher notes the objectives of a run.
type watcher struct {
	step       func(Progress)
	mu         sync.Mutex
	objectives map[string]float64
}

func (w *watcher) Port(r pipeline.Ref, c audiosep.Cargo, value any) {
	if f, ok := value.(*audiosep.Factors); ok && len(f.Objective) > 0 {
		w.mu.Lock()
		if w.objectives == nil {
			w.objectives = map[string]float64{}
		}
		if last := f.Objective[len(f.Objective)-1]; last-last == 0 { // JSON has no infinity
			w.objectives[r.Stage] = last
		}
		w.mu.Unlock()
	}
}

func (w *watcher) Step(stage string, s audiosep.Step) {
	if w.step != nil {
		w.step(Progress{stage, s.Done, s.Of})
	}
}

// full tells whether an error is that of a disk, or of a share of it, that has no room.
func full(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, errFull) || errors.Is(err, helper.ErrFull)
}

var errFull = errors.New("there is no room left")

// IsFaults tells whether an error is of the pipeline itself, which no item can be done by.
func IsFaults(err error) bool {
	var problems pipeline.Problems
	return errors.As(err, &problems) || errors.Is(err, errFaults)
}

var errFaults = errors.New("the pipeline is wrong")
