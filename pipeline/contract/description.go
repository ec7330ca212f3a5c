package contract

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/audiosep/audiosep"
)

var descriptionChecks = []check{
	{"name", "A stage has a lower_snake_case name, behind its plugin's and a slash if it has one.",
		"give the stage a name of letters a to z, digits and _, such as my_transform",
		func(_ context.Context, s *subject) error {
			plugin, name, found := strings.Cut(s.def.Name, "/")
			if !found {
				plugin, name = "a", plugin
			}
			if !snake(name) || plugin == "" || strings.Contains(name, "/") {
				return fmt.Errorf("the name is %q; want lower_snake_case", s.def.Name)
			}
			return nil
		}},
	{"ports", "A stage has ports, of different names and of cargoes that pipelines know.",
		"look at the fields of In and Out, and their tags (Python: at inputs and outputs)", describesPorts},
	{"documentation", "A stage and each of its parameters are described in at least a sentence.",
		"write what a user needs: in Go the doc, in Python the docstring and the doc of each Param",
		func(_ context.Context, s *subject) error {
			if strings.TrimSpace(s.def.Doc) == "" {
				return fmt.Errorf("the stage's doc is empty; want a sentence")
			}
			for _, p := range s.def.Params {
				if strings.TrimSpace(p.Doc) == "" {
					return fmt.Errorf("parameter %s has no doc; want a sentence", p.Name)
				}
			}
			return nil
		}},
	{"parameters", "Parameters have different lower_snake_case names, known types and ranges that hold something.",
		"correct the parameter's description",
		func(_ context.Context, s *subject) error {
			names := map[string]bool{}
			for _, p := range s.def.Params {
				if err := p.Validate(); err != nil {
					return fmt.Errorf("parameter %q: %w", p.Name, err)
				}
				if names[p.Name] {
					return fmt.Errorf("parameter %q is there twice; want each once", p.Name)
				}
				names[p.Name] = true
			}
			return nil
		}},
	{"building", "A stage is built from parameters within their ranges, at once.",
		"look at the constructor; if a parameter cannot have a default, let it be out of range and give it in the parameters of this check",
		func(_ context.Context, s *subject) error { return s.builds() }},
	{"unknown parameters", "A parameter that is not described is refused, by its name.",
		"in Go build with audiosep.Define, or call audiosep.CheckParams first; elsewhere answer Build with a fault of that name",
		func(_ context.Context, s *subject) error {
			_, err := s.def.Build(json.RawMessage(`{"no_such_parameter": 1}`))
			errs, _ := audiosep.AsParamErrors(err) // of those that must be given, too
			if slices.ContainsFunc(errs, func(e *audiosep.ParamError) bool { return e.Name == "no_such_parameter" }) {
				return nil
			}
			return fmt.Errorf("building with no_such_parameter gives the error %v; want one that names it (Go: ParamErrors; elsewhere: faults of BuildReply)", err)
		}},
}

// describesPorts says what is wrong with the ports.
func describesPorts(_ context.Context, s *subject) error {
	if len(s.def.In)+len(s.def.Out) == 0 {
		return errors.New("there are none; want at least one input or output")
	}
	for _, ports := range [][]audiosep.Port{s.def.In, s.def.Out} {
		for i, p := range ports {
			switch {
			case !snake(p.Name):
				return fmt.Errorf("port %q is no lower_snake_case name", p.Name)
			case audiosep.TypeOf(p.Cargo) == nil:
				return fmt.Errorf("port %q is of the cargo %q; want one of %v", p.Name, p.Cargo, audiosep.Cargoes())
			case slices.ContainsFunc(ports[:i], func(q audiosep.Port) bool { return q.Name == p.Name }):
				return fmt.Errorf("port %q is there twice; want each once", p.Name)
			}
		}
	}
	return nil
}

// builds builds the stage, and sees whether it is what its ports say.
func (s *subject) builds() error {
	made, err := s.def.Build(s.o.Params)
	if errs, ok := audiosep.AsParamErrors(err); ok {
		return &hinted{fmt.Errorf("building fails: %w", err), fmt.Sprintf(
			"give the stage parameters that suit it: audiosep plugin test --params '{%q: …}', or Params in Options", errs[0].Name)}
	}
	if err != nil {
		return &stop{&hinted{fmt.Errorf("building fails: %w", err), "mend what the error says; or, if it needs other parameters, such as the name of a file that is there: --params"}}
	}
	if made == nil {
		return &stop{errors.New("what is built is nil and so is the error; want one of them")}
	}
	s.open.add(made)
	return nil
}
