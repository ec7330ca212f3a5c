package main

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
	"github.com/audiosep/audiosep/factorizers"
	"github.com/audiosep/audiosep/pipeline"
	"github.com/audiosep/audiosep/separators"
	"github.com/audiosep/audiosep/transforms"
)

//go:embed methods/*.json
var embedded embed.FS

// method is a pipeline whose sound and rank are the comparison's to choose.
type method struct {
	name string // of its file; that of its folder where it is called pipeline.json
	file string
	text []byte
	doc  string // the pipeline's own name
}

// readMethods reads the pipelines in files, or the embedded ones, and keeps those that
// are asked for.
func readMethods(files, keep []string) ([]method, error) {
	read := os.ReadFile
	if len(files) == 0 {
		read = embedded.ReadFile
		var err error
		if files, err = fs.Glob(embedded, "methods/*.json"); err != nil {
			return nil, err
		}
	}
	var names []string
	var methods []method
	for _, file := range files {
		text, err := read(file)
		if err != nil {
			return nil, err
		}
		spec, err := pipeline.Parse(file, text)
		if err != nil {
			return nil, err
		}
		m := method{name: strings.TrimSuffix(filepath.Base(file), ".json"), file: file, text: text, doc: spec.Name}
		if m.name == "pipeline" {
			m.name = filepath.Base(filepath.Dir(file))
		}
		if slices.Contains(names, m.name) {
			return nil, fmt.Errorf("two pipelines are called %s; want files with names that differ", m.name)
		}
		names = append(names, m.name)
		methods = append(methods, m)
	}
	return choose("--methods", keep, names, methods)
}

// choose keeps those of all that are asked for; none asked for are all.
func choose[T any](flag string, keep, names []string, all []T) ([]T, error) {
	if len(keep) == 0 {
		return all, nil
	}
	var chosen []T
	for _, name := range keep {
		i := slices.Index(names, name)
		if i < 0 {
			return nil, fmt.Errorf("%s has %q; want some of %s", flag, name, strings.Join(names, ", "))
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

// components are what a factorisation makes of a mixture: a signal each, which sum to it.
type components struct {
	signals []*audiosep.Signal
	factors *audiosep.Factors
}

// sources adds up the components of each group.
func (c *components) sources(groups [][]int) []*audiosep.Signal {
	all := make([]*audiosep.Signal, len(groups))
	for j, group := range groups {
		all[j] = silence(c.signals[0])
		for _, k := range group {
			for l, x := range c.signals[k].Data {
				for i, a := range x {
					all[j].Data[l][i] += a
				}
			}
		}
	}
	return all
}

// silence returns a silent signal shaped like s.
func silence(s *audiosep.Signal) *audiosep.Signal {
	out := &audiosep.Signal{Rate: s.Rate, Channels: s.Channels, Data: make([][]float64, len(s.Data))}
	for l := range out.Data {
		out.Data[l] = make([]float64, len(s.Data[l]))
	}
	return out
}

// run takes the mixture apart into rank components.
func (m method) run(ctx context.Context, mix *audiosep.Signal, rank, seed int, p *progress) (*components, error) {
	spec, err := pipeline.Parse(m.file, m.text)
	if err != nil {
		return nil, err
	}
	spec.Seed = uint64(seed)
	reg := pipeline.NewRegistry(audio.Stages, transforms.Stages, factorizers.Stages, separators.Stages)
	for _, st := range spec.Stages {
		def, _ := reg.Lookup(st.Use)
		if slices.ContainsFunc(def.Params, func(p audiosep.Param) bool { return p.Name == "rank" }) {
			spec.Set(fmt.Sprintf("%s.rank=%d", st.ID, rank))
		}
	}
	checked, err := pipeline.Check(spec, reg)
	if err != nil {
		return nil, err
	}
	result, err := checked.RunInMemory(ctx, mix, pipeline.Options{Watcher: p})
	if err != nil {
		return nil, err
	}
	factors, ok := pipeline.Last[*audiosep.Factors](result)
	if !ok || len(result.Stems) != factors.Rank() {
		return nil, fmt.Errorf("it has %d sources; want as many as components: a separator without groups or sources", len(result.Stems))
	}
	return &components{result.Stems, factors}, nil
}
