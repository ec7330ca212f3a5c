package plugins

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/audiosep/audiosep"
)

// leftOut is a stage that is for a newer audiosep.
type leftOut struct{ stage, reason string }

// newer is why a stage is for a newer audiosep.
type newer struct{ error }

func newerf(format string, args ...any) error { return newer{fmt.Errorf(format, args...)} }

// parseDefinitions reads a plugin's description of its stages. What is not known of a stage
// is ignored if the stage works without, else the stage is left out. What breaks the rules
// is an error.
func parseDefinitions(text string) (defs []audiosep.Definition, left []leftOut, err error) {
	var told []json.RawMessage
	if err := json.Unmarshal([]byte(text), &told); err != nil {
		return nil, nil, err
	}
	if len(told) == 0 {
		return nil, nil, fmt.Errorf("it has no stages; want at least one")
	}
	seen := map[string]string{} // name -> what its first stage says of itself
	for _, raw := range told {
		d, err := parseDefinition(raw)
		var late newer
		switch {
		case errors.As(err, &late):
			left = append(left, leftOut{d.Name, err.Error()})
		case err != nil:
			return nil, nil, fmt.Errorf("stage %q: %w", d.Name, err)
		default:
			defs = append(defs, d)
		}
		if first, twice := seen[d.Name]; twice {
			return nil, nil, fmt.Errorf("two stages are called %q: %q and %q; want a name of its own for each", d.Name, first, d.Doc)
		}
		seen[d.Name] = d.Doc
	}
	return defs, left, nil
}

func parseDefinition(raw json.RawMessage) (d audiosep.Definition, err error) {
	var name struct{ Name string }
	if err := json.Unmarshal(raw, &name); err != nil {
		return d, err
	}
	if d.Name = name.Name; !nameSyntax.MatchString(d.Name) {
		return d, fmt.Errorf("its name is %q; want lower_snake_case", d.Name)
	}
	if err := json.Unmarshal(raw, &d); err != nil {
		return d, newerf("its description is of a form that is not known here (%v); want a newer audiosep", err)
	}
	// Not a plugin's to say.
	d.Origin, d.Version = "", ""
	return d, checkDefinition(&d)
}

// checkDefinition holds a plugin's description of a stage against the rules.
func checkDefinition(d *audiosep.Definition) error {
	if d.Doc == "" {
		return fmt.Errorf("it has no doc; want a sentence")
	}
	if len(d.In)+len(d.Out) == 0 {
		return fmt.Errorf("it has no ports; want at least one input or output")
	}
	if err := errors.Join(checkPorts(d.In, true), checkPorts(d.Out, false)); err != nil {
		return err
	}
	known := []audiosep.Promise{audiosep.Lazy, audiosep.Sums, audiosep.Local}
	d.Promises = slices.DeleteFunc(d.Promises, func(p audiosep.Promise) bool { return !slices.Contains(known, p) })
	seen := map[string]bool{}
	var late error
	for i := range d.Params {
		p := &d.Params[i]
		if err := checkParam(p); errors.As(err, new(newer)) {
			late = newerf("parameter %q: %w", p.Name, err)
		} else if err != nil {
			return fmt.Errorf("parameter %q: %w", p.Name, err)
		}
		if seen[p.Name] {
			return fmt.Errorf("two parameters are called %q", p.Name)
		}
		seen[p.Name] = true
	}
	return late
}

func checkPorts(ports []audiosep.Port, input bool) error {
	seen := map[string]bool{}
	var late error
	for _, p := range ports {
		switch {
		case !nameSyntax.MatchString(p.Name):
			return fmt.Errorf("a port's name is %q; want lower_snake_case", p.Name)
		case seen[p.Name]:
			return fmt.Errorf("two ports are called %q; want each its own name", p.Name)
		case p.Many && !input:
			return fmt.Errorf("output %q is many; want one", p.Name)
		case !slices.Contains(audiosep.Cargoes(), p.Cargo):
			late = newerf("port %q is of the cargo %q; want one of %v, or a newer audiosep", p.Name, p.Cargo, audiosep.Cargoes())
		}
		seen[p.Name] = true
	}
	return late
}

// checkParam tells a parameter that is of a newer audiosep from one that is wrong.
func checkParam(p *audiosep.Param) error {
	err := p.Validate()
	if err == nil {
		return nil
	}
	plain := audiosep.Param{Name: "p", Doc: "P.", Type: p.Type, Default: json.RawMessage("null")}
	if unknown := plain.Validate(); unknown != nil {
		return newerf("%w, or a newer audiosep", unknown)
	}
	plain.Type, plain.File = "string", p.File
	if unknown := plain.Validate(); unknown != nil {
		return newerf("%w, or a newer audiosep", unknown)
	}
	return err
}

// shapeOf returns the shape of the stages of an interface of package audiosep.
func shapeOf[S any]() audiosep.Shape {
	s, err := audiosep.ShapeOf[S]()
	if err != nil {
		panic(err)
	}
	return s
}

func samePorts(a, b audiosep.Shape) bool {
	return slices.Equal(a.In, b.In) && slices.Equal(a.Out, b.Out)
}
