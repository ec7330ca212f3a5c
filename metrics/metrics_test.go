package metrics

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
)

// noise returns a signal of white noise.
func noise(channels, samples int, seed uint64) *audiosep.Signal {
	rng := rand.New(rand.NewPCG(seed, 3))
	s := &audiosep.Signal{Rate: 1000, Channels: channels, Data: planes[float64](channels, samples)}
	for _, d := range s.Data {
		for t := range d {
			d[t] = rng.NormFloat64()
		}
	}
	return s
}

// mix returns Σ gain·signal.
func mix(gains []float64, signals ...audiosep.Source) *audiosep.Signal {
	first := signals[0].(*audiosep.Signal)
	out := &audiosep.Signal{Rate: first.Rate, Channels: first.Channels, Data: planes[float64](len(first.Data), len(first.Data[0]))}
	for i, s := range signals {
		for c, d := range s.(*audiosep.Signal).Data {
			for t, x := range d {
				out.Data[c][t] += gains[i] * x
			}
		}
	}
	return out
}

// scene is n references and estimates of them, in another order.
func scene(n, channels, samples int) (refs, ests []audiosep.Source) {
	for j := range n {
		refs = append(refs, noise(channels, samples, uint64(j)))
	}
	for j := range n {
		k := (j + 1) % n
		ests = append(ests, mix([]float64{0.7, 0.2, 0.1}, refs[k], refs[(k+1)%n], noise(channels, samples, uint64(100+j))))
	}
	return refs, ests
}

// value returns the median of a metric of source j.
func value(t *testing.T, r *Report, j int, name string) float64 {
	t.Helper()
	for _, m := range r.Sources[j].Metrics {
		if m.Name == name {
			return m.Median()
		}
	}
	t.Fatalf("there is no %s in %s", name, r.Convention)
	return 0
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s is %v; want %v", what, got, want)
	}
}

// Orthogonal references of known energy: every ratio can be read off.
func TestByHand(t *testing.T) {
	signal := func(d ...float64) audiosep.Source { return &audiosep.Signal{Rate: 8, Data: [][]float64{d}} }
	refs := []audiosep.Source{signal(2, 0, 0, 0), signal(0, 2, 0, 0)}
	ests := []audiosep.Source{signal(4, 1, 0.5, 0), signal(0, 1, 0, 0)}
	r := evaluate(t, refs, ests, Options{Convention: V2})
	near(t, "SDR", value(t, r, 0, "SDR"), 10*math.Log10(16/1.25), 1e-12)
	near(t, "SIR", value(t, r, 0, "SIR"), 10*math.Log10(16.0/1), 1e-12)
	near(t, "SAR", value(t, r, 0, "SAR"), 10*math.Log10(17/0.25), 1e-12)
	r = evaluate(t, refs, ests, Options{Convention: SI})
	near(t, "SI-SDR", value(t, r, 0, "SI-SDR"), 10*math.Log10(16/1.25), 1e-12)
	near(t, "SI-SIR", value(t, r, 0, "SI-SIR"), 10*math.Log10(16.0/1), 1e-12)
	near(t, "SI-SAR", value(t, r, 0, "SI-SAR"), 10*math.Log10(16/0.25), 1e-12)
	near(t, "SD-SDR", value(t, r, 0, "SD-SDR"), 10*math.Log10(16/5.25), 1e-12)
	near(t, "SNR", value(t, r, 0, "SNR"), 10*math.Log10(4/5.25), 1e-12)
	if x := value(t, r, 1, "SI-SDR"); !math.IsInf(x, 1) {
		t.Errorf("SI-SDR of a perfect estimate is %v; want +Inf", x)
	}
	near(t, "SNR of half the reference", value(t, r, 1, "SNR"), 10*math.Log10(4), 1e-12)
}

// The energies are those of a dense least-squares projection on written-out delayed
// references, over several blocks, channels and sources.
func TestDenseOracle(t *testing.T) {
	const taps, samples, channels, sources = 7, 2500, 2, 2
	refs, ests := scene(sources, channels, samples)
	r := evaluate(t, refs, ests, Options{Convention: V3Images, Taps: taps, Match: MatchGiven})
	rows := samples + taps - 1
	delayed := func(refs ...audiosep.Source) *mat.Dense {
		a := mat.NewDense(rows, len(refs)*channels*taps, nil)
		for j, s := range refs {
			for c, d := range s.(*audiosep.Signal).Data {
				for k := range taps {
					for i, x := range d {
						a.Set(i+k, (j*channels+c)*taps+k, x)
					}
				}
			}
		}
		return a
	}
	for j := range sources {
		var ref, est, own, all mat.Dense
		pad := func(s audiosep.Source) *mat.Dense {
			m := mat.NewDense(rows, channels, nil)
			for c, d := range s.(*audiosep.Signal).Data {
				for i, x := range d {
					m.Set(i, c, x)
				}
			}
			return m
		}
		project := func(dst *mat.Dense, a *mat.Dense) {
			var x mat.Dense
			if err := x.Solve(a, &est); err != nil {
				t.Fatal(err)
			}
			dst.Mul(a, &x)
		}
		ref.CloneFrom(pad(refs[j]))
		est.CloneFrom(pad(ests[j]))
		project(&own, delayed(refs[j]))
		project(&all, delayed(refs...))
		energy := func(a, b *mat.Dense) float64 {
			var d mat.Dense
			d.Sub(a, b)
			return math.Pow(mat.Norm(&d, 2), 2)
		}
		zero := mat.NewDense(rows, channels, nil)
		near(t, "SDR", value(t, r, j, "SDR"), 10*math.Log10(energy(&ref, zero)/energy(&est, &ref)), 1e-9)
		near(t, "ISR", value(t, r, j, "ISR"), 10*math.Log10(energy(&ref, zero)/energy(&own, &ref)), 1e-9)
		near(t, "SIR", value(t, r, j, "SIR"), 10*math.Log10(energy(&own, zero)/energy(&all, &own)), 1e-9)
		near(t, "SAR", value(t, r, j, "SAR"), 10*math.Log10(energy(&all, zero)/energy(&est, &all)), 1e-9)
	}
}

// Target, interference and artifacts are at right angles and sum to the estimate, so
// their energies do; with it SDR ≤ SIR and SDR ≤ SAR.
func TestPartsSumToTheEstimate(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	refs, ests := scene(3, 2, 4000)
	s, err := open(t.Context(), refs, ests, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	all := span{0, s.samples}
	filtered, err := correlate(t.Context(), s, all, 16)
	if err != nil {
		t.Fatal(err)
	}
	scaled, err := innerProducts(t.Context(), s, all)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		*correlations
		gain bool
	}{{filtered, false}, {scaled, true}} {
		f, err := newFit(t.Context(), c.correlations, 3, c.gain, 0)
		if err != nil {
			t.Fatal(err)
		}
		parts, err := f.measure(t.Context(), s, []span{all}, []pair{{0, 3}, {1, 3}, {2, 5}})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range parts[0] {
			near(t, "target + interference + artifacts", (e.target+e.interf+e.artifacts)/e.estimate, 1, 1e-12)
			near(t, "target + interference", (e.target+e.interf)/e.projected, 1, 1e-12)
			near(t, "interference + artifacts", (e.interf+e.artifacts)/e.rest, 1, 1e-12)
		}
	}
	for _, c := range []Convention{V2, V3Sources} {
		r := evaluate(t, refs, ests, Options{Convention: c})
		for j := range r.Sources {
			if sdr := value(t, r, j, "SDR"); sdr > value(t, r, j, "SIR") || sdr > value(t, r, j, "SAR") {
				t.Errorf("%s: the SDR of source %d is above its SIR or SAR", c, j)
			}
		}
	}
}

// What a convention allows costs nothing: a gain in 2.1 and SI, a filter in 3.
func TestAllowedDistortion(t *testing.T) {
	refs, ests := scene(2, 1, 3000)
	var louder, filtered []audiosep.Source
	for k, e := range ests {
		louder = append(louder, mix([]float64{-3.7}, e))
		f := mix([]float64{1}, refs[k])
		d := f.Data[0]
		for i := len(d) - 1; i >= 5; i-- {
			d[i] += 0.8 * d[i-5]
		}
		clear(d[len(d)-5:]) // so that the tail falls inside the recording
		filtered = append(filtered, f)
	}
	for _, c := range []Convention{V2, V3Sources, SI} {
		a, b := evaluate(t, refs, ests, Options{Convention: c}), evaluate(t, refs, louder, Options{Convention: c})
		for j := range refs {
			for _, name := range c.Metrics() {
				if name != "SNR" && name != "SD-SDR" {
					near(t, string(c)+" "+name+" after a gain", value(t, b, j, name), value(t, a, j, name), 1e-9)
				}
			}
		}
	}
	sources, si := evaluate(t, refs, filtered, Options{Convention: V3Sources, Taps: 32}), evaluate(t, refs, filtered, Options{Convention: SI})
	for j := range refs {
		if x := value(t, sources, j, "SDR"); x < 20 {
			t.Errorf("the filtered source's SDR is %v dB in BSS Eval 3; want a high one", x)
		}
		near(t, "its SI-SDR", value(t, si, j, "SI-SDR"), 10*math.Log10(1/0.64), 0.5)
	}
}

// Ratios far beyond any separation keep their digits.
func TestHighRatios(t *testing.T) {
	ref, n := noise(1, 5000, 1), noise(1, 5000, 2)
	refs := []audiosep.Source{ref, noise(1, 5000, 3)}
	ests := []audiosep.Source{mix([]float64{1, 1e-8}, ref, n), mix([]float64{1, 1e-8}, refs[1], n)}
	want := 160 + 10*math.Log10(dot(ref.Data, ref.Data)/dot(n.Data, n.Data))
	for _, c := range []Convention{V2, V3Images, SI} {
		near(t, string(c), value(t, evaluate(t, refs, ests, Options{Convention: c, Taps: 16}), 0, c.Metrics()[0]), want, 0.02)
	}
}

// With a load a singular Gram matrix gives the numbers of one that is barely regular.
func TestLoad(t *testing.T) {
	refs, ests := scene(2, 1, 5000)
	same := []audiosep.Source{refs[0], mix([]float64{2}, refs[0])}
	alone := evaluate(t, refs[:1], ests[1:], Options{Convention: V3Sources, Taps: 16})
	loaded := evaluate(t, same, []audiosep.Source{ests[1], ests[1]}, Options{Convention: V3Sources, Taps: 16, Load: 1e-11})
	for j := range same {
		near(t, "SDR", value(t, loaded, j, "SDR"), value(t, alone, 0, "SDR"), 1e-9)
		near(t, "SAR", value(t, loaded, j, "SAR"), value(t, alone, 0, "SAR"), 1e-9)
	}
}

// Estimates in another order get the same numbers and names that follow them.
func TestPermutation(t *testing.T) {
	refs, ests := scene(4, 1, 3000)
	shuffled := []audiosep.Source{ests[2], ests[0], ests[3], ests[1]}
	place := []string{"3", "1", "4", "2"} // of shuffled among ests
	for _, c := range []Convention{V2, V3Sources, V3Images, SI} {
		a, b := evaluate(t, refs, ests, Options{Convention: c, Taps: 16}), evaluate(t, refs, shuffled, Options{Convention: c, Taps: 16})
		for j := range refs {
			if want := []string{"4", "1", "2", "3"}[j]; a.Sources[j].Estimates[0] != want {
				t.Errorf("%s: source %d is matched with %s; want %s", c, j, a.Sources[j].Estimates[0], want)
			}
			if k := b.Sources[j].Estimates[0][0] - '1'; place[k] != a.Sources[j].Estimates[0] {
				t.Errorf("%s: source %d is matched with another sound after a shuffle", c, j)
			}
			for _, name := range c.Metrics() {
				near(t, name, value(t, b, j, name), value(t, a, j, name), 1e-9)
			}
		}
	}
}

// One frame of BSS Eval 4 is BSS Eval 3 images.
func TestWholeFrame(t *testing.T) {
	refs, ests := scene(2, 2, 3000)
	v3 := evaluate(t, refs, ests, Options{Convention: V3Images, Taps: 16, Match: MatchGiven})
	v4 := evaluate(t, refs, ests, Options{Convention: V4, Taps: 16, Window: 3000})
	if !reflect.DeepEqual(v3.Sources, v4.Sources) {
		t.Errorf("BSS Eval 4 gives %v; want %v", v4.Sources, v3.Sources)
	}
}

// A mono recording stored as stereo is the mono recording.
func TestDualMono(t *testing.T) {
	refs, ests := scene(2, 1, 3000)
	mono := evaluate(t, refs, ests, Options{Convention: V3Images, Taps: 64})
	dual := evaluate(t, images(refs, 2, 0.5, false), images(ests, 2, 0.5, false), Options{Convention: V3Images, Taps: 64})
	for j := range refs {
		for _, name := range V3Images.Metrics() {
			near(t, name, value(t, dual, j, name), value(t, mono, j, name), 1e-9)
		}
	}
}

// Taking the mixture for the estimates improves nothing; good estimates do. Nothing
// improves on a mixture without artifacts, such as the sum of the references.
func TestImprovement(t *testing.T) {
	refs, ests := scene(2, 1, 3000)
	sum := mix([]float64{1, 1}, refs...)
	noisy := mix([]float64{1, 0.1}, sum, noise(1, 3000, 50))
	for _, c := range Conventions() {
		opt := Options{Convention: c, Taps: 16}
		for _, mixture := range []audiosep.Source{sum, noisy} {
			r, err := Evaluate(t.Context(), refs, []audiosep.Source{mixture, mixture}, mixture, opt)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range r.Sources[0].Metrics {
				if mixture == audiosep.Source(sum) && strings.HasSuffix(m.Name, "SAR") {
					if x := m.MedianImprovement(); !math.IsNaN(x) || !math.IsInf(m.Median(), 1) {
						t.Errorf("%s: %s of the sum of the references is %v, and %v over itself; want +Inf and NaN", c, m.Name, m.Median(), x)
					}
					continue
				}
				near(t, m.Name+"'s improvement", m.MedianImprovement(), 0, 1e-12)
			}
		}
		opt.Match = MatchSIR
		r, err := Evaluate(t.Context(), refs, ests, sum, opt)
		if err != nil {
			t.Fatal(err)
		}
		if x := r.Sources[0].Metrics[0].MedianImprovement(); x < 3 {
			t.Errorf("%s: %s improves by %v dB; want more", c, r.Sources[0].Metrics[0].Name, x)
		}
	}
}

// A mixture of recordings that share a band has no artifacts with filters either, though
// their Gram matrix rounds much.
func TestNoArtifacts(t *testing.T) {
	smooth := func(seed uint64) audiosep.Source {
		s := noise(1, 8000, seed)
		for range 3 {
			for i := len(s.Data[0]) - 1; i > 0; i-- {
				s.Data[0][i] += 0.9 * s.Data[0][i-1]
			}
		}
		return s
	}
	refs := []audiosep.Source{smooth(1), smooth(2), smooth(3)}
	sum := mix([]float64{1, 1, 1}, refs...)
	r, err := Evaluate(t.Context(), refs, []audiosep.Source{refs[2], refs[0], refs[1]}, sum, Options{Convention: V3Sources})
	if err != nil {
		t.Fatal(err)
	}
	wantWarning(t, r, "the mixture is the sum of the references")
	for j := range refs {
		for _, m := range r.Sources[j].Metrics {
			if x := m.Median(); !math.IsInf(x, 1) {
				t.Errorf("%s of a perfect estimate is %v; want +Inf", m.Name, x)
			}
			if x := m.MedianImprovement(); m.Name == "SAR" && !math.IsNaN(x) {
				t.Errorf("SAR is %v over that of a mixture without artifacts; want NaN", x)
			}
		}
	}
}

// The bits do not depend on the number of cores.
func TestSameBits(t *testing.T) {
	refs, ests := scene(3, 2, 20000)
	for _, c := range Conventions() {
		opt := Options{Convention: c, Taps: 32, Window: 8000, Hop: 4000}
		many := evaluate(t, refs, ests, opt)
		cores := runtime.GOMAXPROCS(1)
		one := evaluate(t, refs, ests, opt)
		runtime.GOMAXPROCS(cores)
		if !reflect.DeepEqual(one, many) {
			t.Errorf("%s: one core gives other numbers than %d", c, cores)
		}
	}
}

// silenced returns s with zeros from one sample to another.
func silenced(s audiosep.Source, from, to int) audiosep.Source {
	out := mix([]float64{1}, s)
	for _, d := range out.Data {
		clear(d[from:to])
	}
	return out
}

// A frame in which any source is silent counts for none.
func TestSilentFrame(t *testing.T) {
	refs, ests := scene(2, 1, 5000)
	refs[1] = silenced(refs[1], 1000, 2000)
	ests[0] = silenced(ests[0], 3000, 4000)
	for _, c := range Conventions() {
		r := evaluate(t, refs, ests, Options{Convention: c, Taps: 16, Window: 1000})
		for _, s := range r.Sources {
			for _, m := range s.Metrics {
				for i, x := range m.Frames {
					if undefined := i == 1 || i == 3; undefined != math.IsNaN(x) {
						t.Errorf("%s: %s in frame %d is %v", c, m.Name, i, x)
					}
				}
				if math.IsNaN(m.Median()) {
					t.Errorf("%s: %s has no median", c, m.Name)
				}
			}
		}
		wantWarning(t, r, "2 of 5 frames are undefined")
	}
}

func wantWarning(t *testing.T, r *Report, part string) {
	t.Helper()
	if !strings.Contains(strings.Join(r.Warnings, "\n"), part) {
		t.Errorf("%s warns of %q; want %q", r.Convention, r.Warnings, part)
	}
}

func TestWarnings(t *testing.T) {
	refs, ests := scene(2, 1, 5000)
	same := []audiosep.Source{refs[0], mix([]float64{2}, refs[0])}
	for _, c := range []struct {
		what       string
		refs, ests []audiosep.Source
		opt        Options
		want       string
	}{
		{"one source", refs[:1], ests[:1], Options{Convention: V3Sources}, "one source only"},
		{"a silent estimate", refs, []audiosep.Source{ests[0], silenced(ests[1], 0, 5000)}, Options{Convention: V2}, "estimate 2 is silent"},
		{"equal references", same, ests, Options{Convention: V2}, "references 1 and 2 are the same sound"},
		{"equal references' Gram matrix", same, ests, Options{Convention: V3Sources, Taps: 8}, "singular (of rank 8 of 16)"},
		{"the mixture among the references", []audiosep.Source{refs[0], refs[1], mix([]float64{1, 1}, refs...)}, []audiosep.Source{ests[0], ests[1], refs[0]}, Options{Convention: SI}, "singular (of rank 2 of 3) in 1 of 1 fits: a reference is a sum of others"},
		{"a stem given twice", refs, []audiosep.Source{ests[0], ests[0]}, Options{Convention: V3Images}, "estimates 1 and 2 are the same sound"},
		{"silent estimates", refs, []audiosep.Source{silenced(ests[0], 0, 5000), silenced(ests[1], 0, 5000)}, Options{Convention: V2}, "matched by order"},
		{"many taps", refs, ests, Options{Convention: V3Sources, Window: 1000}, "1024 filter taps are fitted to 1000 samples"},
		{"a match that changes", refs, []audiosep.Source{
			mix([]float64{1, 1, 0.1}, silenced(refs[0], 0, 2500), silenced(refs[1], 2500, 5000), ests[0]),
			mix([]float64{1, 1, 0.1}, silenced(refs[1], 0, 2500), silenced(refs[0], 2500, 5000), ests[1]),
		}, Options{Convention: V2, Window: 2500}, "changes 1 times between frames"},
	} {
		t.Run(c.what, func(t *testing.T) { wantWarning(t, evaluate(t, c.refs, c.ests, c.opt), c.want) })
	}
	if r := evaluate(t, refs, ests, Options{Convention: V3Images, Taps: 16}); len(r.Warnings) > 0 {
		t.Errorf("sound recordings give the warnings %q", r.Warnings)
	}
}

// The notes of the identifiability paper's experiment (two partials each,
// 5000 Hz) span so few dimensions that 512 taps can make anything of them.
func TestTonalReferences(t *testing.T) {
	note := func(f, theta float64, on ...bool) audiosep.Source {
		d := make([]float64, 15000)
		for i := range d {
			if x := 2*float64(i%5000+1)/5001 - 1; on[i/5000] {
				for r := 1.0; r <= 2; r++ {
					d[i] += 0.5 * math.Pow(0.5, r) * math.Exp(1-1/(1-x*x)) * math.Cos(r*(2*math.Pi*f*float64(i)/5000+theta))
				}
			}
		}
		return &audiosep.Signal{Rate: 5000, Data: [][]float64{d}}
	}
	refs := []audiosep.Source{note(440, 1, true, false, true), note(466.16, 2, false, true, true)}
	ests := []audiosep.Source{mix([]float64{1, 0.1}, refs...), mix([]float64{0.1, 1}, refs...)}
	r := evaluate(t, refs, ests, Options{Convention: V3Sources})
	near(t, "SDR", value(t, r, 0, "SDR"), 20, 0.5) // mir_eval 0.7: 20.002
	near(t, "SIR", value(t, r, 0, "SIR"), 20, 0.5)
	if x := value(t, r, 0, "SAR"); !(x > 120) {
		t.Errorf("SAR is %v; want a great one: the estimates are sums of the references", x)
	}
	wantWarning(t, r, "singular (of rank")
	r = evaluate(t, refs, ests, Options{Convention: V2})
	near(t, "BSS Eval 2.1's SIR", value(t, r, 0, "SIR"), 20, 3)
}

func TestRefusals(t *testing.T) {
	refs, ests := scene(2, 1, 1000)
	other := func(change func(s *audiosep.Signal)) []audiosep.Source {
		s := mix([]float64{1}, ests[1])
		change(s)
		return []audiosep.Source{ests[0], s}
	}
	for _, c := range []struct {
		what       string
		refs, ests []audiosep.Source
		opt        Options
		want       string
	}{
		{"fewer estimates", refs, ests[:1], Options{}, "2 references (1, 2) and 1 estimate (1); want as many of each, at least one: an estimate for each reference, from a separation into more sources, or fewer references"},
		{"fewer references", refs[:1], ests, Options{}, "and 2 estimates (1, 2); want as many of each, at least one: leave out an estimate that is of no reference, as audiosep run --only"},
		{"another rate", refs, other(func(s *audiosep.Signal) { s.Rate = 2000 }), Options{}, "estimate 2 is at 2000 Hz; want 1000 Hz"},
		{"another length", refs, other(func(s *audiosep.Signal) { s.Data[0] = s.Data[0][:999] }), Options{}, "estimate 2 has 999 samples; want 1000"},
		{"another number of channels", refs, images(ests, 2, 1, false), Options{}, "2 channels; want 1"},
		{"not a number", refs, other(func(s *audiosep.Signal) { s.Data[0][7] = math.NaN() }), Options{}, "not finite"},
		{"a silent reference", []audiosep.Source{refs[0], silenced(refs[1], 0, 1000)}, ests, Options{}, "reference 2 is silent"},
		{"no such convention", refs, ests, Options{Convention: "bss_v5"}, `the convention is "bss_v5"; want one of bss_v2`},
		{"no such match", refs, ests, Options{Match: "best"}, `match is "best"`},
		{"a negative window", refs, ests, Options{Window: -1}, "window and hop are -1 and 0"},
		{"negative taps", refs, ests, Options{Taps: -1}, "taps is -1; want 1 to"},
		{"a hop that makes too many frames", []audiosep.Source{noise(1, 1_100_000, 1)}, []audiosep.Source{noise(1, 1_100_000, 2)}, Options{Convention: SI, Window: 10, Hop: 1}, "a hop of 1 sample makes 1099991 frames; want at most 1000000"},
		{"no such fit", refs, ests, Options{FitLength: "stretch"}, `the fit of lengths is "stretch"; want refuse, pad or cut`},
		{"filters that fill the memory", images(refs, 200, 1, false), images(ests, 200, 1, false), Options{}, "GiB of memory; want at most 4.0: take fewer taps or channels, or bss_v2"},
		{"a negative load", refs, ests, Options{Load: -1}, "load is -1"},
	} {
		if c.opt.Convention == "" {
			c.opt.Convention = V3Sources
		}
		_, err := Evaluate(t.Context(), c.refs, c.ests, nil, c.opt)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: the error is %v; want %q", c.what, err, c.want)
		}
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	refs, ests := scene(2, 1, 1000)
	for _, c := range Conventions() {
		if _, err := Evaluate(ctx, refs, ests, nil, Options{Convention: c}); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: the error is %v; want %v", c, err, context.Canceled)
		}
	}
}

// doneAfter is a context that is done once it has been asked so often.
type doneAfter struct {
	context.Context
	left atomic.Int64
}

func (d *doneAfter) Err() error {
	if d.left.Add(-1) < 0 {
		return context.Canceled
	}
	return nil
}

// A context that is done at any moment, also while filters are solved for, singular ones included, ends
// the evaluation: there is no result of what was left unfinished.
func TestCancelledAtAnyMoment(t *testing.T) {
	refs, ests := scene(2, 1, 3000)
	refs[1] = refs[0] // a singular Gram matrix, whose filters are refined
	for _, c := range []Convention{V3Sources, V4} {
		count := &doneAfter{Context: t.Context()}
		count.left.Store(math.MaxInt64)
		opt := Options{Convention: c, Taps: 16}
		if _, err := Evaluate(count, refs, ests, nil, opt); err != nil {
			t.Fatal(err)
		}
		asked := math.MaxInt64 - count.left.Load()
		if asked < 20 {
			t.Errorf("%s: the context was asked %d times; want it asked while filters are solved for", c, asked)
		}
		for n := range asked {
			ctx := &doneAfter{Context: t.Context()}
			ctx.left.Store(n)
			if _, err := Evaluate(ctx, refs, ests, nil, opt); !errors.Is(err, context.Canceled) {
				t.Errorf("%s, done when asked %d times of %d: the error is %v; want %v", c, n, asked, err, context.Canceled)
			}
		}
	}
}
