package pipeline

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one fault of a spec: where it stands, what is, what is wanted.
type Problem struct {
	File      string
	Path      string // JSON pointer of the value
	Line, Col int    // from 1; 0 where the fault is in no line of the file
	Flag      string // the command-line flag that set the value, if one did
	Stage     string // id of the stage, or empty
	What      string // what is; want what should be
	Hint      string // a way out, or empty
}

func (p Problem) Error() string {
	var b strings.Builder
	switch {
	case p.Flag != "":
		b.WriteString(p.Flag)
	case p.Line > 0:
		fmt.Fprintf(&b, "%s:%d:%d", p.File, p.Line, p.Col)
	default:
		b.WriteString(p.File)
	}
	b.WriteString(": ")
	if p.Stage != "" {
		fmt.Fprintf(&b, "stage %q: ", p.Stage)
	}
	b.WriteString(p.What)
	if p.Hint != "" {
		b.WriteString("\n\t" + p.Hint)
	}
	return b.String()
}

// Problems is every fault of a spec, in the order of the text.
type Problems []Problem

func (p Problems) Error() string {
	all := make([]string, len(p))
	for i := range p {
		all[i] = p[i].Error()
	}
	return strings.Join(all, "\n")
}

// once returns the problems without those of a flag that says the same of several stages: it was given once, and is
// told of once, with the first of them.
func (p Problems) once() Problems {
	type fault struct{ flag, what string }
	told := map[fault]bool{}
	return slices.DeleteFunc(p, func(q Problem) bool {
		f := fault{q.Flag, q.What}
		again := told[f]
		told[f] = q.Flag != ""
		return again
	})
}

// err sorts the problems by place and returns them as an error, or nil if there are none.
func (p Problems) err() error {
	if len(p) == 0 {
		return nil
	}
	p = p.once()
	slices.SortStableFunc(p, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
	return p
}
