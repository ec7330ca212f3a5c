package listen

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/factorizers"
	"github.com/audiosep/audiosep/internal/counted"
	"github.com/audiosep/audiosep/separators"
)

// Plan is everything that somebody decided about a recording in a page. It is what a page
// keeps the versions of, to undo, and what is saved as a pipeline.
type Plan struct {
	Method     string   `json:"method"`     // nmf: components that are grouped; paint; score
	Components int      `json:"components"` // nmf: K; paint: of each source
	Iterations int      `json:"iterations"`
	Seed       uint64   `json:"seed"`
	Sources    []string `json:"sources"` // names, in order; of a score its parts
	// Groups has the components of each source, from 1 on. What is in none is the residual.
	Groups [][]int              `json:"groups"`
	Paint  []factorizers.Region `json:"paint"`
	Notes  []Note               `json:"notes"`   // of the score as it was read
	Delay  float64              `json:"delay"`   // s, that the notes are later
	Pace   float64              `json:"stretch"` // how many times as long the notes' times are
	// Solution is the number of the factors that the plan goes with, of a session; 0: none.
	Solution int `json:"solution"`
	// Levels has, for each source, how loud it is played: a project for other programs has it.
	Levels []Level `json:"levels"`
	// Strips has, for each component, how loud it is played, for listening alone.
	Strips []Level `json:"strips"`
}

// Level is how a source is played.
type Level struct {
	Gain float64 `json:"gain"` // 0 to 4
	Mute bool    `json:"mute"`
	Solo bool    `json:"solo"`
}

// Note is an audiosep.Note whose pitch may be left open.
type Note struct {
	Source   string   `json:"source"`
	Onset    float64  `json:"onset"`  // s
	Offset   float64  `json:"offset"` // s
	Pitch    *float64 `json:"pitch"`  // MIDI number; null: none
	Velocity float64  `json:"velocity"`
}

const (
	residual       = "residual"
	mostSources    = 64
	mostComponents = 512
	mostNotes      = 100000
	mostRegions    = 10000
)

// newPlan is what a page begins with.
func newPlan() Plan {
	return Plan{Method: "nmf", Components: 12, Iterations: 60, Seed: 1, Sources: []string{}, Groups: [][]int{},
		Paint: []factorizers.Region{}, Notes: []Note{}, Pace: 1, Levels: []Level{}, Strips: []Level{}}
}

// Validate says the first thing that is wrong with a plan.
func (p *Plan) Validate() error {
	switch {
	case !slices.Contains([]string{"nmf", "paint", "score"}, p.Method):
		return fmt.Errorf("the method is %q; want nmf, paint or score", p.Method)
	case p.Components < 1 || p.Components > mostComponents:
		return fmt.Errorf("%s; want 1 to %d", counted.There(p.Components, "component"), mostComponents)
	case p.Iterations < 1 || p.Iterations > 10000:
		return fmt.Errorf("%s; want 1 to 10000", counted.There(p.Iterations, "iteration"))
	case len(p.Sources) > mostSources:
		return fmt.Errorf("%s; want at most %d", counted.There(len(p.Sources), "source"), mostSources)
	case len(p.Groups) > len(p.Sources):
		return fmt.Errorf("there are groups for %s; want at most %d", counted.Of(len(p.Groups), "source"), len(p.Sources))
	case len(p.Levels) > len(p.Sources)+1:
		return fmt.Errorf("there are levels of %s; want at most %d", counted.Of(len(p.Levels), "source"), len(p.Sources)+1)
	case len(p.Strips) > mostComponents:
		return fmt.Errorf("there are levels of %s; want at most %d", counted.Of(len(p.Strips), "component"), mostComponents)
	case len(p.Paint) > mostRegions || len(p.Notes) > mostNotes:
		return fmt.Errorf("%s and %s; want at most %d and %d", counted.There(len(p.Paint), "region"), counted.Of(len(p.Notes), "note"), mostRegions, mostNotes)
	case !(math.Abs(p.Delay) <= 1e6) || !(p.Pace >= 0.01 && p.Pace <= 100):
		return fmt.Errorf("the notes are %v s late and %v times as long; want a number of s, and 0.01 to 100", p.Delay, p.Pace)
	}
	for j, name := range p.Sources {
		if err := nameFault(name, p.Sources[:j]); err != nil {
			return err
		}
	}
	for i, r := range p.Paint {
		if err := r.Validate(); err != nil {
			return fmt.Errorf("region %d: %w", i+1, err)
		}
	}
	in := map[int]bool{}
	for _, g := range p.Groups {
		for _, k := range g {
			if k < 1 || k > mostComponents || in[k] {
				return fmt.Errorf("component %d is in two sources, or none; want each of 1 to %d once", k, mostComponents)
			}
			in[k] = true
		}
	}
	if len(p.Notes) > 0 {
		return p.score().Validate()
	}
	return nil
}

func nameFault(name string, others []string) error {
	same := func(other string) bool { return strings.EqualFold(other, name) }
	switch {
	case strings.TrimSpace(name) != name || name == "" || len(name) > 80:
		return fmt.Errorf("a source is called %q; want a name of 1 to 80 bytes without spaces around it", name)
	case same(residual):
		return fmt.Errorf("a source is called %q, as what is left over is; want another name", name)
	case slices.ContainsFunc(others, same):
		return fmt.Errorf("two sources are called %q; want names that differ", name)
	}
	return nil
}

// score returns the notes where they were moved to; those before the beginning are cut.
func (p *Plan) score() audiosep.Notes {
	var notes audiosep.Notes
	for _, n := range p.Notes {
		m := audiosep.Note{Source: n.Source, Onset: max(0, p.Delay+p.Pace*n.Onset), Offset: p.Delay + p.Pace*n.Offset, Pitch: math.NaN(), Velocity: n.Velocity}
		if n.Pitch != nil {
			m.Pitch = *n.Pitch
		}
		if m.Offset > 0 {
			notes = append(notes, m)
		}
	}
	return notes
}

// names returns those of the stems: the sources that have components, then what is left.
func (p *Plan) names(rank int) (names []string, groups [][]int, left bool) {
	in := 0
	for j, g := range p.Groups {
		if len(g) > 0 {
			names, groups = append(names, p.Sources[j]), append(groups, g)
			in += len(g)
		}
	}
	return names, groups, in < rank
}

// mask is how the components of a solution become stems. Without any group each component is one.
// The masks of components, whose exponent is 1, sum to those of the sources they are in.
func (p *Plan) mask(s *solution) separators.WienerParams {
	m := separators.DefaultWiener()
	if s.plan.Method == "score" { // whose factors are magnitudes, and know whose they are
		m.Exponent = 2
		return m
	}
	if names, groups, left := p.names(s.factors.Rank()); len(groups) > 0 {
		m.Names, m.Groups, m.Residual = names, groups, left
	}
	return m
}
