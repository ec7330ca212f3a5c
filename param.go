package audiosep

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/audiosep/audiosep/internal/counted"
	"github.com/audiosep/audiosep/internal/nearest"
)

// Param is what is known of one parameter. It is plain data, so that help pages, spec
// checks, schemas and plugins in any language read the same.
type Param struct {
	Name    string          // lower_snake_case
	Type    string          // int, uint, float, bool or string, with [] before it for each level of list
	Doc     string          // one sentence
	Unit    string          `json:",omitempty"`
	Default json.RawMessage // null when it may be left open
	Min     *float64        `json:",omitempty"` // of a number, or of each in a list; else of a list's length
	Max     *float64        `json:",omitempty"`
	OneOf   []string        `json:",omitempty"`
	File    string          `json:",omitempty"` // "in" or "out" for a file's name
}

// scalars are the types of what is no list.
var scalars = []string{"int", "uint", "float", "bool", "string"}

// Elem returns the type of what the lists of p hold in the end, and the depth of lists.
func (p *Param) Elem() (typ string, lists int) {
	for typ = p.Type; strings.HasPrefix(typ, "[]"); typ = typ[2:] {
		lists++
	}
	return typ, lists
}

// Validate says what is wrong with a description that did not come from [Define], which
// panics instead.
func (p *Param) Validate() error {
	typ, _ := p.Elem()
	switch {
	case !snakeCase(p.Name):
		return fmt.Errorf("its name is %q; want lower_snake_case", p.Name)
	case strings.TrimSpace(p.Doc) == "":
		return fmt.Errorf("it has no Doc; want a sentence")
	case !slices.Contains(scalars, typ):
		return fmt.Errorf("the type is %q; want %s, or a list of it, as []int", p.Type, strings.Join(scalars, ", "))
	case p.Min != nil && p.Max != nil && *p.Min > *p.Max:
		return fmt.Errorf("the range is %v to %v; want the least first", *p.Min, *p.Max)
	case (p.OneOf != nil || p.File != "") && typ != "string":
		return fmt.Errorf("only texts have OneOf and File; the type is %s", p.Type)
	case !slices.Contains([]string{"", "in", "out"}, p.File):
		return fmt.Errorf("the tag File is %q; want in or out", p.File)
	case !json.Valid(p.Default):
		return fmt.Errorf("the default %q is not JSON; want a value, or null if it may be left open", p.Default)
	}
	// A default out of range means that the parameter must be given; it has the type all the same.
	free := *p
	free.Min, free.Max, free.OneOf, free.File = nil, nil, nil, ""
	if errs := CheckParams([]Param{free}, fmt.Appendf(nil, "{%q: %s}", p.Name, p.Default)); errs != nil {
		return fmt.Errorf("the default does not have the type: %w", errs)
	}
	return nil
}

// BoundsLength tells whether Min and Max are about the length of the list.
func (p *Param) BoundsLength() bool {
	typ, lists := p.Elem()
	return lists > 1 || lists == 1 && (typ == "string" || typ == "bool")
}

// Range returns what p accepts, in words: "1 to 8 components", "one of hann, sine".
func (p *Param) Range() string {
	switch typ, _ := p.Elem(); {
	case p.OneOf != nil:
		return "one of " + strings.Join(p.OneOf, ", ")
	case p.BoundsLength():
		return bounds(p.Min, p.Max, plural(cmp.Or(p.Max, p.Min), "entry", "entries"))
	case p.Min != nil || p.Max != nil:
		return bounds(p.Min, p.Max, p.Unit)
	default:
		return typeWords(typ)
	}
}

func plural(n *float64, one, many string) string {
	if n != nil && *n == 1 {
		return one
	}
	return many
}

func bounds(lo, hi *float64, unit string) string {
	s := ""
	switch {
	case lo != nil && hi != nil && *lo == *hi:
		s = "exactly " + number(*lo)
	case lo != nil && hi != nil:
		s = number(*lo) + " to " + number(*hi)
	case lo != nil:
		if s = "at least " + number(*lo); *lo == 1 && len(unit) > 2 { // not ms
			unit = strings.TrimSuffix(unit, "s")
		}
	case hi != nil:
		s = "at most " + number(*hi)
	default:
		return "a list"
	}
	return strings.TrimSpace(s + " " + unit)
}

func number(x float64) string {
	if math.Abs(x) < 1e15 && x == math.Trunc(x) {
		return strconv.FormatFloat(x, 'f', -1, 64)
	}
	return strconv.FormatFloat(x, 'g', -1, 64)
}

func typeWords(typ string) string {
	switch typ {
	case "int":
		return "a whole number"
	case "uint":
		return "a whole number ≥ 0"
	case "float":
		return "a number"
	case "bool":
		return "true or false"
	default:
		return "a text"
	}
}

// paramsOf reads the fields and tags of a struct of defaults.
func paramsOf(v reflect.Value) ([]Param, error) {
	if v.Kind() != reflect.Struct {
		return nil, fmt.Errorf("parameters are a %v; want a struct", v.Type())
	}
	var params []Param
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if field.Anonymous && field.Type.Kind() == reflect.Struct {
			embedded, err := paramsOf(v.Field(i))
			if err != nil {
				return nil, err
			}
			params = append(params, embedded...)
			continue
		}
		p, err := paramOf(field, v.Field(i))
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", field.Name, err)
		}
		params = append(params, p)
	}
	return params, nil
}

func paramOf(field reflect.StructField, v reflect.Value) (Param, error) {
	p := Param{Name: field.Tag.Get("json"), Doc: field.Tag.Get("doc"), Unit: field.Tag.Get("unit"), File: field.Tag.Get("file")}
	if !field.IsExported() || p.Name == "" || strings.Contains(p.Name, ",") {
		return p, fmt.Errorf("want an exported field with a plain json name")
	}
	if p.Doc == "" {
		return p, fmt.Errorf("want a doc tag")
	}
	var err error
	if p.Type, err = typeOf(field.Type); err != nil {
		return p, err
	}
	if v.Kind() == reflect.Slice && v.IsNil() {
		p.Default = json.RawMessage("[]")
	} else if p.Default, err = json.Marshal(v.Interface()); err != nil {
		return p, err
	}
	if s := field.Tag.Get("oneof"); s != "" {
		p.OneOf = strings.Split(s, "|")
	}
	for tag, dst := range map[string]**float64{"min": &p.Min, "max": &p.Max} {
		if s := field.Tag.Get(tag); s != "" {
			x, err := strconv.ParseFloat(s, 64)
			if err != nil {
				return p, fmt.Errorf("tag %s is %q; want a number", tag, s)
			}
			*dst = &x
		}
	}
	typ, _ := p.Elem()
	if (p.OneOf != nil || p.File != "") && typ != "string" || !slices.Contains([]string{"", "in", "out"}, p.File) {
		return p, fmt.Errorf("tags oneof and file are for texts; file is in or out")
	}
	return p, nil
}

func typeOf(t reflect.Type) (string, error) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Int:
		return "int", nil
	case reflect.Uint64:
		return "uint", nil
	case reflect.Float64:
		return "float", nil
	case reflect.Bool:
		return "bool", nil
	case reflect.String:
		return "string", nil
	case reflect.Slice:
		elem, err := typeOf(t.Elem())
		return "[]" + elem, err
	}
	return "", fmt.Errorf("a parameter cannot be a %v", t)
}

// CheckParams holds a JSON object of parameters against their descriptions and returns
// every fault, in the order of the text. No object at all counts as an empty one.
func CheckParams(params []Param, raw json.RawMessage) ParamErrors {
	if len(bytes.TrimSpace(raw)) == 0 {
		raw = json.RawMessage("{}")
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return ParamErrors{{Name: "list", What: "is not a JSON object; want {\"name\": value, …}"}}
	}
	var errs ParamErrors
	given := map[string]bool{}
	for dec.More() {
		key, err := dec.Token()
		var value any
		if err == nil {
			err = dec.Decode(&value)
		}
		if err != nil {
			return append(errs, &ParamError{Name: "list", What: "is not JSON: " + err.Error()})
		}
		name := key.(string)
		given[name] = true
		errs = append(errs, checkParam(params, name, value)...)
	}
	return append(errs, checkDefaults(params, given)...)
}

// checkDefaults finds parameters that must be given: their default is out of range.
func checkDefaults(params []Param, given map[string]bool) (errs ParamErrors) {
	for i := range params {
		p := &params[i]
		if given[p.Name] || string(p.Default) == "null" {
			continue
		}
		var value any
		dec := json.NewDecoder(bytes.NewReader(p.Default))
		dec.UseNumber()
		if dec.Decode(&value) != nil || p.check(p.Name, value) != nil {
			want := p.Range()
			if value == "" {
				want = typeWords("string")
			}
			errs = append(errs, &ParamError{Name: p.Name, What: "is missing; want " + want})
		}
	}
	return errs
}

func checkParam(params []Param, name string, value any) ParamErrors {
	names := make([]string, len(params))
	for i := range params {
		names[i] = params[i].Name
		if names[i] == name {
			return params[i].check(name, value)
		}
	}
	e := &ParamError{Name: name, What: "is no parameter of this stage"}
	if n := nearest.Name(name, names); n != "" {
		e.Hint = fmt.Sprintf("did you mean %q?", n)
	} else if len(names) > 0 {
		e.Hint = "its parameters: " + strings.Join(names, ", ")
	} else {
		e.Hint = "it has none"
	}
	return ParamErrors{e}
}

// check holds a decoded value against p.
func (p *Param) check(path string, value any) ParamErrors {
	if value == nil && string(p.Default) == "null" {
		return nil
	}
	typ, lists := p.Elem()
	return p.checkDepth(path, value, typ, lists)
}

func (p *Param) checkDepth(path string, value any, typ string, lists int) (errs ParamErrors) {
	wrong := func(is, want string) ParamErrors {
		return ParamErrors{{Name: path, What: "is " + is + "; want " + want}}
	}
	if lists == 0 {
		if want := p.checkScalar(value, typ); want != "" {
			return wrong(show(value), want)
		}
		return nil
	}
	list, ok := value.([]any)
	if !ok {
		return wrong(show(value), "a list: "+strings.Repeat("[", lists)+typeWords(typ)+", …"+strings.Repeat("]", lists))
	}
	if !strings.Contains(path, "/") && p.BoundsLength() && !p.inRange(float64(len(list))) {
		is := counted.Of(len(list), "entry") + " long"
		if len(list) == 0 {
			is = "empty"
		}
		return wrong(is, p.Range())
	}
	for i, v := range list {
		errs = append(errs, p.checkDepth(fmt.Sprintf("%s/%d", path, i), v, typ, lists-1)...)
	}
	return errs
}

// checkScalar returns what is wanted of value, or "" if it is all right.
func (p *Param) checkScalar(value any, typ string) string {
	switch v := value.(type) {
	case bool:
		if typ == "bool" {
			return ""
		}
	case string:
		if typ == "string" {
			if p.OneOf != nil && !slices.Contains(p.OneOf, v) {
				return p.Range()
			}
			if p.File != "" && v == "" {
				return "the name of a file"
			}
			return ""
		}
	case json.Number:
		return p.checkNumber(v, typ)
	}
	return typeWords(typ)
}

func (p *Param) checkNumber(v json.Number, typ string) string {
	x, err := v.Float64()
	switch typ {
	case "int":
		switch _, err := strconv.Atoi(v.String()); {
		case errors.Is(err, strconv.ErrRange) && p.Max != nil && !p.BoundsLength():
			return p.Range()
		case errors.Is(err, strconv.ErrRange): // a whole number it is
			return "a whole number, -2⁶³ to 2⁶³-1"
		case err != nil:
			return "a whole number"
		}
	case "uint":
		if _, err := strconv.ParseUint(v.String(), 10, 64); err != nil {
			return "a whole number, 0 to 2⁶⁴-1"
		}
	case "float":
		if err != nil || math.IsInf(x, 0) {
			return "a number that a float64 can hold"
		}
	default:
		return typeWords(typ)
	}
	if !p.BoundsLength() && !p.inRange(x) {
		return p.Range()
	}
	return ""
}

func (p *Param) inRange(x float64) bool {
	return (p.Min == nil || x >= *p.Min) && (p.Max == nil || x <= *p.Max)
}

// show prints a JSON value briefly.
func show(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case json.Number:
		return v.String()
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	case string:
		if r := []rune(v); len(r) > 40 {
			v = string(r[:40]) + "…"
		}
		return strconv.Quote(v)
	default:
		return fmt.Sprint(v)
	}
}
