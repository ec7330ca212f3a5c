package audiosep_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/google/go-cmp/cmp"
)

type params struct {
	Count  int       `json:"count" min:"1" max:"8" unit:"components" doc:"A count."`
	Seed   uint64    `json:"seed" doc:"A seed."`
	Level  float64   `json:"level" min:"0.5" doc:"A level."`
	On     bool      `json:"on" doc:"A switch."`
	Window string    `json:"window" oneof:"hann|sine" doc:"A window."`
	Path   string    `json:"path" file:"in" doc:"A file."`
	Limit  *int      `json:"limit" min:"1" doc:"A limit."`
	Gains  []float64 `json:"gains" min:"0" max:"1" doc:"Gains."`
	Names  []string  `json:"names" min:"1" max:"3" doc:"Names."`
	Groups [][]int   `json:"groups" max:"2" doc:"Groups."`
}

func defaults() params {
	return params{Count: 2, Level: 1, Window: "hann", Path: "in.wav", Gains: []float64{1}, Names: []string{"a", "b"}, Groups: [][]int{{1, 2}}}
}

// built is a stage that remembers its parameters.
type built[P any] struct {
	audiosep.Transformer
	p P
}

func define[P any](defaults P) audiosep.Definition {
	return audiosep.Define("every", "A stage.", defaults, func(p P) (audiosep.Transformer, error) { return &built[P]{p: p}, nil })
}

func TestDefineReadsTags(t *testing.T) {
	ptr := func(x float64) *float64 { return &x }
	want := []audiosep.Param{
		{Name: "count", Type: "int", Doc: "A count.", Unit: "components", Default: json.RawMessage("2"), Min: ptr(1), Max: ptr(8)},
		{Name: "seed", Type: "uint", Doc: "A seed.", Default: json.RawMessage("0")},
		{Name: "level", Type: "float", Doc: "A level.", Default: json.RawMessage("1"), Min: ptr(0.5)},
		{Name: "on", Type: "bool", Doc: "A switch.", Default: json.RawMessage("false")},
		{Name: "window", Type: "string", Doc: "A window.", Default: json.RawMessage(`"hann"`), OneOf: []string{"hann", "sine"}},
		{Name: "path", Type: "string", Doc: "A file.", Default: json.RawMessage(`"in.wav"`), File: "in"},
		{Name: "limit", Type: "int", Doc: "A limit.", Default: json.RawMessage("null"), Min: ptr(1)},
		{Name: "gains", Type: "[]float", Doc: "Gains.", Default: json.RawMessage("[1]"), Min: ptr(0), Max: ptr(1)},
		{Name: "names", Type: "[]string", Doc: "Names.", Default: json.RawMessage(`["a","b"]`), Min: ptr(1), Max: ptr(3)},
		{Name: "groups", Type: "[][]int", Doc: "Groups.", Default: json.RawMessage("[[1,2]]"), Max: ptr(2)},
	}
	def := define(defaults())
	if diff := cmp.Diff(want, def.Params); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
	if def.Name != "every" || def.Doc != "A stage." || len(def.Out) != 3 {
		t.Errorf("defined %q %q with %v", def.Name, def.Doc, def.Out)
	}
}

func TestRange(t *testing.T) {
	want := map[string]string{
		"count": "1 to 8 components", "seed": "a whole number ≥ 0", "level": "at least 0.5", "on": "true or false", "window": "one of hann, sine",
		"path": "a text", "limit": "at least 1", "gains": "0 to 1", "names": "1 to 3 entries", "groups": "at most 2 entries",
	}
	for _, p := range define(defaults()).Params {
		got := p.Range()
		if got != want[p.Name] {
			t.Errorf("%s: %q; want %q", p.Name, got, want[p.Name])
		}
	}
}

func TestBuildOverlaysDefaults(t *testing.T) {
	three := 3
	for raw, change := range map[string]func(*params){
		``:     func(*params) {},
		` {} `: func(*params) {},
		`{"count": 8, "seed": 18446744073709551615}`:   func(p *params) { p.Count, p.Seed = 8, 1<<64-1 },
		`{"level": 0.5, "on": true, "window": "sine"}`: func(p *params) { p.Level, p.On, p.Window = 0.5, true, "sine" },
		`{"limit": 3}`:                           func(p *params) { p.Limit = &three },
		`{"limit": null}`:                        func(*params) {},
		`{"gains": [], "groups": []}`:            func(p *params) { p.Gains, p.Groups = []float64{}, [][]int{} },
		`{"gains": [0, 1], "names": ["c", "d"]}`: func(p *params) { p.Gains, p.Names = []float64{0, 1}, []string{"c", "d"} },
		`{"groups": [[], [3, -4, 5]]}`:           func(p *params) { p.Groups = [][]int{{}, {3, -4, 5}} },
	} {
		want := defaults()
		change(&want)
		stage, err := define(defaults()).Build(json.RawMessage(raw))
		if err != nil {
			t.Errorf("%s: %v", raw, err)
			continue
		}
		if diff := cmp.Diff(want, stage.(*built[params]).p); diff != "" {
			t.Errorf("%s: want -, got +:\n%s", raw, diff)
		}
	}
}

// Neither building nor a stage that changes its own parameters changes the defaults.
func TestDefaultsAreNotShared(t *testing.T) {
	def := define(defaults())
	build := func(raw string) params {
		stage, err := def.Build(json.RawMessage(raw))
		if err != nil {
			t.Fatal(err)
		}
		return stage.(*built[params]).p
	}
	p := build(`{"gains": [0.25], "names": ["y", "z"], "groups": [[8, 9]]}`)
	p.Gains[0], p.Names[0], p.Groups[0][0] = 0.5, "y", 7
	p = build(``)
	p.Gains[0], p.Names[0], p.Groups[0][0] = 0.5, "y", 7
	if diff := cmp.Diff(defaults(), build(``)); diff != "" {
		t.Errorf("the defaults changed: want -, got +:\n%s", diff)
	}
}

func TestWrongParamsAreAllNamed(t *testing.T) {
	for raw, want := range map[string]string{
		`{"count": 9}`:                          "parameter count is 9; want 1 to 8 components",
		`{"count": 1.5}`:                        "parameter count is 1.5; want a whole number",
		`{"count": 99999999999999999999}`:       "parameter count is 99999999999999999999; want 1 to 8 components",
		`{"groups": [[-99999999999999999999]]}`: "parameter groups/0/0 is -99999999999999999999; want a whole number, -2⁶³ to 2⁶³-1",
		`{"count": "2"}`:                        `parameter count is "2"; want a whole number`,
		`{"count": null}`:                       "parameter count is null; want a whole number",
		`{"count": [2]}`:                        "parameter count is a list; want a whole number",
		`{"count": {}}`:                         "parameter count is an object; want a whole number",
		`{"seed": -1}`:                          "parameter seed is -1; want a whole number, 0 to 2⁶⁴-1",
		`{"seed": 18446744073709551616}`:        "parameter seed is 18446744073709551616; want a whole number, 0 to 2⁶⁴-1",
		`{"level": 0.4}`:                        "parameter level is 0.4; want at least 0.5",
		`{"level": 1e999}`:                      "parameter level is 1e999; want a number that a float64 can hold",
		`{"level": true}`:                       "parameter level is true; want a number",
		`{"on": 1}`:                             "parameter on is 1; want true or false",
		`{"on": "yes"}`:                         `parameter on is "yes"; want true or false`,
		`{"window": "han"}`:                     `parameter window is "han"; want one of hann, sine`,
		`{"window": 3}`:                         "parameter window is 3; want a text",
		`{"path": ""}`:                          `parameter path is ""; want the name of a file`,
		`{"limit": 0}`:                          "parameter limit is 0; want at least 1",
		`{"gains": 1}`:                          "parameter gains is 1; want a list: [a number, …]",
		`{"gains": null}`:                       "parameter gains is null; want a list: [a number, …]",
		`{"gains": [0, 2, 1, -1]}`:              "parameter gains/1 is 2; want 0 to 1\nparameter gains/3 is -1; want 0 to 1",
		`{"names": []}`:                         "parameter names is empty; want 1 to 3 entries",
		`{"names": ["a", "b", "c", "d"]}`:       "parameter names is 4 entries long; want 1 to 3 entries",
		`{"names": ["a", 2]}`:                   "parameter names/1 is 2; want a text",
		`{"groups": [1]}`:                       "parameter groups/0 is 1; want a list: [a whole number, …]",
		`{"groups": [[1], [2, "x"]]}`:           `parameter groups/1/1 is "x"; want a whole number`,
		`{"groups": [[], [], []]}`:              "parameter groups is 3 entries long; want at most 2 entries",
		`{"window": "` + strings.Repeat("é", 41) + `"}`: `parameter window is "` + strings.Repeat("é", 40) + `…"; want one of hann, sine`,
		`{"cuont": 1}`:          `parameter cuont is no parameter of this stage; did you mean "count"?`,
		`{"xylophone": 1}`:      "parameter xylophone is no parameter of this stage; its parameters: count, seed, level, on, window, path, limit, gains, names, groups",
		`{"on": 1, "count": 0}`: "parameter on is 1; want true or false\nparameter count is 0; want 1 to 8 components",
		`[1]`:                   `parameter list is not a JSON object; want {"name": value, …}`,
		`null`:                  `parameter list is not a JSON object; want {"name": value, …}`,
		`{"count": }`:           "parameter list is not JSON: invalid character '}' looking for beginning of value",
	} {
		_, err := define(defaults()).Build(json.RawMessage(raw))
		if fmt.Sprint(err) != want {
			t.Errorf("%s:\n got %v\nwant %s", raw, err, want)
		}
		if _, ok := audiosep.AsParamErrors(err); !ok {
			t.Errorf("%s: the error is a %T; want ParamErrors", raw, err)
		}
	}
	none := audiosep.Define("none", "None.", struct{}{}, func(struct{}) (audiosep.Transformer, error) { return nil, nil })
	if _, err := none.Build([]byte(`{"a": 1}`)); fmt.Sprint(err) != "parameter a is no parameter of this stage; it has none" {
		t.Errorf("got %v", err)
	}
	if _, err := define(defaults()).Build([]byte(`{"count": 1`)); err == nil {
		t.Error("an object without its end was accepted")
	}
}

// A default that is out of range stands for a parameter that must be given.
func TestMissingParams(t *testing.T) {
	p := defaults()
	p.Count, p.Window, p.Path, p.Names = 0, "", "", nil
	_, err := define(p).Build([]byte(`{"window": "sine"}`))
	want := "parameter count is missing; want 1 to 8 components\nparameter path is missing; want a text\nparameter names is missing; want 1 to 3 entries"
	if fmt.Sprint(err) != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

type validated struct {
	Low  int `json:"low" doc:"Least."`
	High int `json:"high" doc:"Most."`
}

func (v validated) Validate() error {
	if v.Low > v.High {
		return &audiosep.ParamError{Name: "low", What: fmt.Sprintf("is %d; want at most high, %d", v.Low, v.High), Hint: "swap them"}
	}
	return nil
}

func TestValidateIsCalledOnDecodedParams(t *testing.T) {
	def := define(validated{High: 1})
	if _, err := def.Build([]byte(`{"low": 1}`)); err != nil {
		t.Error(err)
	}
	_, err := def.Build([]byte(`{"low": 2}`))
	if fmt.Sprint(err) != "parameter low is 2; want at most high, 1; swap them" {
		t.Errorf("got %v", err)
	}
	if errs, ok := audiosep.AsParamErrors(fmt.Errorf("stage: %w", err)); !ok || len(errs) != 1 || errs[0].Name != "low" {
		t.Errorf("AsParamErrors gives %v, %v", errs, ok)
	}
	if _, ok := audiosep.AsParamErrors(errors.New("other")); ok {
		t.Error("another error counts as ParamErrors")
	}
}

func TestDefinePanics(t *testing.T) {
	mustPanic := func(want string, f func()) {
		t.Helper()
		defer func() {
			if got := fmt.Sprint(recover()); !strings.Contains(got, want) {
				t.Errorf("panics with %q; want %q in it", got, want)
			}
		}()
		f()
	}
	mustPanic("want an exported field with a plain json name", func() {
		define(struct{ a int }{})
	})
	mustPanic("want an exported field with a plain json name", func() {
		define(struct {
			A int `json:"a,omitempty" doc:"A."`
		}{})
	})
	mustPanic("field A: want a doc tag", func() {
		define(struct {
			A int `json:"a"`
		}{})
	})
	mustPanic("a parameter cannot be a map[string]int", func() {
		define(struct {
			A map[string]int `json:"a" doc:"A."`
		}{})
	})
	mustPanic(`tag min is "one"; want a number`, func() {
		define(struct {
			A int `json:"a" min:"one" doc:"A."`
		}{})
	})
	mustPanic("tags oneof and file are for texts", func() {
		define(struct {
			A int `json:"a" oneof:"1|2" doc:"A."`
		}{})
	})
	mustPanic("file is in or out", func() {
		define(struct {
			A string `json:"a" file:"both" doc:"A."`
		}{})
	})
	mustPanic("parameters are a int; want a struct", func() { define(1) })
	mustPanic("fmt.Stringer is no stage", func() {
		audiosep.Define("bad", "Bad.", struct{}{}, func(struct{}) (fmt.Stringer, error) { return nil, nil })
	})
	mustPanic("is no stage", func() { // the interface counts, not a type that has its methods
		audiosep.Define("bad", "Bad.", struct{}{}, func(struct{}) (*built[int], error) { return nil, nil })
	})
}

// What CheckParams lets pass can be built.
func FuzzCheckParams(f *testing.F) {
	for _, seed := range []string{``, `{}`, `{"count": 3, "level": 1e3}`, `{"limit": null}`, `{"groups": [[1, 2], []], "names": ["a", "b"]}`, `{"count": 1, "count": 9}`, `[`, `{"seed": -0}`} {
		f.Add(seed)
	}
	def := define(defaults())
	f.Fuzz(func(t *testing.T, raw string) {
		faults := audiosep.CheckParams(def.Params, []byte(raw))
		_, err := def.Build([]byte(raw))
		if wellFormed := json.Valid([]byte(raw)) || strings.TrimSpace(raw) == ""; (err == nil) != (faults == nil && wellFormed) {
			t.Errorf("%q: CheckParams finds %v, Build %v", raw, faults, err)
		}
	})
}
