package audiosep

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Cargo is what passes through a port.
type Cargo string

// What stages hand to each other. Each is one Go type; audio, frames, coefs, power and
// sources are read, and so computed, when they are needed.
const (
	CargoAudio     Cargo = "audio"     // Source: a recording
	CargoFrames    Cargo = "frames"    // *Framed: its windowed frames
	CargoCoefs     Cargo = "coefs"     // Spectra: their coefficients
	CargoPower     Cargo = "power"     // Power: V
	CargoTransform Cargo = "transform" // *FittedTransform: Φ, or any other transform
	CargoFactors   Cargo = "factors"   // *Factors: W, H, or both
	CargoNotes     Cargo = "notes"     // Notes: a score
	CargoSources   Cargo = "sources"   // Stems: the separated signals
)

// cargoes are all there are, in the order in which most pipelines make them.
var cargoes = []struct {
	cargo Cargo
	typ   reflect.Type
}{
	{CargoAudio, reflect.TypeFor[Source]()},
	{CargoNotes, reflect.TypeFor[Notes]()},
	{CargoFrames, reflect.TypeFor[*Framed]()},
	{CargoTransform, reflect.TypeFor[*FittedTransform]()},
	{CargoCoefs, reflect.TypeFor[Spectra]()},
	{CargoPower, reflect.TypeFor[Power]()},
	{CargoFactors, reflect.TypeFor[*Factors]()},
	{CargoSources, reflect.TypeFor[Stems]()},
}

// Cargoes returns every cargo, in the order in which most pipelines make them.
func Cargoes() []Cargo {
	all := make([]Cargo, len(cargoes))
	for i, c := range cargoes {
		all[i] = c.cargo
	}
	return all
}

// TypeOf returns the Go type of a cargo, or nil if there is no such cargo.
func TypeOf(c Cargo) reflect.Type {
	for _, known := range cargoes {
		if known.cargo == c {
			return known.typ
		}
	}
	return nil
}

func cargoOf(t reflect.Type) (Cargo, bool) {
	for _, known := range cargoes {
		if known.typ == t {
			return known.cargo, true
		}
	}
	return "", false
}

// Port is one input or output of a stage.
type Port struct {
	Name  string
	Cargo Cargo
	// Optional is an input that may be left unwired, and is never wired unasked; or an
	// output that may not be made, such as the transform of a model that has none.
	Optional bool `json:",omitempty"`
	Many     bool `json:",omitempty"` // an input that takes one or more outputs, in order
}

// Values are what is at the ports of a stage, by their names: of the cargo's Go type, nil or
// missing where an optional port has nothing, a slice of that type where there are many.
type Values map[string]any

// Promise is what a stage promises beyond its ports. Contracts test it; describe shows it.
type Promise string

const (
	// Lazy: running it only says what is to be done; the work is done when what it made is
	// read. A pipeline runs such stages first, so that what must fail fails early.
	Lazy Promise = "lazy"
	// Sums: its sources sum to the recording that its coefficients, or audio, are of.
	Sums Promise = "sums"
	// Local: a frame comes out the same whatever the frames beside it are.
	Local Promise = "local"
)

// Shape is what a pipeline needs to know of a stage to wire it and to run it.
type Shape struct {
	In, Out  []Port
	Promises []Promise `json:",omitempty"`
	// Run runs a stage that Build built.
	Run func(ctx context.Context, env Env, stage any, in Values) (Values, error) `json:"-"`
}

// Promised tells whether p is among the promises.
func (s Shape) Promised(p Promise) bool { return slices.Contains(s.Promises, p) }

// ShapeOf returns the shape of the stages of type S: one of the interfaces of this package,
// or a type that has a method
//
//	Run(ctx context.Context, env Env, in In) (out Out, err error)
//
// where In and Out are structs. Their exported fields are the ports: a field's type is that
// of a cargo, or a slice of it in In for many, and its tag port has the name, with
// ",optional" behind it if it may be left empty:
//
//	Power Power      `port:"power"`
//	Init  *Factors   `port:"init_factors,optional"`
//	Parts []*Factors `port:"dictionary,many"`
func ShapeOf[S any]() (Shape, error) { return shapeOf(reflect.TypeFor[S]()) }

func shapeOf(t reflect.Type) (Shape, error) {
	if s, ok := shapes[t]; ok {
		return s, nil
	}
	run, ok := t.MethodByName("Run")
	if !ok {
		if _, ok := reflect.PointerTo(t).MethodByName("Run"); ok {
			return Shape{}, fmt.Errorf("%v has no method Run, but *%v has; return a pointer", t, t)
		}
		return Shape{}, fmt.Errorf("%v is no stage: it is none of the interfaces and has no method Run", t)
	}
	// A method of an interface type has no receiver among its arguments.
	skip := 1
	if t.Kind() == reflect.Interface {
		skip = 0
	}
	f := run.Type
	if f.NumIn() != skip+3 || f.NumOut() != 2 || f.In(skip) != reflect.TypeFor[context.Context]() || f.In(skip+1) != reflect.TypeFor[Env]() || f.Out(1) != reflect.TypeFor[error]() {
		return Shape{}, fmt.Errorf("method Run of %v is %v; want func(context.Context, audiosep.Env, In) (Out, error)", t, f)
	}
	in, err := portsOf(f.In(skip+2), true)
	if err != nil {
		return Shape{}, err
	}
	out, err := portsOf(f.Out(0), false)
	if err != nil {
		return Shape{}, err
	}
	return Shape{In: in, Out: out, Run: reflected(in, out)}, nil
}

// portsOf reads the ports in the fields of In or Out.
func portsOf(t reflect.Type, input bool) ([]Port, error) {
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("the ports are a %v; want a struct with a field for each", t)
	}
	var ports []Port
	for i := range t.NumField() {
		field := t.Field(i)
		p, err := portOf(field)
		switch {
		case err != nil:
			return nil, fmt.Errorf("field %s of %v: %w", field.Name, t, err)
		case p.Many && !input:
			return nil, fmt.Errorf("field %s of %v: an output is one; want no many", field.Name, t)
		case slices.ContainsFunc(ports, func(q Port) bool { return q.Name == p.Name }):
			return nil, fmt.Errorf("field %s of %v: there is a port %q already", field.Name, t, p.Name)
		}
		ports = append(ports, p)
	}
	return ports, nil
}

func portOf(field reflect.StructField) (Port, error) {
	name, options, _ := strings.Cut(field.Tag.Get("port"), ",")
	if !field.IsExported() || !snakeCase(name) {
		return Port{}, fmt.Errorf("want an exported field with a tag port, a name in lower_snake_case")
	}
	p := Port{Name: name}
	for option := range strings.SplitSeq(options, ",") {
		switch option {
		case "":
		case "optional":
			p.Optional = true
		case "many":
			p.Many = true
		default:
			return Port{}, fmt.Errorf("its tag has %q; want optional or many", option)
		}
	}
	typ := field.Type
	if p.Many {
		if typ.Kind() != reflect.Slice {
			return Port{}, fmt.Errorf("it is a %v; want a slice, as there may be many", typ)
		}
		typ = typ.Elem()
	}
	var ok bool
	if p.Cargo, ok = cargoOf(typ); !ok {
		var types []string
		for _, c := range cargoes {
			types = append(types, c.typ.String())
		}
		return Port{}, fmt.Errorf("it is a %v, no cargo; want one of %s", typ, strings.Join(types, ", "))
	}
	return p, nil
}

func snakeCase(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == "" && s[0] >= 'a' && s[0] <= 'z'
}

// reflected returns what calls a method Run with these ports.
func reflected(in, out []Port) func(ctx context.Context, env Env, stage any, values Values) (Values, error) {
	return func(ctx context.Context, env Env, stage any, values Values) (Values, error) {
		run := reflect.ValueOf(stage).MethodByName("Run")
		arg := reflect.New(run.Type().In(2)).Elem()
		for i, p := range in {
			if v := values[p.Name]; v != nil {
				arg.Field(i).Set(reflect.ValueOf(v))
			}
		}
		got := run.Call([]reflect.Value{reflect.ValueOf(ctx), reflect.ValueOf(env), arg})
		if err, _ := got[1].Interface().(error); err != nil {
			return nil, err
		}
		made := Values{}
		for i, p := range out {
			if f := got[0].Field(i); !f.IsNil() { // every cargo is a pointer, an interface or a slice
				made[p.Name] = f.Interface()
			}
		}
		return made, nil
	}
}

// Take returns the value at an input, nil where an optional one has none.
func Take[T any](v Values, port string) (T, error) {
	t, ok := v[port].(T)
	if !ok && v[port] != nil {
		return t, fmt.Errorf("input %q is a %T; want a %v", port, v[port], reflect.TypeFor[T]())
	}
	return t, nil
}
