package audiosep

import (
	"encoding/json"
	"math"
	"reflect"
	"strconv"
)

// CheckStruct holds a struct of parameters against its own tags and its Validate method, as
// the Build of a stage made by [Define] holds what a spec says: constructors call it, so that
// a program and a spec are refused the same, in the same words. Wrong parameters make
// ParamErrors, or what Validate returns; a nil list is an empty one. It is an error too if
// the tags break Define's rules.
func CheckStruct(params any) error {
	v := reflect.ValueOf(params)
	known, err := paramsOf(reflect.Zero(v.Type())) // a nil pointer there marks what may be left open
	if err != nil {
		return err
	}
	var errs ParamErrors
	for i, value := range decoded(nil, v) {
		errs = append(errs, known[i].check(known[i].Name, value)...)
	}
	if errs != nil {
		return errs
	}
	if v, ok := params.(interface{ Validate() error }); ok {
		return v.Validate()
	}
	return nil
}

// decoded appends the fields of a struct of parameters, in the order of paramsOf, each as a
// JSON decoder that keeps numbers as they are written would leave it.
func decoded(values []any, v reflect.Value) []any {
	for i := range v.NumField() {
		if field := v.Type().Field(i); field.Anonymous && field.Type.Kind() == reflect.Struct {
			values = decoded(values, v.Field(i))
		} else {
			values = append(values, decodedField(v.Field(i)))
		}
	}
	return values
}

// asWritten writes x as JSON does.
func asWritten(x float64) json.Number {
	text, err := json.Marshal(x)
	switch {
	case math.IsNaN(x):
		return "not a number" // which no range lets pass
	case err != nil:
		return json.Number(strconv.FormatFloat(x, 'g', -1, 64)) // infinite
	}
	return json.Number(text)
}

func decodedField(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return decodedField(v.Elem())
	case reflect.Slice:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = decodedField(v.Index(i))
		}
		return list
	case reflect.Int:
		return json.Number(strconv.FormatInt(v.Int(), 10))
	case reflect.Uint64:
		return json.Number(strconv.FormatUint(v.Uint(), 10))
	case reflect.Float64:
		return asWritten(v.Float())
	case reflect.Bool:
		return v.Bool()
	default:
		return v.String()
	}
}
