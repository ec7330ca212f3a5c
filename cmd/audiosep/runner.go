package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/pipeline"
	"github.com/audiosep/audiosep/pipeline/record"
	"github.com/audiosep/audiosep/plugins"
	"github.com/audiosep/audiosep/plugins/store"
	"github.com/audiosep/audiosep/report"
)

// runner runs pipelines in this process, one after the other or several at once. The zero
// runner works.
type runner struct {
	log      *slog.Logger     // nil: nothing is logged
	watch    pipeline.Watcher // nil: nobody watches
	block    int              // as in pipeline.Options
	cache    pipeline.Cache   // nil: nothing is kept
	plugins  pluginFlags
	several  bool                     // more runs write into the same folder
	called   func(path string) string // as in record.Options
	noRecord bool                     // leave no record beside the stems
	memory   int64                    // bytes that a run may take; 0: what the machine has
	resume   *resumeFlags
}

// loaded is a pipeline that can run: it is checked, and its plugins have been started. It must
// be closed.
type loaded struct {
	*pipeline.Pipeline
	input string            // what the recording is called
	pins  map[string]string // SHA-256 of each plugin
	host  func() error
}

// Close ends the plugins.
func (l *loaded) Close() error {
	if l == nil || l.host == nil {
		return nil
	}
	return l.host()
}

// load checks a spec, after override, which may be nil, has changed it, with the stages that are
// compiled in and those of plugins that the spec names.
func (r *runner) load(ctx context.Context, spec *pipeline.Spec, override func(*pipeline.Registry) error) (*loaded, error) {
	reg, l := registry(), &loaded{}
	log := r.log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if err := r.plugins.there(); err != nil {
		return nil, err
	}
	var err error
	if names := spec.PluginNames(); r.plugins.none {
		reg.Unchecked(names...)
	} else if err = r.describe(ctx, log, reg, l, spec, names); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	if override != nil {
		err = override(reg)
	}
	if err == nil {
		l.Pipeline, err = pipeline.Check(spec, reg)
	}
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	l.input = inputOf(l.Pipeline)
	return l, nil
}

// describe adds the stages of the plugins of names to reg, which l runs from then on.
func (r *runner) describe(ctx context.Context, log *slog.Logger, reg *pipeline.Registry, l *loaded, spec *pipeline.Spec, names []string) error {
	locked, err := r.plugins.locked()
	if err == nil {
		err = r.plugins.unused(spec, locked)
	}
	if err != nil || len(names) == 0 {
		return err
	}
	o, err := r.plugins.options(spec.Plugins, locked, names, log)
	if err != nil {
		return err
	}
	host := plugins.NewHost(o)
	l.host, l.pins = host.Close, map[string]string{}
	passedOver(log, host, names)
	if err := describePlugins(ctx, host, reg, names); err != nil {
		return err
	}
	if err := changed(ctx, log, host, names); err != nil {
		return err
	}
	for _, name := range names { // what cannot be found is told by Check
		if sum, err := host.Pin(name); err == nil {
			l.pins[name] = sum
		}
	}
	return nil
}

// passedOver warns of files called as the plugins of names that are not the ones which count, and of
// folders that are not there.
func passedOver(log *slog.Logger, host *plugins.Host, names []string) {
	for _, p := range host.PassedOver() {
		if p.Name == "" || p.First != "" && slices.Contains(names, p.Name) {
			log.Warn(fmt.Sprintf("%s is passed over: %s", p.Path, p.Reason))
		}
	}
}

// changed warns of plugins that are not as they were installed.
func changed(ctx context.Context, log *slog.Logger, host *plugins.Host, names []string) error {
	for _, name := range names {
		path, _ := host.Path(name)
		if path == "" {
			continue
		}
		if in := store.Of(path); in != nil {
			if err := in.Changed(ctx); err != nil && ctx.Err() == nil {
				log.Warn(fmt.Sprintf("plugin %s: %v", name, err))
			}
		}
	}
	return ctx.Err()
}

// inputOf returns what the recording of a pipeline is called.
func inputOf(p *pipeline.Pipeline) string {
	if reads := p.Reads(); len(reads) > 0 {
		return audio.Names([]string{reads[0].Path})[0]
	}
	return "recording"
}

// run runs a pipeline, closes it, and writes the report that it asks for and its record, which
// it returns; nil where nothing was written to files.
func (r *runner) run(ctx context.Context, l *loaded) (rec *record.Record, err error) {
	o := pipeline.Options{Log: r.log, Watcher: r.watch, Block: r.block, Cache: r.cache, Pins: l.pins}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	ctx, kept, err := r.resume.begin(ctx, l, &o)
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	defer func() { err = kept.ended(err) }()
	about := record.Options{Version: thisVersion(), Pins: l.pins, Input: l.input, Several: r.several, None: r.noRecord, Called: r.called}
	if r.resume != nil && r.resume.on && !r.noRecord { // to read the program for it takes longer than to start it
		about.Build, _ = buildID() // without it no later run takes this one as done
	}
	about.Before, about.Warned = kept.warnings()
	w := record.New(l.Pipeline, about)
	o.Log = w.Log(o.Log)
	log := o.Log
	if l.Report != nil {
		rep, err := report.New(*l.Report, o.Watcher)
		if err != nil {
			return nil, errors.Join(err, w.Close(), l.Close())
		}
		defer rep.Close()
		if err := rep.Over(l.Pipeline); err != nil {
			return nil, errors.Join(err, w.Close(), l.Close())
		}
		o.Log = rep.Log(o.Log)
		o.Watcher, o.With = rep, []audiosep.Committer{rep}
	}
	o.With = append(o.With, w)
	o.Forecast = func(f pipeline.Forecast) error { return r.before(o.Log, l.Pipeline, f) }
	if err = l.Run(ctx, o); err == nil && l.Report != nil {
		log.Info("report of the run", "file", filepath.Join(l.Report.Dir, "report.html"))
	}
	return w.Record(), errors.Join(err, w.Close(), l.Close())
}
