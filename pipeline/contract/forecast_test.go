package contract

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/audiosep/audiosep"
)

// A seer says of itself what it is told to.
type seer struct {
	fakeShape
	forecast func(in map[string]audiosep.Forecast) map[string]audiosep.Forecast
	needs    func(e audiosep.Extent) audiosep.Needs
	err      error // of forecast
}

func (s *seer) Forecast(in map[string]audiosep.Forecast) (map[string]audiosep.Forecast, error) {
	return s.forecast(in), s.err
}

func (s *seer) Needs(e audiosep.Extent) audiosep.Needs { return s.needs(e) }

// ofSeer returns the outcome of the check of that name.
func ofSeer(t *testing.T, check string, s *seer) Result {
	t.Helper()
	def := audiosep.Define("seer", "A stage for tests.", struct{}{}, func(struct{}) (*seer, error) { return s, nil })
	for _, r := range Check(t.Context(), def, Options{}) {
		if r.Check == check {
			return r
		}
	}
	t.Fatalf("there is no check %s", check)
	return Result{}
}

func (s *seer) orDefault() *seer {
	if s.forecast == nil {
		s.forecast = said(audiosep.Forecast{Sources: []string{"quarter", "rest"}})
	}
	if s.needs == nil {
		s.needs = func(e audiosep.Extent) audiosep.Needs { return audiosep.Needs{Work: 8 * int64(e.Samples)} }
	}
	return s
}

func said(f audiosep.Forecast) func(map[string]audiosep.Forecast) map[string]audiosep.Forecast {
	return func(map[string]audiosep.Forecast) map[string]audiosep.Forecast {
		return map[string]audiosep.Forecast{"sources": f}
	}
}

func TestForecastIsHeldAgainstWhatComes(t *testing.T) {
	asked := 0
	for want, forecast := range map[string]func(map[string]audiosep.Forecast) map[string]audiosep.Forecast{
		"": nil,
		`it said that the sources would be ["quarter" "half"], and they are ["quarter" "rest"]`: said(audiosep.Forecast{Sources: []string{"quarter", "half"}}),
		`that source 2 will be called "quarter"`:                                                said(audiosep.Forecast{Sources: []string{"quarter", "quarter"}}),
		`that source 1 will be called ""`:                                                       said(audiosep.Forecast{Sources: []string{""}}),
		"the rank will be -1":                                                                   said(audiosep.Forecast{Rank: -1}),
		"it says rank 3 and sources [] of what is sources":                                      said(audiosep.Forecast{Rank: 3}),
		`it says what will come of output "stems"`: func(map[string]audiosep.Forecast) map[string]audiosep.Forecast {
			return map[string]audiosep.Forecast{"stems": {}}
		},
		"asked twice it says": func(map[string]audiosep.Forecast) map[string]audiosep.Forecast {
			asked++
			return said(audiosep.Forecast{Sources: []string{string(rune('a' + asked))}})(nil)
		},
		"what is known of the inputs was modified": func(in map[string]audiosep.Forecast) map[string]audiosep.Forecast {
			in["audio"] = audiosep.Forecast{Rank: 1}
			return said(audiosep.Forecast{})(nil)
		},
		"the stage panicked: crystal": func(map[string]audiosep.Forecast) map[string]audiosep.Forecast { panic("crystal") },
	} {
		r := ofSeer(t, "forecast", (&seer{forecast: forecast}).orDefault())
		if r.Skipped != "" || r.OK() != (want == "") || !strings.Contains(r.Fault, want) || !r.OK() && r.Hint == "" {
			t.Errorf("want %q: %v", want, r)
		}
	}
}

// A parameter that does not go with the inputs of the trial is no fault; any other error is, such as that of a plugin
// that panics.
func TestForecastFails(t *testing.T) {
	if r := ofSeer(t, "forecast", (&seer{err: &audiosep.ParamError{Name: "sources", What: "is wrong"}}).orDefault()); r.Skipped == "" {
		t.Errorf("want it left out: %v", r)
	}
	if r := ofSeer(t, "forecast", (&seer{err: errors.New("the stage panicked: boo")}).orDefault()); r.OK() || r.Skipped != "" || !strings.Contains(r.Fault, "boo; want no error") {
		t.Errorf("want a fault: %v", r)
	}
}

func TestRankIsHeldAgainstFactors(t *testing.T) {
	p := audiosep.Port{Name: "factors", Cargo: audiosep.CargoFactors}
	f := factors(5, 3, 4)
	for want, said := range map[string]audiosep.Forecast{
		"":                           {Rank: 3},
		"would be 4, and it is 3":    {Rank: 4},
		"W would be all":             {NoH: true},
		`sources would be ["a"], an`: {Sources: []string{"a"}},
	} {
		if err := came(p, said, f); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: error %v; want %q", said, err, want)
		}
	}
}

func TestNeedsAreNumbersThatGrow(t *testing.T) {
	asked := 0.
	for want, needs := range map[string]func(e audiosep.Extent) audiosep.Needs{
		"":                           nil,
		"Work for 3001 samples is":   func(e audiosep.Extent) audiosep.Needs { return audiosep.Needs{Work: -int64(e.Samples)} },
		"Keeps for 30010 samples is": func(e audiosep.Extent) audiosep.Needs { return audiosep.Needs{Keeps: max(0, 20000-int64(e.Samples))} },
		"Passes for 0 samples is NaN": func(e audiosep.Extent) audiosep.Needs {
			return audiosep.Needs{Passes: math.NaN()}
		},
		"Operations for 0 samples is NaN": func(e audiosep.Extent) audiosep.Needs {
			return audiosep.Needs{Operations: float64(e.Bins) / float64(e.Frames)}
		},
		"Streams for 300100000 samples is -": func(e audiosep.Extent) audiosep.Needs {
			return audiosep.Needs{Streams: int64(e.Samples) * int64(e.Samples) * 200}
		},
		"Garbage for 0 samples is -1":           func(audiosep.Extent) audiosep.Needs { return audiosep.Needs{Garbage: -1} },
		"Large for 0 samples is 2, more than W": func(audiosep.Extent) audiosep.Needs { return audiosep.Needs{Work: 1, Large: 2} },
		"asked again, {": func(audiosep.Extent) audiosep.Needs {
			asked++
			return audiosep.Needs{Operations: asked}
		},
	} {
		r := ofSeer(t, "needs", (&seer{needs: needs}).orDefault())
		if r.Skipped != "" || r.OK() != (want == "") || !strings.Contains(r.Fault, want) || !r.OK() && r.Hint == "" {
			t.Errorf("want %q: %v", want, r)
		}
	}
}
