package pipeline

import (
	"fmt"
	"strings"
	"testing"

	"github.com/audiosep/audiosep"
)

func TestNeeds(t *testing.T) {
	for text, versions := range map[string][2]string{ // those that suit, and those that do not
		"p >= 1.2":      {"1.2 1.2.0 v1.2.3 1.10.0 2.0.0 1.3.0-rc.1", "1.1.9 1.2.0-rc.1 0.0.0-20261127-abc new 1.2.3.4"},
		"p>=1.2,<2":     {"1.2.0 1.99.0 2.0.0-rc.1", "2.0.0 1.1.0"},
		" p = v1.2.3 ":  {"1.2.3 v1.2.3+build", "1.2.4 1.2.2"},
		"p > 1, <= 1.5": {"1.0.1 1.5.0", "1.0.0 1.5.1"},
	} {
		need, err := parseNeed(text)
		if err != nil || need.Plugin != "p" {
			t.Fatalf("%q: %v, %v", text, need, err)
		}
		if again, err := parseNeed(need.String()); err != nil || fmt.Sprint(again) != fmt.Sprint(need) {
			t.Errorf("%q is written as %q, which is %v, %v", text, need, again, err)
		}
		for i, list := range versions {
			for version := range strings.FieldsSeq(list) {
				if why := need.refuses(version); (why == "") != (i == 0) {
					t.Errorf("%q of version %s: %q", text, version, why)
				}
			}
		}
		if why := need.refuses(""); why != "says no version" {
			t.Errorf("%q of no version: %q", text, why)
		}
	}
	for _, text := range []string{"", "p", "p >=", ">= 1.2", "p >= x", "p ~ 1.2", "p >= 1.2,", "P >= 1", "p >= 1.2 < 2"} {
		if need, err := parseNeed(text); err == nil || !strings.Contains(err.Error(), "want its name and versions") {
			t.Errorf("%q is %v, %v; want an error", text, need, err)
		}
	}
}

func TestNeedsAreChecked(t *testing.T) {
	source := audiosep.Define("wave", "A wave.", struct{}{}, func(struct{}) (audiosep.Source, error) {
		return &audiosep.Signal{Rate: 8000, Data: [][]float64{{1, 2}}}, nil
	})
	source.Name, source.Origin, source.Version = "waves/wave", "/bin/audiosep-plugin-waves", "1.1.0"
	sink := audiosep.Define("parts", "Two parts.", parts{1}, func(p parts) (parts, error) { return p, nil })
	for needs, want := range map[string]string{
		`["waves >= 1.1", "waves < 2"]`: "",
		`["waves >= 1.2"]`:              "spec.json:1:27: plugin waves has the version 1.1.0; want >= 1.2\n\t/bin/audiosep-plugin-waves is what was found",
		`["wave >= 1.2"]`:               "no stage uses a plugin \"wave\", of which a version is needed\n\tdid you mean \"waves\"?",
		`["waves 1.2"]`:                 `spec.json:1:27: "waves 1.2" is no need of a plugin`,
		`[3]`:                           "a need is 3; want a text",
		`{}`:                            "needs is an object; want a list",
	} {
		spec, err := Parse("spec.json", []byte(`{"audiosep": 1, "needs": `+needs+`, "stages": [{"use": "waves/wave"}, {"use": "parts"}, {"use": "nowhere"}]}`))
		if err == nil {
			_, err = Check(spec, NewRegistry([]audiosep.Definition{source, sink,
				audiosep.Define("nowhere", "Writes nothing.", struct{}{}, func(struct{}) (audiosep.Sink, error) { return nowhere{}, nil })}))
		}
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v; want %q", needs, err, want)
		}
	}
}

// What is not there of plugins is told with the reason, each once, and a stage that a plugin has
// not with those that it has.
func TestAbsentPlugins(t *testing.T) {
	wave := audiosep.Define("wave", "A wave.", struct{}{}, func(struct{}) (audiosep.Source, error) {
		return &audiosep.Signal{Rate: 8000, Data: [][]float64{{1, 2}}}, nil
	})
	wave.Name = "waves/wave"
	reg := NewRegistry([]audiosep.Definition{wave})
	reg.Absent("printer", "plugin printer could not start: no paper")
	reg.Absent("waves/smell", "stage waves/smell cannot be used: of a newer audiosep")
	spec, err := Parse("spec.json", []byte(`{"audiosep": 1, "stages": [
{"use": "printer/a"}, {"use": "printer/b"},
{"use": "waves/smell"}, {"use": "waves/smell", "id": "again"},
{"use": "waves/wav"}, {"use": "waves/hartley"}, {"use": "nobody/stage"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	_, err = Check(spec, reg)
	want := `spec.json:2:9: stage "a": plugin printer could not start: no paper
spec.json:3:9: stage "smell": stage waves/smell cannot be used: of a newer audiosep
spec.json:4:9: stage "wav": plugin waves has no stage "wav"
	did you mean "waves/wave"?
spec.json:4:31: stage "hartley": plugin waves has no stage "hartley"
	its stages: wave
spec.json:4:57: stage "stage": no stage is called "nobody/stage"
	audiosep list names them all; audiosep plugin install brings those of plugin nobody`
	if fmt.Sprint(err) != want {
		t.Errorf("error is\n%v\nwant\n%s", err, want)
	}
}
