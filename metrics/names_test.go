package metrics

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/audiosep/audiosep"
)

// called is a recording with a name.
type called struct {
	audiosep.Source
	name string
}

func (c called) Head(ctx context.Context) (audiosep.Head, error) {
	h, err := c.Source.Head(ctx)
	h.Names = []string{c.name}
	return h, err
}

// Names that say which estimate belongs to which reference are held against how they were paired, and an order that no
// name bears out is told of where it was asked for.
func TestNames(t *testing.T) {
	a, b := noise(1, 4000, 1), noise(1, 4000, 2)
	refs := []audiosep.Source{called{a, "drums"}, called{b, "vocals"}}
	const others, order = "by their names other references and estimates belong together: drums and mix-drums, vocals and mix_vocals-2", "no name says which estimate belongs"
	for _, c := range []struct {
		what  string
		names [2]string // of the estimates that are a and b
		match Match
		want  string
	}{
		{"names and sound agree", [2]string{"mix-drums", "mix_vocals-2"}, "", ""},
		{"names and sound differ", [2]string{"mix_vocals-2", "mix-drums"}, "", others},
		{"names and order differ", [2]string{"mix_vocals-2", "mix-drums"}, MatchGiven, others},
		{"names and order agree", [2]string{"mix-drums", "mix_vocals-2"}, MatchGiven, ""},
		{"numbers matched by sound", [2]string{"mix-1", "mix-2"}, "", ""},
		{"numbers in their order", [2]string{"mix-1", "mix-2"}, MatchGiven, order},
		{"names that are parts of words", [2]string{"mix-drumsticks", "mix-vocals"}, MatchGiven, order},
	} {
		r := evaluate(t, refs, []audiosep.Source{called{a, c.names[0]}, called{b, c.names[1]}}, Options{Convention: SI, Match: c.match})
		told := slices.DeleteFunc(r.Warnings, func(w string) bool { return !strings.Contains(w, "name") })
		if c.want == "" && len(told) > 0 || c.want != "" && (len(told) != 1 || !strings.Contains(told[0], c.want)) {
			t.Errorf("%s: the warnings are %q; want %q", c.what, told, c.want)
		}
	}
}
