package plugins

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/plugins/wire"
)

// Options are the ways to run plugins. The zero Options work.
type Options struct {
	Folders []string          // searched before those of Folders()
	Pins    map[string]string // plugin's name -> its SHA-256, in hexadecimal, as of Sum
	From    map[string]string // plugin's name -> what its pin stands in, for messages; may be nil
	Locked  bool              // plugins without a pin are refused
	Known   string            // a folder where Describe keeps what plugins say, and looks; "": they are started and asked
	Start   time.Duration     // most to start and describe a plugin; 0: 30 s
	Silence time.Duration     // most without a sign of life in a call; 0: 5 minutes; negative: no limit
	// Patience is after how long a call is logged that gives signs of life and comes no further, which
	// nobody can tell from one that never will; then after twice as long, and so on. 0: 1 minute; negative: it is not.
	Patience time.Duration
	Log      *slog.Logger // nil: nothing is logged
	// Written is given each line that a plugin writes to its standard error, from any
	// goroutine. nil: nobody is; the last lines of a plugin that fails are in its Error.
	Written func(plugin, line string)

	// encrypted has what is sent encrypted, as it is where the connection is a TCP port: on Windows. Elsewhere the
	// permissions of the socket's folder keep strangers out, at no cost.
	encrypted bool
}

// Host finds, starts, describes and ends plugins. It is safe for concurrent use.
type Host struct {
	o Options

	mu sync.Mutex
	// spare has, by the plugin's path, a process that is described and has nothing to do, or
	// one that may serve several stages.
	spare     map[string]*process
	all       map[*process]bool
	described map[string]string // plugin's name -> its SHA-256 when it was described last
	left      map[string]string // "plugin/stage" -> why the stage cannot be used
	warned    map[string]bool   // plugin's path -> that others may change it
	closed    bool
	ending    sync.WaitGroup // processes that are no longer needed
}

// NewHost returns a Host. It must be closed.
func NewHost(o Options) *Host {
	if o.Start <= 0 {
		o.Start = 30 * time.Second
	}
	if o.Silence == 0 {
		o.Silence = 5 * time.Minute
	}
	if o.Patience == 0 {
		o.Patience = time.Minute
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.encrypted = o.encrypted || runtime.GOOS == "windows"
	return &Host{o: o, spare: map[string]*process{}, all: map[*process]bool{}, described: map[string]string{}, left: map[string]string{}, warned: map[string]bool{}}
}

func (h *Host) folders() []string { return append(slices.Clone(h.o.Folders), Folders()...) }

// errHostClosed is the error of stages whose host was closed, before they were used or while they were.
var errHostClosed = errors.New("the host of the plugins was closed")

// Close ends every process that is left. Stages that are at work fail, as they do afterwards: the host was
// closed.
func (h *Host) Close() error {
	h.mu.Lock()
	h.closed = true
	all := h.all
	h.all, h.spare = map[*process]bool{}, map[string]*process{}
	h.mu.Unlock()
	var wg sync.WaitGroup
	for p := range all {
		p.child.over(errHostClosed)
		wg.Go(p.close)
	}
	wg.Wait()
	h.ending.Wait()
	return nil
}

// end ends a process that is not needed any more, without waiting for that. [Host.Close] waits.
func (h *Host) end(p *process) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.all[p] { // else Close ends it
		delete(h.all, p)
		h.ending.Go(p.close)
	}
}

// process returns a process of pl that nobody uses, or that may serve several stages.
func (h *Host) process(ctx context.Context, pl plugin) (*process, error) {
	want := pl.sum
	if want == "" {
		want, _ = Sum(pl.path)
	}
	h.mu.Lock()
	p := h.spare[pl.path]
	if p != nil && p.plugin.sum != want { // the plugin has been exchanged
		p = nil
	}
	if p != nil && (!p.together() || p.child.ended(0)) {
		delete(h.spare, pl.path)
	}
	h.mu.Unlock()
	if p != nil && !p.child.ended(0) {
		return p, nil
	}
	if p != nil {
		h.end(p)
	}
	p, err := h.start(ctx, pl)
	if err == nil && p.together() {
		p = h.keep(p)
	}
	return p, err
}

// start starts a process of pl, whose sum it learns. Where that is another afterwards it is not known what
// was started, so it is started once more.
func (h *Host) start(ctx context.Context, pl plugin) (*process, error) {
	p, err := h.startOnce(ctx, pl)
	if errors.Is(err, errChanged) {
		p, err = h.startOnce(ctx, pl)
	}
	if errors.Is(err, errChanged) {
		return nil, fmt.Errorf("plugin %s: %s %w; want it left alone", pl.name, pl.path, err)
	}
	return p, err
}

var errChanged = errors.New("has changed while it was started")

func (h *Host) startOnce(ctx context.Context, pl plugin) (*process, error) {
	if err := h.pinned(pl.name, pl.path); err != nil {
		return nil, err
	}
	if !h.open(nil) {
		return nil, errHostClosed
	}
	sum, _ := Sum(pl.path) // without it there is none to be recorded either
	if pl.sum != "" && sum != pl.sum {
		return nil, fmt.Errorf("plugin %s: %s has changed since it was described; want it left alone while it is used", pl.name, pl.path)
	}
	pl.sum = sum
	p, err := start(ctx, pl, h.o)
	if err != nil {
		return nil, err
	}
	if now, _ := Sum(pl.path); now != sum {
		p.close()
		return nil, errChanged
	}
	if !h.open(p) {
		p.close()
		return nil, errHostClosed
	}
	return p, nil
}

// open reports whether the host is not closed, and if so takes p, unless it is nil, as one
// of its processes.
func (h *Host) open(p *process) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed && p != nil {
		h.all[p] = true
	}
	return !h.closed
}

// keep makes p the process that the next stage of its plugin takes, unless there is one, and
// returns that.
func (h *Host) keep(p *process) *process {
	h.mu.Lock()
	before := h.spare[p.plugin.path]
	same := before != nil && before.plugin.sum == p.plugin.sum
	if !same {
		h.spare[p.plugin.path] = p
	}
	h.mu.Unlock()
	switch {
	case same && before != p:
		h.end(p)
		return before
	case !same && before != nil && !before.together(): // of a plugin that has been exchanged; nobody uses it
		h.end(before)
	}
	return p
}

func (h *Host) forget(p *process) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.all, p)
}

// Describe returns the stages of a plugin. They are called "plugin/stage"; Origin is the
// plugin's file and Version what the plugin says. Build checks parameters by their
// description, then has the plugin check them, and returns a stage that starts a
// process of its own when it is first used and ends it when it is closed; stages of a plugin
// that allows it share one, which ends with the Host. A stage that is for a newer audiosep is
// left out, and logged as a warning.
func (h *Host) Describe(ctx context.Context, name string) ([]audiosep.Definition, error) {
	pl, err := h.find(name)
	if err != nil {
		return nil, err
	}
	h.warn(pl)
	known, sum := h.knownFile(pl)
	if defs, ok := h.recall(plugin{pl.name, pl.path, sum}, known); ok {
		h.describes(name, sum)
		return defs, nil
	}
	p, err := h.process(ctx, pl)
	if err != nil {
		return nil, err
	}
	defs, err := h.definitions(p.plugin, p.about)
	if err != nil {
		err = p.failure("", "describes itself wrongly: "+err.Error(), err)
		p.close()
		h.forget(p)
		return nil, err
	}
	h.remember(pl, known, p.about)
	h.describes(name, p.plugin.sum)
	h.keep(p)
	return defs, nil
}

// describes notes the sum of a plugin that has been described.
func (h *Host) describes(name, sum string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.described[name] = sum
}

// LeftOut returns why stages were left out by Describe, by their names, "PLUGIN/STAGE".
func (h *Host) LeftOut() map[string]string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return maps.Clone(h.left)
}

// warn says, once, that others may change a plugin, and so do what they like as this user.
func (h *Host) warn(pl plugin) {
	h.mu.Lock()
	warned := h.warned[pl.path]
	h.warned[pl.path] = true
	h.mu.Unlock()
	if warned {
		return
	}
	if why := others(pl.path); why != "" {
		h.o.Log.Warn("a plugin is not safe: "+why, "plugin", pl.name)
	}
}

// definitions returns the stages that a plugin has described.
func (h *Host) definitions(pl plugin, about *wire.DescribeReply) ([]audiosep.Definition, error) {
	defs, left, err := parseDefinitions(about.GetDefinitions())
	if err != nil {
		return nil, err
	}
	for _, l := range left {
		name := pl.name + "/" + l.stage
		h.o.Log.Warn("a plugin's stage is left out", "stage", name, "reason", l.reason)
		h.mu.Lock()
		h.left[name] = l.reason
		h.mu.Unlock()
	}
	for i := range defs {
		h.complete(&defs[i], pl, about.GetVersion())
	}
	return defs, nil
}

// complete makes of a stage as a plugin describes it one that can be built and run.
func (h *Host) complete(d *audiosep.Definition, pl plugin, version string) {
	stage, params := d.Name, d.Params
	d.Name, d.Origin, d.Version = pl.name+"/"+stage, pl.path, version
	own := *d
	d.Build = func(raw json.RawMessage) (any, error) {
		if errs := audiosep.CheckParams(params, raw); errs != nil {
			return nil, errs
		}
		r := &remote{host: h, plugin: pl, def: &own, stage: stage, params: slices.Clone(raw)}
		err := h.try(r, func(ctx context.Context, p *process) (err error) {
			r.can, err = p.build(ctx, r, true, h.o.Start/2)
			return err
		})
		if err != nil {
			return nil, err
		}
		if r.can.GetCommits() {
			return writer{r}, nil
		}
		return r, nil
	}
	d.Run = func(ctx context.Context, env audiosep.Env, stage any, in audiosep.Values) (audiosep.Values, error) {
		r, ok := stage.(*remote)
		if w, writes := stage.(writer); writes {
			r, ok = w.remote, true
		}
		if !ok {
			return nil, fmt.Errorf("the stage is a %T; want what Build returned", stage)
		}
		return r.run(ctx, env, in)
	}
}

// try calls do with the process that is kept for checking.
func (h *Host) try(r *remote, do func(ctx context.Context, p *process) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), h.o.Start)
	defer cancel()
	p, err := h.process(ctx, r.plugin)
	if err != nil {
		return err
	}
	err = do(ctx, p)
	h.keep(p)
	return err
}
