package pipeline

import (
	"path"
	"slices"

	"github.com/audiosep/audiosep"
)

// Choice is what one stage writes that may be told to write some of its stems only.
type Choice struct {
	Stage string
	Names []string // of the stems; nil where they are not known yet
}

// Choices returns what the stages write that can choose, in their order.
func (p *Pipeline) Choices() (all []Choice) {
	for _, st := range p.stages {
		chooser, ok := st.impl.(audiosep.Chooser)
		if !ok {
			continue
		}
		c := Choice{Stage: st.id}
		for _, in := range st.def.In {
			for _, ref := range st.in[in.Name] {
				if names := p.byID[ref.Stage].will[ref.Port].Sources; names != nil {
					c.Names = append(c.Names, chooser.Choices(names)...)
				}
			}
		}
		all = append(all, c)
	}
	return all
}

// Without returns the pipeline without some stages, and without those that then do nothing: whose
// outputs nothing else takes.
func (p *Pipeline) Without(ids ...string) *Pipeline {
	if len(ids) == 0 {
		return p
	}
	rest := *p
	rest.stages, rest.byID = nil, map[string]*stage{}
	taken := map[string]bool{} // ids of stages
	for _, st := range slices.Backward(p.stages) {
		if slices.Contains(ids, st.id) || len(st.def.Out) > 0 && !taken[st.id] && !p.reported(st) {
			continue
		}
		rest.stages, rest.byID[st.id] = append(rest.stages, st), st
		for _, from := range st.in {
			for _, ref := range from {
				taken[ref.Stage] = true
			}
		}
	}
	slices.Reverse(rest.stages)
	return &rest
}

// reported tells whether the report wants an output of a stage.
func (p *Pipeline) reported(st *stage) bool {
	if p.Report == nil {
		return false
	}
	for _, out := range st.def.Out {
		if (Ref{st.id, out.Name}).Matches(p.Report.Ports) {
			return true
		}
	}
	return false
}

// Matches tells whether one of the patterns of a report has the port.
func (r Ref) Matches(patterns []string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		ok, _ := path.Match(pattern, r.String())
		return ok
	})
}
