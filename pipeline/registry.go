package pipeline

import (
	"cmp"
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
	absent map[string]string // plugin, or plugin/stage -> why it is not here
	skip   map[string]bool   // plugins whose stages are not to be checked
}

// NewRegistry returns a registry of the stages listed.
// It panics if two have one name: that is a fault of the program.
func NewRegistry(lists ...[]audiosep.Definition) *Registry {
	r := &Registry{defs: map[string]audiosep.Definition{}, absent: map[string]string{}, skip: map[string]bool{}}
	for _, list := range lists {
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

// Absent notes why a plugin is not there, or why one of its stages, PLUGIN/STAGE, is not: a
// whole sentence, for messages about them.
func (r *Registry) Absent(name, why string) { r.absent[name] = why }

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

// Stages returns all stages: by what they take and make, in the order in which most
// pipelines use them, then as they were added.
func (r *Registry) Stages() []audiosep.Definition {
	all := make([]audiosep.Definition, len(r.order))
	for i, name := range r.order {
		all[i] = r.defs[name]
	}
	slices.SortStableFunc(all, func(a, b audiosep.Definition) int {
		return cmp.Or(slices.Compare(rank(a.In), rank(b.In)), slices.Compare(rank(a.Out), rank(b.Out)))
	})
	return all
}

// rank returns the places, in the order in which most pipelines make them, of the cargoes of
// ports that must be wired, or of all if none must be.
func rank(ports []audiosep.Port) []int {
	var must, all []int
	for _, p := range ports {
		at := slices.Index(audiosep.Cargoes(), p.Cargo)
		if all = append(all, at); !p.Optional {
			must = append(must, at)
		}
	}
	if must == nil {
		return all
	}
	return must
}

// Makers returns the stages that make a cargo.
func (r *Registry) Makers(c audiosep.Cargo) (names []string) {
	for _, d := range r.Stages() {
		if slices.ContainsFunc(d.Out, func(p audiosep.Port) bool { return p.Cargo == c }) {
			names = append(names, d.Name)
		}
	}
	return names
}

// absence returns why a stage is not there, if that was noted, and of what it was: of the
// stage or of its plugin.
func (r *Registry) absence(stage string) (of, why string) {
	plugin, _, _ := strings.Cut(stage, "/")
	for _, of := range []string{stage, plugin} {
		if r.absent[of] != "" {
			return of, r.absent[of]
		}
	}
	return "", ""
}

// unknown says that a name is no stage, and what may have been meant.
func (r *Registry) unknown(name string) (what, hint string) {
	plugin, stage, ok := strings.Cut(name, "/")
	if of := r.ofPlugin(plugin); ok && of != nil {
		what, hint = fmt.Sprintf("plugin %s has no stage %q", plugin, stage), "its stages: "+strings.Join(of, ", ")
		if near := nearest.Name(stage, of); near != "" {
			hint = fmt.Sprintf("did you mean %q?", plugin+"/"+near)
		}
		return what, hint
	}
	what = fmt.Sprintf("no stage is called %q", name)
	if hint = nearest.Question(name, slices.Sorted(slices.Values(r.order))); hint != "" {
		return what, hint
	}
	if ok {
		return what, "audiosep list names them all; audiosep plugin install brings those of plugin " + plugin
	}
	return what, "audiosep list names them all; audiosep plugin install brings those of plugins, PLUGIN/STAGE"
}

// ofPlugin returns the names of the stages of a plugin, without its own.
func (r *Registry) ofPlugin(plugin string) (names []string) {
	for _, name := range r.order {
		if stage, ok := strings.CutPrefix(name, plugin+"/"); ok {
			names = append(names, stage)
		}
	}
	return names
}
