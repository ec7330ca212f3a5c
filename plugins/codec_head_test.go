package plugins

import (
	"reflect"
	"testing"

	"github.com/audiosep/audiosep"
)

// TestHeadTravels: all that is known of a recording arrives on the other side.
func TestHeadTravels(t *testing.T) {
	h := audiosep.Head{Rate: 44100, Samples: 9, Channels: 6, Realisations: 2, Names: []string{"a", "b"}, Encoding: "int24", Speakers: 0x3F,
		Tags: []audiosep.Tags{{{Name: "TITLE", Value: "Für Elise"}, {Name: "ARTIST", Value: "x"}, {Name: "ARTIST", Value: "y"}}, nil}}
	v := reflect.ValueOf(h)
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			t.Errorf("the test leaves %s empty; want something in every field", v.Type().Field(i).Name)
		}
	}
	if got, err := headFrom(headTo(h)); err != nil || !reflect.DeepEqual(got, h) {
		t.Errorf("%+v, %v; want %+v", got, err, h)
	}
	m := headTo(h)
	m.Tags[0].Values = m.Tags[0].Values[1:]
	if _, err := headFrom(m); err == nil {
		t.Error("a name without a value; want an error")
	}
}
