package nets

import (
	"testing"

	"github.com/audiosep/audiosep"
)

// A recording whose rate is hardly meant is refused before the work, whichever network is to hear it.
func TestRefusesAbsurdRates(t *testing.T) {
	for _, rate := range []int{0, 1, 60} {
		x := &audiosep.Signal{Rate: rate, Channels: 1, Data: [][]float64{make([]float64, 5)}}
		for model := range denoisers {
			s, err := NewDenoise(DenoiseParams{Model: model, Channels: "each"})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Separate(t.Context(), x); err == nil {
				t.Errorf("%s takes a recording at %d Hz", model, rate)
			}
		}
		if _, err := new(Transcribe).Notes(t.Context(), audiosep.Env{}, x); err == nil {
			t.Errorf("transcribe takes a recording at %d Hz", rate)
		}
	}
}
