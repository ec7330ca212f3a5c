package pipeline

import (
	"bytes"
	"encoding/json"
	"path/filepath"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/whole"
)

// File is a file that a stage reads or writes.
type File struct{ Stage, Path string }

// Reads returns the files that the parameters of stages say are read, in the order of the
// stages; a file of two stages stands there twice.
func (p *Pipeline) Reads() (files []File) {
	for _, st := range p.stages {
		for _, path := range st.reads {
			files = append(files, File{st.id, path})
		}
	}
	return files
}

// see notes the states of files that stages will read, unless it has before.
func (p *Pipeline) see(files []string) {
	for _, path := range files {
		if _, ok := p.states[path]; ok || whole.IsStandard(path) {
			continue
		}
		if s, ok := whole.StateOf(path); ok {
			p.states[path] = s
		}
	}
}

// Changed tells whether a file that is read is not as it was when the pipeline was checked, before a stage could open
// it: what of it has been read is not known then. A file that is gone is not taken for changed.
func (p *Pipeline) Changed(path string) bool {
	was, ok := p.states[path]
	is, there := whole.StateOf(path)
	return ok && there && is != was
}

// Writes returns the files that the stages write, in the order of the stages, as far as they
// are known: all of them when a run commits. What goes to standard output and the files of a
// report are not among them.
func (p *Pipeline) Writes() (files []File) {
	for _, st := range p.stages {
		if w, ok := st.impl.(audiosep.Writer); ok {
			for _, path := range w.Writes() {
				files = append(files, File{st.id, path})
			}
		}
	}
	return files
}

// Digest returns the SHA-256 and the length of what a stage has read by a file's name, where the
// stage alone can know: of standard input.
func (p *Pipeline) Digest(f File) (sum [32]byte, size int64, ok bool) {
	if d, does := p.byID[f.Stage].impl.(audiosep.Digester); does {
		return d.Digest(f.Path)
	}
	return sum, 0, false
}

// canonical is a spec with everything said: the fields of a spec, in its order.
type canonical struct {
	Version int               `json:"audiosep"`
	Name    string            `json:"name,omitempty"`
	Seed    uint64            `json:"seed"`
	Stages  []canonicalStage  `json:"stages"`
	Plugins map[string]string `json:"plugins,omitempty"`
}

type canonicalStage struct {
	Use    string          `json:"use"`
	ID     string          `json:"id"`
	Params json.RawMessage `json:"params,omitempty"`
	In     map[string]any  `json:"in,omitempty"`
}

// Canonical returns the pipeline as a spec that says everything: the id and all parameters of
// each stage, defaults too, and what feeds each input. name gives files their names: to read
// ones where out is false, and ones to write where it is true. pins are the SHA-256 sums of the
// plugins. A report is left out. Read again, the spec is the same pipeline, in a version of the
// program that has other defaults too.
func (p *Pipeline) Canonical(name func(path string, out bool) string, pins map[string]string) ([]byte, error) {
	c := canonical{Version: Version, Name: p.Name, Seed: p.Seed, Stages: []canonicalStage{}, Plugins: pins}
	for _, st := range p.stages {
		params, err := everyParam(st.def.Params, st.params, name)
		if err != nil {
			return nil, err
		}
		c.Stages = append(c.Stages, canonicalStage{Use: st.use, ID: st.id, Params: params, In: st.wires()})
	}
	return json.MarshalIndent(c, "", "  ")
}

// wires returns what feeds each input, as a spec says it.
func (st *stage) wires() map[string]any {
	wires := map[string]any{}
	for port, from := range st.in {
		var names []string
		for _, ref := range from {
			names = append(names, ref.String())
		}
		if wires[port] = names; len(names) == 1 {
			wires[port] = names[0]
		}
	}
	return wires
}

// everyParam returns an object with each parameter, in their order, that is given or has a
// default. Names of files are given by name.
func everyParam(params []audiosep.Param, given json.RawMessage, name func(path string, out bool) string) (json.RawMessage, error) {
	values := map[string]json.RawMessage{}
	if len(bytes.TrimSpace(given)) > 0 {
		if err := json.Unmarshal(given, &values); err != nil {
			return nil, err
		}
	}
	var b bytes.Buffer
	for _, p := range params {
		value, ok := values[p.Name]
		if !ok {
			value = p.Default
		}
		if s := string(bytes.TrimSpace(value)); s == "" || s == "null" {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		key, _ := json.Marshal(p.Name)
		b.Write(append(key, ':'))
		b.Write(fileNames(p, value, name))
	}
	if b.Len() == 0 {
		return nil, nil
	}
	return append(append([]byte{'{'}, b.Bytes()...), '}'), nil
}

// fileNames gives the files that a value names their names.
func fileNames(p audiosep.Param, value json.RawMessage, name func(path string, out bool) string) json.RawMessage {
	var one string
	var many []string
	switch {
	case p.File == "":
	case json.Unmarshal(value, &one) == nil && one != "":
		value, _ = json.Marshal(name(one, p.File == "out"))
	case json.Unmarshal(value, &many) == nil && len(many) > 0:
		for i := range many {
			many[i] = name(many[i], p.File == "out")
		}
		value, _ = json.Marshal(many)
	}
	return value
}

// MoveFiles gives the files that stages read or write other names: those that move returns for
// the stage's id and the name that the spec has. Files to write may then lie anywhere.
func (s *Spec) MoveFiles(reg *Registry, move func(stage, path string, out bool) string) {
	for i, st := range s.Stages {
		def, _ := reg.Lookup(st.Use)
		values := map[string]json.RawMessage{}
		if json.Unmarshal(st.Params, &values) != nil {
			continue
		}
		for _, p := range def.Params {
			if value, ok := values[p.Name]; ok && p.File != "" {
				moved := fileNames(p, value, func(path string, out bool) string { return move(st.ID, path, out) })
				if !bytes.Equal(moved, value) {
					s.setParam(i, p.Name, moved, map[string]string{"in": "--input", "out": "--out"}[p.File])
				}
			}
		}
	}
}

// Relative returns a name for the file at path that leads to it from folder dir, with links
// followed as the system does: path itself, made absolute, where there is none. It has slashes
// on every system.
func Relative(dir, path string) string {
	path, _ = filepath.Abs(path)
	real := filepath.Join(realPath(filepath.Dir(path)), filepath.Base(path))
	if rel, err := filepath.Rel(realPath(dir), real); err == nil {
		return filepath.ToSlash(rel)
	}
	return filepath.ToSlash(path)
}
