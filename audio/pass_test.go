package audio_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
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

// Any part of a filtered recording is that part of the whole, bit by bit, whatever else is read
// meanwhile, whichever way round, and for filters of any length.
func TestPassPartsAreTheWhole(t *testing.T) {
	in := &audiosep.Signal{Rate: 8000, Channels: 2, Data: recording(3, 2, 230000).Data}
	for _, params := range []string{`{"frequency": 100}`, `{"frequency": 53}`, `{"frequency": 777}`, `{"frequency": 3000, "width": 71}`} {
		whole, err := effect(t, "high_pass", params, in)
		if err != nil {
			t.Fatal(err)
		}
		want, _ := all(t, whole)
		parts, err := effect(t, "high_pass", params, in)
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for _, start := range []int{-100, 229000, 65000, 130001, 1, 30000} {
			wg.Go(func() {
				for i := range 12 {
					at, n := start+(i%3)*997, 1+i*211
					got := [][]float64{make([]float64, n), make([]float64, n)}
					if err := parts.ReadAt(t.Context(), got, at); err != nil {
						t.Error(err)
						return
					}
					for l, y := range got {
						for k, v := range y {
							x := 0.0
							if m := at + k; m >= 0 && m < len(want.Data[l]) {
								x = want.Data[l][m]
							}
							if v != x {
								t.Errorf("%s: sample %d of layer %d is %v; want %v, as in the whole", params, at+k, l, v, x)
								return
							}
						}
					}
				}
			})
		}
		wg.Wait()
	}
}

// A recording that cannot be read now can be read later: nothing of the failure stays.
func TestPassReadsAgain(t *testing.T) {
	in := recording(1, 1, 5000)
	src, err := effect(t, "low_pass", `{"frequency": 100}`, in)
	if err != nil {
		t.Fatal(err)
	}
	want, _ := all(t, src)
	bad := &unreadable{Source: in, err: errors.New("gone")}
	if src, err = effect(t, "low_pass", `{"frequency": 100}`, bad); err != nil {
		t.Fatal(err)
	}
	if _, err := audiosep.ReadAll(t.Context(), src); err != bad.err {
		t.Fatalf("%v; want that of the source", err)
	}
	bad.err = nil
	got, _ := all(t, src)
	same(t, got.Data, want.Data)
}

// unreadable is a recording that gives an error while it has one.
type unreadable struct {
	audiosep.Source
	err error
}

func (u *unreadable) ReadAt(ctx context.Context, dst [][]float64, at int) error {
	if u.err != nil {
		return u.err
	}
	return u.Source.ReadAt(ctx, dst, at)
}
