package audiosep

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Definition is a stage as the outside sees it: what it is called, what it does, what
// it can be told, and how it is built.
type Definition struct {
	Name string // lower_snake_case; a plugin's stage has its plugin's name and a slash before it
	Doc  string // one sentence, then whatever a user needs
	Shape
	Params []Param

	// Origin is where the stage comes from: empty when it is compiled in, else a
	// plugin's file. Version is the plugin's.
	Origin, Version string `json:",omitempty"`

	// Build makes the stage from a JSON object of parameters; what is missing has its
	// default. Wrong parameters make ParamErrors. It may be called at the same time
	// as that of a stage with another Origin.
	Build func(raw json.RawMessage) (any, error) `json:"-"`
}

// Define makes a Definition. S, the type that build returns, decides the ports: see
// [ShapeOf]. What it promises beyond its interface is listed behind. P is a struct whose
// exported fields are the parameters; its tags say all that is known of each:
//
//	json    the name, lower_snake_case
//	doc     one sentence
//	unit    what the number counts: samples, ms, components
//	min max the range of a number, or of each number in a list; of a list of texts or
//	        of lists, the range of its length
//	oneof   the texts allowed, with | between them
//	file    in or out: the text is a file's name, read from or written to
//
// A field is an int, uint64, float64, bool, string, a pointer to one of them (nil when
// it may be left open), or a slice of one of them or of slices; the fields of an embedded
// struct are parameters too. defaults is P before
// decoding, so an explicit zero stays a zero. If P has a method Validate() error, it is
// called on the decoded parameters; it may return a *ParamError or ParamErrors.
//
// Define panics if P, its tags or S break these rules: that is a fault of the program.
func Define[P, S any](name, doc string, defaults P, build func(P) (S, error), promises ...Promise) Definition {
	return define(name, doc, defaults, reflect.TypeFor[S](), func(p any) (any, error) { return build(p.(P)) }, promises)
}

// define is what Define does whatever the types are, compiled once and not again for each stage.
func define(name, doc string, defaults any, stage reflect.Type, build func(any) (any, error), promises []Promise) Definition {
	params, err := paramsOf(reflect.ValueOf(defaults))
	if err != nil {
		panic(fmt.Sprintf("audiosep.Define(%q): %v", name, err))
	}
	shape, err := shapeOf(stage)
	if err != nil {
		panic(fmt.Sprintf("audiosep.Define(%q): %v", name, err))
	}
	shape.Promises = append(slices.Clone(shape.Promises), promises...)
	d := Definition{Name: name, Doc: doc, Shape: shape, Params: params}
	d.Build = func(raw json.RawMessage) (any, error) {
		if errs := CheckParams(params, raw); errs != nil {
			return nil, errs
		}
		p, err := decode(defaults, raw)
		if err != nil {
			return nil, err
		}
		if v, ok := p.(interface{ Validate() error }); ok {
			if err := v.Validate(); err != nil {
				return nil, err
			}
		}
		return build(p)
	}
	return d
}

// decode returns defaults, a struct, overlaid with raw, which has been checked.
func decode(defaults any, raw json.RawMessage) (any, error) {
	p := reflect.New(reflect.TypeOf(defaults))
	// By way of JSON, so that the result shares no list, however deep, with the defaults.
	own, err := json.Marshal(defaults)
	if err == nil {
		err = json.Unmarshal(own, p.Interface())
	}
	if err == nil && len(bytes.TrimSpace(raw)) > 0 {
		err = json.Unmarshal(raw, p.Interface())
	}
	return p.Elem().Interface(), err
}

// ParamError is a wrong parameter: what it is, what is wanted, and a way out, if any.
type ParamError struct {
	Name string // the parameter's name; an entry of a list has a slash and its index behind
	What string // "is -40; want at least 0.1 ms"
	Hint string // "did you mean …", or empty
}

func (e *ParamError) Error() string {
	s := "parameter " + e.Name + " " + e.What
	if e.Hint != "" {
		s += "; " + e.Hint
	}
	return s
}

// ParamErrors is every wrong parameter of a stage, not the first alone.
type ParamErrors []*ParamError

func (e ParamErrors) Error() string {
	all := make([]string, len(e))
	for i, p := range e {
		all[i] = p.Error()
	}
	return strings.Join(all, "\n")
}

// AsParamErrors returns the ParamErrors in err: itself, or a single *ParamError.
func AsParamErrors(err error) (ParamErrors, bool) {
	var many ParamErrors
	if errors.As(err, &many) {
		return many, true
	}
	var one *ParamError
	if errors.As(err, &one) {
		return ParamErrors{one}, true
	}
	return nil, false
}
