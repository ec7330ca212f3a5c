package plugins

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/audiosep/audiosep"
)

// Options are the ways to run plugins. The zero Options work.
type Options struct {
	Folders []string          // searched before those of Folders()
	Pins    map[string]string // plugin's name -> SHA-256 of its file, in hexadecimal
	Start   time.Duration     // most to start and describe a plugin; 0: 30 s
	Silence time.Duration     // most without a sign of life in a call; 0: 5 minutes; negative: no limit
	Log     *slog.Logger      // nil: nothing is logged
}

// Host finds, starts, describes and ends plugins. It is safe for concurrent use.
type Host struct {
	o Options

	mu     sync.Mutex
	spare  map[string]*process // plugin's path -> one that is described and has nothing to do
	all    map[*process]bool
	closed bool
}

// NewHost returns a Host. It must be closed.
func NewHost(o Options) *Host {
	if o.Start == 0 {
		o.Start = 30 * time.Second
	}
	if o.Silence == 0 {
		o.Silence = 5 * time.Minute
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Host{o: o, spare: map[string]*process{}, all: map[*process]bool{}}
}

func (h *Host) folders() []string { return append(slices.Clone(h.o.Folders), Folders()...) }

// Close ends every process that is left.
func (h *Host) Close() error {
	h.mu.Lock()
	h.closed = true
	all := h.all
	h.all, h.spare = map[*process]bool{}, map[string]*process{}
	h.mu.Unlock()
	var wg sync.WaitGroup
	for p := range all {
		wg.Go(p.close)
	}
	wg.Wait()
	return nil
}

// process returns a process of pl that nobody uses.
func (h *Host) process(ctx context.Context, pl plugin) (*process, error) {
	h.mu.Lock()
	p := h.spare[pl.path]
	delete(h.spare, pl.path)
	h.mu.Unlock()
	if p != nil && !p.child.ended(0) {
		return p, nil
	}
	if p != nil {
		p.close()
		h.forget(p)
	}
	return h.start(ctx, pl)
}

func (h *Host) start(ctx context.Context, pl plugin) (*process, error) {
	if err := h.pinned(pl.name, pl.path); err != nil {
		return nil, err
	}
	if !h.open(nil) {
		return nil, errClosed
	}
	ctx, cancel := context.WithTimeout(ctx, h.o.Start)
	defer cancel()
	p, err := start(ctx, pl, h.o.Log)
	if err != nil {
		return nil, err
	}
	if !h.open(p) {
		p.close()
		return nil, errClosed
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

// keep makes p the process that the next stage of its plugin takes.
func (h *Host) keep(p *process) {
	h.mu.Lock()
	old := h.spare[p.plugin.path]
	if old == nil {
		h.spare[p.plugin.path] = p
	}
	h.mu.Unlock()
	if old != nil {
		p.close()
		h.forget(p)
	}
}

func (h *Host) forget(p *process) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.all, p)
}

// Describe returns the stages of a plugin. They are called "plugin/stage"; Origin is the
// plugin's file and Version what the plugin says. Build checks parameters by their
// description, then has the plugin check them, and returns a stage that starts a
// process of its own when it is first used and ends it when it is closed.
func (h *Host) Describe(ctx context.Context, name string) ([]audiosep.Definition, error) {
	pl, err := h.find(name)
	if err != nil {
		return nil, err
	}
	p, err := h.process(ctx, pl)
	if err != nil {
		return nil, err
	}
	defs, err := h.definitions(p)
	if err != nil {
		p.close()
		h.forget(p)
		return nil, p.failure("", "describes itself wrongly: "+err.Error(), err)
	}
	h.keep(p)
	return defs, nil
}

func (h *Host) definitions(p *process) ([]audiosep.Definition, error) {
	var told []definition
	dec := json.NewDecoder(bytes.NewReader([]byte(p.about.GetDefinitions())))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&told); err != nil {
		return nil, err
	}
	if len(told) == 0 {
		return nil, fmt.Errorf("it has no stages; want at least one")
	}
	seen := map[string]bool{}
	defs := make([]audiosep.Definition, len(told))
	for i := range defs {
		d := &defs[i]
		d.Name, d.Doc, d.Params = told[i].Name, told[i].Doc, told[i].Params
		if err := checkDefinition(d, told[i].Kind); err != nil {
			return nil, fmt.Errorf("stage %q: %w", d.Name, err)
		}
		if seen[d.Name] {
			return nil, fmt.Errorf("two stages are called %q", d.Name)
		}
		seen[d.Name] = true
		d.Shape, _ = shapeOfKind(told[i].Kind)
		stage, kind, params := d.Name, told[i].Kind, d.Params
		d.Name = p.plugin.name + "/" + stage
		d.Origin, d.Version = p.plugin.path, p.about.GetVersion()
		pl, name := p.plugin, d.Name
		d.Build = func(raw json.RawMessage) (any, error) {
			if errs := audiosep.CheckParams(params, raw); errs != nil {
				return nil, errs
			}
			r := &remote{host: h, plugin: pl, name: name, stage: stage, params: slices.Clone(raw)}
			if err := h.try(r); err != nil {
				return nil, err
			}
			return newStage(kind, r), nil
		}
	}
	return defs, nil
}

// try has the plugin check parameters, in the process that is kept for that.
func (h *Host) try(r *remote) error {
	ctx, cancel := context.WithTimeout(context.Background(), h.o.Start)
	defer cancel()
	p, err := h.process(ctx, r.plugin)
	if err != nil {
		return err
	}
	_, err = p.build(ctx, r.name, r.stage, r.params, h.o.Start/2)
	h.keep(p)
	return err
}

// checkDefinition holds a plugin's description of a stage against the rules.
func checkDefinition(d *audiosep.Definition, kind Kind) error {
	if !nameSyntax.MatchString(d.Name) {
		return fmt.Errorf("its name is %q; want lower_snake_case", d.Name)
	}
	if d.Doc == "" {
		return fmt.Errorf("it has no Doc; want a sentence")
	}
	if newStage(kind, nil) == nil {
		return fmt.Errorf("its kind is %q; want one of %v", kind, remoteKinds())
	}
	seen := map[string]bool{}
	for i := range d.Params {
		p := &d.Params[i]
		if err := p.Validate(); err != nil {
			return fmt.Errorf("parameter %q: %w", p.Name, err)
		}
		if seen[p.Name] {
			return fmt.Errorf("two parameters are called %q", p.Name)
		}
		seen[p.Name] = true
	}
	return nil
}
