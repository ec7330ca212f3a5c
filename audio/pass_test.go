package audio_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/audio"
)

// A tone well inside what passes stays what it is, to 10⁻⁵, without delay; one well outside falls
// by 100 dB; at the frequency itself half is left. What both filters let through is the
// recording.
func TestPass(t *testing.T) {
	const rate, samples = 8000, 20000
	tone := func(hz float64) *audiosep.Signal {
		x := make([]float64, samples)
		for i := range x {
			x[i] = math.Sin(2 * math.Pi * hz * float64(i) / rate)
		}
		return &audiosep.Signal{Rate: rate, Channels: 1, Data: [][]float64{x}}
	}
	for _, c := range []struct {
		hz, low float64 // how much of it passes low_pass
	}{{50, 1}, {870, 1}, {1000, 0.5}, {1130, 0}, {3900, 0}} {
		in := tone(c.hz)
		var sum []float64
		for _, stage := range []string{"low_pass", "high_pass"} {
			src, err := effect(t, stage, `{"frequency": 1000, "width": 250}`, in)
			if err != nil {
				t.Fatal(err)
			}
			got, h := all(t, src)
			if h.Samples != samples || h.Rate != rate {
				t.Fatal(h)
			}
			gain := c.low
			if stage == "high_pass" {
				gain = 1 - c.low
			}
			for n := 2000; n < samples-2000; n++ {
				if want := gain * in.Data[0][n]; math.Abs(got.Data[0][n]-want) > 1e-5 {
					t.Fatalf("%s, %v Hz: sample %d is %v; want %v", stage, c.hz, n, got.Data[0][n], want)
				}
			}
			if sum == nil {
				sum = got.Data[0]
				continue
			}
			for n, x := range in.Data[0] {
				if math.Abs(sum[n]+got.Data[0][n]-x) > 1e-15*3 {
					t.Fatalf("%v Hz: both let %v of sample %d through, which is %v", c.hz, sum[n]+got.Data[0][n], n, x)
				}
			}
		}
	}
}

func TestPassRefuses(t *testing.T) {
	for params, want := range map[string]string{`{"frequency": 500}`: "want a frequency below half of that"} {
		if _, err := effect(t, "low_pass", params, recording(1, 1, 100)); err == nil || !strings.Contains(err.Error(), want) { // at 1000 Hz
			t.Errorf("%s: %v; want %s", params, err, want)
		}
	}
}

// What a stem leaves of three is the sum of the other two.
func TestStemRest(t *testing.T) {
	parts := []*audiosep.Signal{recording(1, 2, 300), recording(2, 2, 300), recording(3, 2, 300)}
	stems, err := audiosep.NewStems([]string{"a", "b", "c"}, parts)
	if err != nil {
		t.Fatal(err)
	}
	pick := func(source string, from audiosep.Stems) (audio.Out, error) {
		stage, err := audio.NewStem(audio.StemParams{Source: source, Rest: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { stage.Close() })
		return stage.Run(t.Context(), audiosep.Env{}, audio.StemIn{Sources: from})
	}
	got, err := pick("b", stems)
	if err != nil {
		t.Fatal(err)
	}
	s, _ := all(t, got.Audio)
	for l := range s.Data {
		for n, x := range s.Data[l] {
			if want := parts[0].Data[l][n] + parts[2].Data[l][n]; x != want {
				t.Fatalf("sample %d is %v; want %v", n, x, want)
			}
		}
	}
	one, err := audiosep.NewStems([]string{"a"}, parts[:1])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pick("a", one); !strings.Contains(fmt.Sprint(err), "want at least two") {
		t.Error(err)
	}
}
