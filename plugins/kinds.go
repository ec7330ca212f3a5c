package plugins

import (
	"fmt"
	"slices"

	"github.com/audiosep/audiosep"
)

// Kind is what a plugin's stage does, in the words of the wire.
type Kind string

const (
	kindSource           Kind = "source"
	kindFramer           Kind = "framer"
	kindTransformer      Kind = "transformer"
	kindTransformLearner Kind = "transform-learner"
	kindFactorizer       Kind = "factorizer"
	kindActivator        Kind = "activator"
	kindJointLearner     Kind = "joint-learner"
	kindSeparator        Kind = "separator"
	kindSink             Kind = "sink"
)

// kinds are all there are, with their shapes.
var kinds = []struct {
	kind  Kind
	shape audiosep.Shape
}{
	{kindSource, shapeOf[audiosep.Source]()},
	{kindFramer, shapeOf[audiosep.Framer]()},
	{kindTransformer, shapeOf[audiosep.Transformer]()},
	{kindTransformLearner, shapeOf[audiosep.TransformLearner]()},
	{kindFactorizer, shapeOf[audiosep.Factorizer]()},
	{kindActivator, shapeOf[audiosep.Activator]()},
	{kindJointLearner, shapeOf[audiosep.JointLearner]()},
	{kindSeparator, shapeOf[audiosep.Separator]()},
	{kindSink, shapeOf[audiosep.Sink]()},
}

func shapeOf[S any]() audiosep.Shape {
	s, err := audiosep.ShapeOf[S]()
	if err != nil {
		panic(err)
	}
	return s
}

func shapeOfKind(k Kind) (audiosep.Shape, bool) {
	for _, s := range kinds {
		if s.kind == k {
			return s.shape, true
		}
	}
	return audiosep.Shape{}, false
}

func kindOfShape(s audiosep.Shape) (Kind, error) {
	for _, known := range kinds {
		if slices.Equal(known.shape.In, s.In) && slices.Equal(known.shape.Out, s.Out) {
			return known.kind, nil
		}
	}
	return "", fmt.Errorf("plugins have no stage that takes %v and makes %v", s.In, s.Out)
}

// definition is a stage as the wire has it.
type definition struct {
	Name   string
	Doc    string
	Kind   Kind
	Params []audiosep.Param
}

// wireDefinition returns d as the wire has it.
func wireDefinition(d audiosep.Definition) (definition, error) {
	kind, err := kindOfShape(d.Shape)
	return definition{d.Name, d.Doc, kind, d.Params}, err
}
