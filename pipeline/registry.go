package pipeline

import (
	"fmt"
	"slices"
	"strings"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/nearest"
)

// Registry is the set of stages that specs may use. It is a value that a program puts
// together: nothing registers itself.
type Registry struct {
	defs   map[string]audiosep.Definition
	order  []string
	absent map[string]string // plugin -> why its stages are not here
	skip   map[string]bool   // plugins whose stages are not to be checked
}

// NewRegistry returns a registry of the stages built into pipelines and those listed.
// It panics if two have one name: that is a fault of the program.
func NewRegistry(lists ...[]audiosep.Definition) *Registry {
	r := &Registry{defs: map[string]audiosep.Definition{}, absent: map[string]string{}, skip: map[string]bool{}}
	for _, list := range append([][]audiosep.Definition{{applyStage}}, lists...) {
		for _, d := range list {
			if err := r.Add(d); err != nil {
				panic(err)
			}
		}
	}
	return r
}

// Add adds one stage. It is an error if there is one of its name.
func (r *Registry) Add(d audiosep.Definition) error {
	if _, ok := r.defs[d.Name]; ok {
		return fmt.Errorf("two stages are called %q", d.Name)
	}
	r.defs[d.Name] = d
	r.order = append(r.order, d.Name)
	return nil
}

// Absent notes why the stages of a plugin are not there, for messages about them.
func (r *Registry) Absent(plugin, why string) { r.absent[plugin] = why }

// Unchecked has [Check] pass over the stages of some plugins. What it returns can then be
// looked at, but not run.
func (r *Registry) Unchecked(plugins ...string) {
	for _, name := range plugins {
		r.skip[name] = true
	}
}

// skips tells whether a stage is of a plugin that is not to be checked.
func (r *Registry) skips(stage string) bool {
	plugin, _, ok := strings.Cut(stage, "/")
	return ok && r.skip[plugin]
}

// Lookup returns the stage of a name.
func (r *Registry) Lookup(name string) (audiosep.Definition, bool) {
	d, ok := r.defs[name]
	return d, ok
}

// Stages returns all stages: in the order of the kinds, then as they were added.
func (r *Registry) Stages() []audiosep.Definition {
	all := make([]audiosep.Definition, 0, len(r.order))
	for _, kind := range audiosep.Kinds() {
		for _, name := range r.order {
			if d := r.defs[name]; d.Kind == kind {
				all = append(all, d)
			}
		}
	}
	return all
}

// unknown says that a name is no stage, and what may have been meant.
func (r *Registry) unknown(name string) (what, hint string) {
	what = fmt.Sprintf("no stage is called %q", name)
	if plugin, _, ok := strings.Cut(name, "/"); ok && r.absent[plugin] != "" {
		return what, r.absent[plugin]
	}
	names := slices.Clone(r.order)
	slices.Sort(names)
	if near := nearest.Name(name, names); near != "" {
		return what, fmt.Sprintf("did you mean %q?", near)
	}
	return what, "audiosep list names them all"
}
