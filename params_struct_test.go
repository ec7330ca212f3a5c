package audiosep_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/audiosep/audiosep"
)

type structInner struct {
	Weight float64 `json:"weight" min:"0" max:"1" doc:"…"`
	Free   float64 `json:"free" doc:"…"`
}

type structParams struct {
	Rank   int      `json:"rank" min:"1" unit:"components" doc:"…"`
	Seed   uint64   `json:"seed" doc:"…"`
	Hop    *int     `json:"hop" min:"1" unit:"samples" doc:"…"`
	Update string   `json:"update" oneof:"mm|heuristic" doc:"…"`
	File   string   `json:"file" file:"in" doc:"…"`
	Groups [][]int  `json:"groups" min:"0" max:"2" doc:"…"`
	Names  []string `json:"names" max:"1" doc:"…"`
	On     bool     `json:"on" doc:"…"`
	structInner
}

func (p structParams) Validate() error {
	if p.On && p.Rank == 2 {
		return &audiosep.ParamError{Name: "on", What: "does not go with rank 2"}
	}
	return nil
}

func rightParams() structParams {
	return structParams{Rank: 3, Seed: math.MaxUint64, Update: "mm", File: "a.npy", structInner: structInner{Weight: 0.5, Free: -1e300}}
}

// A struct is refused in the same words as the same values in a spec.
func TestCheckStructAgreesWithBuild(t *testing.T) {
	def := audiosep.Define("s", "…", rightParams(), func(structParams) (audiosep.Transformer, error) { return nil, nil })
	zero := 0
	for what, change := range map[string]func(*structParams){
		"right":          func(p *structParams) {},
		"too small":      func(p *structParams) { p.Rank = 0 },
		"not one of":     func(p *structParams) { p.Update = "" },
		"no file":        func(p *structParams) { p.File = "" },
		"behind pointer": func(p *structParams) { p.Hop = &zero },
		"embedded":       func(p *structParams) { p.Weight = 1.5 },
		"list too long":  func(p *structParams) { p.Groups = [][]int{{}, {}, {}} },
		"names too many": func(p *structParams) { p.Names = []string{"a", "b"} },
		"two faults":     func(p *structParams) { p.Rank, p.Weight = -1, -1 },
		"validated":      func(p *structParams) { p.Rank, p.On = 2, true },
	} {
		p := rightParams()
		p.Groups, p.Names = [][]int{}, []string{} // nil would be null in JSON
		change(&p)
		raw, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		_, want := def.Build(raw)
		got := audiosep.CheckStruct(p)
		if fmt.Sprint(got) != fmt.Sprint(want) || (got == nil) != (what == "right") {
			t.Errorf("%s: got %v; want %v", what, got, want)
		}
		if _, ok := audiosep.AsParamErrors(got); !ok && got != nil {
			t.Errorf("%s: %T is no error about parameters", what, got)
		}
	}
}

func TestCheckStructKnowsWhatJSONCannotSay(t *testing.T) {
	p := rightParams()
	p.Groups = [][]int{nil, {1}}
	if err := audiosep.CheckStruct(p); err != nil {
		t.Errorf("nil lists: %v", err)
	}
	for x, want := range map[float64]string{
		math.NaN():  "parameter free is not a number; want a number that a float64 can hold",
		math.Inf(1): "parameter free is +Inf; want a number that a float64 can hold",
	} {
		p := rightParams()
		p.Free = x
		var errs audiosep.ParamErrors
		if err := audiosep.CheckStruct(p); !errors.As(err, &errs) || err.Error() != want {
			t.Errorf("%v: got %v; want %s", x, err, want)
		}
	}
	if err := audiosep.CheckStruct(struct{ X int }{1}); err == nil {
		t.Error("a field without tags is taken for a parameter")
	}
}
