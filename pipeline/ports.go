package pipeline

import (
	"strings"

	"github.com/audiosep/audiosep"
)

// Ref names an output of a stage.
type Ref struct{ Stage, Port string }

func (r Ref) String() string { return r.Stage + "." + r.Port }

func find(ports []audiosep.Port, name string) (audiosep.Port, bool) {
	for _, p := range ports {
		if p.Name == name {
			return p, true
		}
	}
	return audiosep.Port{}, false
}

func portNames(ports []audiosep.Port) string {
	names := make([]string, len(ports))
	for i, p := range ports {
		names[i] = p.Name
	}
	return strings.Join(names, ", ")
}

// makes says what a stage makes, in words.
func makes(d audiosep.Definition) string {
	if len(d.Out) == 0 {
		return "nothing"
	}
	return portNames(d.Out)
}

// Graph is a checked pipeline as data.
type Graph struct {
	Name   string `json:"name,omitempty"`
	Seed   uint64 `json:"seed"`
	Stages []Node `json:"stages"`
}

// Node is a stage of a Graph.
type Node struct {
	ID  string `json:"id"`
	Use string `json:"use"`
	In  []Edge `json:"in"`
	Out []Exit `json:"out"`
}

// Edge is an input of a stage and the outputs that feed it, as "stage.port", in order.
type Edge struct {
	Port  string         `json:"port"`
	Cargo audiosep.Cargo `json:"cargo"`
	From  []string       `json:"from"`
}

// Exit is an output of a stage and the inputs that take it, as "stage.port".
type Exit struct {
	Port  string         `json:"port"`
	Cargo audiosep.Cargo `json:"cargo"`
	To    []string       `json:"to"`
}

// Graph returns the stages in order, their ports, and what feeds what.
func (p *Pipeline) Graph() Graph {
	g := Graph{Name: p.Name, Seed: p.Seed}
	to := map[Ref][]string{}
	for _, st := range p.stages {
		for _, in := range st.def.In {
			for _, ref := range st.in[in.Name] {
				to[ref] = append(to[ref], Ref{st.id, in.Name}.String())
			}
		}
	}
	for _, st := range p.stages {
		n := Node{ID: st.id, Use: st.def.Name, In: []Edge{}, Out: []Exit{}}
		for _, in := range st.def.In {
			if from := st.in[in.Name]; from != nil {
				e := Edge{Port: in.Name, Cargo: in.Cargo}
				for _, ref := range from {
					e.From = append(e.From, ref.String())
				}
				n.In = append(n.In, e)
			}
		}
		for _, out := range st.def.Out {
			takers := to[Ref{st.id, out.Name}]
			if takers == nil {
				takers = []string{}
			}
			n.Out = append(n.Out, Exit{out.Name, out.Cargo, takers})
		}
		g.Stages = append(g.Stages, n)
	}
	return g
}
