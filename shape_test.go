package audiosep_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/audiosep/audiosep"
)

// echo is a stage of a shape that no interface has: two recordings and perhaps a score make
// a third, and dictionaries.
type echo struct{ Gain float64 }

type echoIn struct {
	Dry   audiosep.Source     `port:"dry"`
	Rooms []audiosep.Source   `port:"rooms,many"`
	Score audiosep.Notes      `port:"score,optional"`
	Start *audiosep.Factors   `port:"start,optional"`
	Parts []*audiosep.Factors `port:"parts,many,optional"`
}

type echoOut struct {
	Wet   audiosep.Source `port:"wet"`
	Heard audiosep.Notes  `port:"heard,optional"`
}

func (e echo) Run(_ context.Context, _ audiosep.Env, in echoIn) (echoOut, error) {
	if in.Start != nil {
		return echoOut{}, fmt.Errorf("it has begun already")
	}
	return echoOut{Wet: in.Rooms[len(in.Rooms)-1], Heard: in.Score}, nil
}

func TestShapeOfRun(t *testing.T) {
	def := audiosep.Define("echo", "Echoes.", struct{}{}, func(struct{}) (echo, error) { return echo{}, nil }, audiosep.Lazy)
	want := audiosep.Shape{
		In: []audiosep.Port{{Name: "dry", Cargo: "audio"}, {Name: "rooms", Cargo: "audio", Many: true}, {Name: "score", Cargo: "notes", Optional: true},
			{Name: "start", Cargo: "factors", Optional: true}, {Name: "parts", Cargo: "factors", Optional: true, Many: true}},
		Out:      []audiosep.Port{{Name: "wet", Cargo: "audio"}, {Name: "heard", Cargo: "notes", Optional: true}},
		Promises: []audiosep.Promise{audiosep.Lazy},
	}
	got := def.Shape
	got.Run = nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
	stage, err := def.Build(nil)
	if err != nil {
		t.Fatal(err)
	}
	one, two := &audiosep.Signal{Rate: 1}, &audiosep.Signal{Rate: 2}
	in := audiosep.Values{"dry": audiosep.Source(one), "rooms": []audiosep.Source{one, two}}
	out, err := def.Run(t.Context(), audiosep.Env{}, stage, in)
	if err != nil || out["wet"] != audiosep.Source(two) || out["heard"] != nil {
		t.Errorf("made %v, %v; want the second room, and no notes", out, err)
	}
	in["start"] = &audiosep.Factors{}
	if _, err = def.Run(t.Context(), audiosep.Env{}, stage, in); err == nil || err.Error() != "it has begun already" {
		t.Errorf("the error is %v; want the stage's", err)
	}
}

type noRun struct{}
type strangeRun struct{}

func (strangeRun) Run() {}

type runOf[In, Out any] struct{}

func (runOf[In, Out]) Run(context.Context, audiosep.Env, In) (out Out, err error) { return }

func TestShapesThatAreNone(t *testing.T) {
	shape := func(_ audiosep.Shape, err error) error { return err }
	for want, err := range map[string]error{
		"has no method Run":          shape(audiosep.ShapeOf[noRun]()),
		"want func(context.Context,": shape(audiosep.ShapeOf[strangeRun]()),
		"want a struct":              shape(audiosep.ShapeOf[runOf[int, struct{}]]()),
		"want an exported field": shape(audiosep.ShapeOf[runOf[struct {
			X audiosep.Source
		}, struct{}]]()),
		"no cargo": shape(audiosep.ShapeOf[runOf[struct {
			X int `port:"x"`
		}, struct{}]]()),
		"want optional or many": shape(audiosep.ShapeOf[runOf[struct {
			X audiosep.Source `port:"x,maybe"`
		}, struct{}]]()),
		"want a slice": shape(audiosep.ShapeOf[runOf[struct {
			X audiosep.Source `port:"x,many"`
		}, struct{}]]()),
		"want no many": shape(audiosep.ShapeOf[runOf[struct{}, struct {
			X []audiosep.Source `port:"x,many"`
		}]]()),
		`a port "x" already`: shape(audiosep.ShapeOf[runOf[struct {
			X audiosep.Source `port:"x"`
			Y audiosep.Source `port:"x"`
		}, struct{}]]()),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want an error that says %q", err, want)
		}
	}
}

// Every cargo has a type, and every interface a shape.
func TestCargoes(t *testing.T) {
	for _, c := range audiosep.Cargoes() {
		if audiosep.TypeOf(c) == nil {
			t.Errorf("cargo %s has no type", c)
		}
	}
	for name, shape := range map[string]func() (audiosep.Shape, error){
		"Source": audiosep.ShapeOf[audiosep.Source], "Framer": audiosep.ShapeOf[audiosep.Framer], "Transformer": audiosep.ShapeOf[audiosep.Transformer],
		"TransformLearner": audiosep.ShapeOf[audiosep.TransformLearner], "Factorizer": audiosep.ShapeOf[audiosep.Factorizer],
		"Activator": audiosep.ShapeOf[audiosep.Activator], "JointLearner": audiosep.ShapeOf[audiosep.JointLearner],
		"Separator": audiosep.ShapeOf[audiosep.Separator], "Sink": audiosep.ShapeOf[audiosep.Sink],
		"ModelReader": audiosep.ShapeOf[audiosep.ModelReader], "ModelWriter": audiosep.ShapeOf[audiosep.ModelWriter],
	} {
		if s, err := shape(); err != nil || s.Run == nil || len(s.In)+len(s.Out) == 0 {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
}
