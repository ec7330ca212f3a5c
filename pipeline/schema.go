package pipeline

import (
	"encoding/json"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/audiosep/audiosep"
)

// Schema returns a JSON Schema of the spec format with the stages of reg, so that
// editors complete and check specs as they are written. What it cannot say, such as
// whether stages fit, is for [Check].
func Schema(reg *Registry) *jsonschema.Schema {
	var uses []any
	var cases []*jsonschema.Schema
	for _, d := range reg.Stages() {
		uses = append(uses, d.Name)
		cases = append(cases, &jsonschema.Schema{
			If:   &jsonschema.Schema{Properties: map[string]*jsonschema.Schema{"use": {Const: jsonschema.Ptr[any](d.Name)}}},
			Then: &jsonschema.Schema{Description: d.Doc, Properties: stageFields(d)},
		})
	}
	stage := object(map[string]*jsonschema.Schema{
		"use": {Description: "The name of a stage, or plugin/stage.", AnyOf: []*jsonschema.Schema{
			{Enum: uses}, {Type: "string", Pattern: "^[^/]+/[^/]+$"}}},
		"id":     {Type: "string", Pattern: idSyntax.String(), Description: "What other stages call it; by default its use."},
		"params": {Type: "object", Description: "What it is told."},
		"in":     {Type: "object", AdditionalProperties: oneOrMany(""), Description: "What feeds its inputs: a stage above, or stage.port. An input with one possible source needs none."},
	}, "use")
	stage.AllOf = cases
	root := object(map[string]*jsonschema.Schema{
		"$schema":  text("Where this schema is, for editors."),
		"audiosep": {Const: jsonschema.Ptr[any](Version), Description: "Version of the format."},
		"name":     text("What the pipeline does, for people."),
		"about":    text("What it is for, and when not to use it."),
		"options": {Type: "object", PropertyNames: &jsonschema.Schema{Pattern: optionSyntax.String()}, Description: "Flags that the pipeline adds to the command line.",
			AdditionalProperties: object(map[string]*jsonschema.Schema{
				"about":    text("One sentence."),
				"sets":     oneOrMany("STAGE.PARAMETER, or several that get the same value."),
				"required": {Type: "boolean", Description: "The pipeline means nothing without it."},
				"excludes": oneOrMany("Other options that mean nothing beside it."),
				"min":      {Type: "number", Description: "The least number that it may be given."},
				"multiples": {Type: "object", AdditionalProperties: &jsonschema.Schema{Type: "integer", Minimum: jsonschema.Ptr(1.0)},
					Description: "STAGE.PARAMETER: how many times the number it gets, where no other flag sets it."},
			}, "sets")},
		"seed":   {Type: "integer", Minimum: jsonschema.Ptr(0.0), Description: "The same seed gives the same results, bit by bit."},
		"stages": {Type: "array", Items: stage, MinItems: jsonschema.Ptr(1), Description: "In order: a stage takes inputs only from stages above."},
		"report": object(map[string]*jsonschema.Schema{
			"dir":        text("The folder to write to, relative to the output folder."),
			"ports":      {Type: "array", Items: text("stage.port, with * for any."), Description: "What to write."},
			"references": text("A folder of true stems, relative to the pipeline's own: the report says how near those written are."),
		}),
		"needs":   {Type: "array", Items: text("A plugin and its versions."), Description: "The versions that plugins must have, such as hartley >= 1.2."},
		"plugins": {Type: "object", AdditionalProperties: pinSchema(), Description: "The SHA-256 that each plugin must have, as audiosep plugin lock prints them."},
	}, "audiosep", "stages")
	root.Schema = "https://json-schema.org/draft/2020-12/schema"
	root.Title = "audiosep pipeline"
	return root
}

// pinSchema returns a schema of what a plugin is pinned to: one sum, or one for each platform.
func pinSchema() *jsonschema.Schema {
	sum := func() *jsonschema.Schema { return &jsonschema.Schema{Type: "string", Pattern: sha256Syntax.String()} }
	return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{sum(),
		{Type: "object", PropertyNames: &jsonschema.Schema{Pattern: platformSyntax.String()}, AdditionalProperties: sum(), MinProperties: jsonschema.Ptr(1)}}}
}

// object returns a schema of an object with these fields and no others.
func object(fields map[string]*jsonschema.Schema, required ...string) *jsonschema.Schema {
	return &jsonschema.Schema{Type: "object", Properties: fields, Required: required, AdditionalProperties: nothing()}
}

func nothing() *jsonschema.Schema        { return &jsonschema.Schema{Not: &jsonschema.Schema{}} }
func text(doc string) *jsonschema.Schema { return &jsonschema.Schema{Type: "string", Description: doc} }

// oneOrMany returns a schema of a text or of a list of texts.
func oneOrMany(doc string) *jsonschema.Schema {
	return &jsonschema.Schema{Description: doc, AnyOf: []*jsonschema.Schema{{Type: "string"},
		{Type: "array", Items: &jsonschema.Schema{Type: "string"}, MinItems: jsonschema.Ptr(1)}}}
}

// stageFields narrows the params and in of a stage to those that d has.
func stageFields(d audiosep.Definition) map[string]*jsonschema.Schema {
	params := map[string]*jsonschema.Schema{}
	for _, p := range d.Params {
		params[p.Name] = paramSchema(p)
	}
	inputs := map[string]*jsonschema.Schema{}
	for _, in := range d.In {
		doc := "A stage above that makes " + string(in.Cargo) + ", or stage.port."
		if inputs[in.Name] = text(doc); in.Many {
			inputs[in.Name] = oneOrMany(doc + " Several are a list.")
		}
	}
	return map[string]*jsonschema.Schema{"params": object(params), "in": object(inputs)}
}

func paramSchema(p audiosep.Param) *jsonschema.Schema {
	elem, lists := p.Elem()
	s := &jsonschema.Schema{Type: map[string]string{"int": "integer", "uint": "integer", "float": "number", "bool": "boolean", "string": "string"}[elem]}
	for _, o := range p.OneOf {
		s.Enum = append(s.Enum, o)
	}
	ofLength := p.BoundsLength()
	if !ofLength {
		s.Minimum, s.Maximum = p.Min, p.Max
	}
	if elem == "uint" {
		s.Minimum = jsonschema.Ptr(0.0)
	}
	for range lists {
		s = &jsonschema.Schema{Type: "array", Items: s}
	}
	if ofLength && p.Min != nil {
		s.MinItems = jsonschema.Ptr(int(*p.Min))
	}
	if ofLength && p.Max != nil {
		s.MaxItems = jsonschema.Ptr(int(*p.Max))
	}
	if string(p.Default) == "null" {
		s.Types, s.Type = []string{s.Type, "null"}, ""
	}
	s.Default = json.RawMessage(p.Default)
	s.Description = p.Doc
	if p.Unit != "" {
		s.Description += " In " + p.Unit + "."
	}
	return s
}
