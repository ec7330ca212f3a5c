package metrics

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/audiosep/audiosep"
)

// shifted returns a signal with a constant added to each channel.
func shifted(s audiosep.Source, by float64) audiosep.Source {
	out := mix([]float64{1}, s)
	for c, d := range out.Data {
		for t := range d {
			d[t] += by * float64(c+1)
		}
	}
	return out
}

// Without their means recordings of any offset are alike, whatever is cut or padded.
func TestZeroMean(t *testing.T) {
	refs, ests := scene(2, 2, 3000)
	off := []audiosep.Source{shifted(refs[0], 5), shifted(refs[1], -3)}
	for _, c := range Conventions() {
		opt := Options{Convention: c, Taps: 16, Window: 1400, Hop: 800, Match: MatchSDR}
		kept := evaluate(t, off, ests, opt)
		opt.ZeroMean = true
		a, b := evaluate(t, refs, ests, opt), evaluate(t, off, ests, opt)
		for j := range refs {
			for _, name := range c.Metrics() {
				near(t, name, value(t, b, j, name), value(t, a, j, name), 1e-9)
			}
		}
		first := c.Metrics()[0]
		if math.Abs(value(t, kept, 0, first)-value(t, b, 0, first)) < 1 {
			t.Errorf("%s: the offset changes nothing when it is kept", c)
		}
	}
}

// Lengths are refused, padded as by hand, or cut as by hand.
func TestFitLength(t *testing.T) {
	refs, ests := scene(2, 1, 3000)
	resized := func(s audiosep.Source, n int) audiosep.Source {
		d := slices.Clone(s.(*audiosep.Signal).Data[0])
		d = append(d, make([]float64, max(0, n-len(d)))...)[:n]
		return &audiosep.Signal{Rate: 1000, Data: [][]float64{d}}
	}
	all := func(n int, from ...audiosep.Source) (out []audiosep.Source) {
		for _, s := range from {
			out = append(out, resized(s, n))
		}
		return out
	}
	mixed := []audiosep.Source{ests[0], resized(resized(ests[1], 2900), 2900)}
	longer := []audiosep.Source{refs[0], resized(refs[1], 3100)}
	for _, c := range Conventions() {
		opt := Options{Convention: c, Taps: 16}
		_, err := Evaluate(t.Context(), longer, mixed, nil, opt)
		if err == nil || !strings.Contains(err.Error(), "reference 2 has 3100 samples; want 3000") {
			t.Errorf("%s: %v; want a refusal", c, err)
		}
		for fit, n := range map[FitLength]int{FitPad: 3100, FitCut: 2900} {
			opt := opt
			opt.FitLength = fit
			got := evaluate(t, longer, mixed, opt)
			want := evaluate(t, all(n, longer...), all(n, mixed...), Options{Convention: c, Taps: 16})
			if !reflect.DeepEqual(got.Sources, want.Sources) || got.Samples != n {
				t.Errorf("%s, %s: %v; want %v", c, fit, got.Sources, want.Sources)
			}
			wantWarning(t, got, "reference 2 has 3100")
			wantWarning(t, got, "estimate 2 has 2900")
		}
	}
}

// A channel by itself has the ratios of a mono recording, matched as the whole is.
func TestPerChannel(t *testing.T) {
	refs, ests := scene(2, 2, 4000)
	refs[1].(*audiosep.Signal).Data[1] = make([]float64, 4000) // silent in one channel
	mono := func(sources []audiosep.Source, c int) (out []audiosep.Source) {
		for _, s := range sources {
			out = append(out, &audiosep.Signal{Rate: 1000, Data: s.(*audiosep.Signal).Data[c : c+1]})
		}
		return out
	}
	mixture := mix([]float64{1, 1}, refs...)
	for _, c := range Conventions() {
		for _, window := range []int{0, 1000} {
			r, err := Evaluate(t.Context(), refs, ests, mixture, Options{Convention: c, Taps: 16, Window: window, PerChannel: true, Match: MatchSDR})
			if err != nil {
				t.Fatal(err)
			}
			k := []audiosep.Source{ests[1], ests[0]}
			want, err := Evaluate(t.Context(), mono(refs, 0), mono(k, 0), mono([]audiosep.Source{mixture}, 0)[0], Options{Convention: c, Taps: 16, Window: window, Match: MatchGiven})
			if err != nil {
				t.Fatal(err)
			}
			for j, s := range r.Sources {
				if len(s.Channels) != 2 || len(s.Channels[1]) != len(s.Metrics) {
					t.Fatalf("%s: %d channels are measured; want 2", c, len(s.Channels))
				}
				for i, m := range s.Channels[0] {
					near(t, string(c)+" "+m.Name, m.Median(), want.Sources[j].Metrics[i].Median(), 1e-9)
				}
			}
			for _, m := range r.Sources[1].Channels[1] {
				if !math.IsNaN(m.Median()) {
					t.Errorf("%s: %s of the silent channel is %v; want NaN", c, m.Name, m.Median())
				}
			}
		}
	}
}

// One frame that fits, where mir_eval would measure the whole, is told.
func TestOneFrame(t *testing.T) {
	refs, ests := scene(2, 1, 1900)
	r := evaluate(t, refs, ests, Options{Convention: V3Sources, Taps: 16, Window: 1000})
	cut := evaluate(t, refs, ests, Options{Convention: V3Sources, Taps: 16, Window: 1000, Hop: 901})
	if !reflect.DeepEqual(r.Sources, cut.Sources) || len(r.Sources[0].Metrics[0].Frames) != 1 {
		t.Errorf("the frame is %v; want that of museval, %v", r.Sources, cut.Sources)
	}
	wantWarning(t, r, "the first 1 s of 1.9 s are measured, as by museval; mir_eval would measure the whole")
}

// The one frame that fits has museval's values: those of set 02 are what metrics.bss_eval of museval
// at b2a2246 gives for a window and a hop of 5000 of its 8000 samples, with framewise_filters and
// bsseval_sources_version true, for images false. mir_eval measures all 8000 samples then.
func TestOneFrameOfMuseval(t *testing.T) {
	refs, ests := readMono(t, "testdata/mir_eval/ref02"), readMono(t, "testdata/mir_eval/est02")
	sir := []decibels{{18.954731}, {16.926850}, {11.214926}}
	sar := []decibels{{16.823953}, {18.115597}, {15.567723}}
	for _, c := range []struct {
		convention Convention
		sdr, isr   []decibels
	}{
		{V3Sources, []decibels{{14.715521}, {14.432473}, {9.769827}}, nil},
		{V3Images, []decibels{{11.081009}, {11.436643}, {6.565637}}, []decibels{{12.668099}, {14.782817}, {7.467078}}},
	} {
		r := evaluate(t, refs, ests, Options{Convention: c.convention, Window: 5000})
		compareOrder(t, r, []decibels{{2}, {0}, {1}})
		compare(t, r, "SDR", c.sdr, 1e-6)
		compare(t, r, "SIR", sir, 1e-6)
		compare(t, r, "SAR", sar, 1e-6)
		if c.isr != nil {
			compare(t, r, "ISR", c.isr, 1e-6)
		}
		wantWarning(t, r, "as by museval; mir_eval would measure the whole")
	}
}
