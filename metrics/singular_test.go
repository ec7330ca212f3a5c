package metrics

import (
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/dsp/fourier"
	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
)

// sine returns two seconds of a tone at 8 kHz, rounded to 24 bits.
func sine(hz float64) audiosep.Source {
	d := make([]float64, 16000)
	for t := range d {
		d[t] = math.Round(0.3*math.Sin(2*math.Pi*hz*float64(t)/8000)*0x1p23) / 0x1p23
	}
	return &audiosep.Signal{Rate: 8000, Data: [][]float64{d}}
}

// doubled returns n samples of noise of half the bandwidth that fades in and out, as
// float32 files hold what was resampled.
func doubled(n int, seed uint64) audiosep.Source {
	f := fourier.NewFFT(n)
	spectrum := f.Coefficients(nil, noise(1, n, seed).Data[0])
	clear(spectrum[n/4:])
	x := f.Sequence(nil, spectrum)
	d := make([]float64, n)
	for t := range d {
		fade := math.Pow(math.Sin(math.Pi*(float64(t)+0.5)/float64(n)), 4)
		d[t] = float64(float32(fade * x[t] / float64(n)))
	}
	return &audiosep.Signal{Rate: 1000, Data: [][]float64{d}}
}

// rms is the root of a mono signal's mean square.
func rms(s audiosep.Source) float64 {
	d := s.(*audiosep.Signal).Data
	return math.Sqrt(dot(d, d) / float64(len(d[0])))
}

// Where references do not determine the filters the match and the ratios are still
// those of their span: stems are found in whatever order they come.
func TestMatchOfSingularReferences(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	tones := []audiosep.Source{sine(440), sine(554)}
	short := []audiosep.Source{noise(1, 800, 1), noise(1, 800, 2), noise(1, 800, 3)}
	bands := []audiosep.Source{doubled(2048, 4), doubled(2048, 5)}
	sum := []audiosep.Source{noise(1, 4000, 6), noise(1, 4000, 7), nil}
	sum[2] = mix([]float64{1, 1}, sum[:2]...)
	for _, c := range []struct {
		what        string
		refs        []audiosep.Source
		conventions []Convention
	}{
		{"two tones", tones, Conventions()},
		{"clips shorter than the filters", short, Conventions()},
		{"sound without its upper band", bands, Conventions()},
		{"a reference that is the sum of the others", sum, []Convention{V2, V3Sources, V3Images, SI}},
	} {
		var ests []audiosep.Source // of reference 2, 3 … and 1
		for k := range c.refs {
			ref := c.refs[(k+1)%len(c.refs)]
			added := noise(1, len(ref.(*audiosep.Signal).Data[0]), 60+uint64(k))
			ests = append(ests, mix([]float64{1, 0.1 * rms(ref), 0.05}, ref, added, c.refs[k]))
		}
		for _, convention := range c.conventions {
			match := MatchSIR
			if convention == SI {
				match = MatchSDR
			}
			r := evaluate(t, c.refs, ests, Options{Convention: convention, Match: match, Window: math.MaxInt})
			for j, s := range r.Sources {
				if want := string(rune('1' + (j+len(ests)-1)%len(ests))); s.Estimates[0] != want || r.Match != match {
					t.Errorf("%s, %s: reference %d is matched with %s by %s; want %s by %s", c.what, convention, j+1, s.Estimates[0], r.Match, want, match)
				}
				if sdr := s.Metrics[0].Median(); !(sdr > 15) {
					t.Errorf("%s, %s: %s is %v; want about 20", c.what, convention, s.Metrics[0].Name, sdr)
				}
			}
		}
	}
}

// Each tone's estimate has a tenth of the other: by algebra every ratio is known, and
// mir_eval 0.7 has SDR and SIR 20.07, too.
func TestRatiosOfTwoTones(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	refs := []audiosep.Source{sine(440), sine(554)}
	ests := []audiosep.Source{mix([]float64{1, 0.1}, refs[1], refs[0]), mix([]float64{1, 0.1}, refs[0], refs[1])}
	r := evaluate(t, refs, ests, Options{Convention: V3Sources})
	for j := range refs {
		near(t, "SDR", value(t, r, j, "SDR"), 20.07, 0.005)
		near(t, "SIR", value(t, r, j, "SIR"), 20.07, 0.005)
		if x := value(t, r, j, "SAR"); !(x > 120) {
			t.Errorf("SAR is %v; want a great one: nothing was added", x)
		}
	}
	for _, c := range []Convention{V3Images, V4} {
		r = evaluate(t, refs, ests, Options{Convention: c, Match: MatchSIR})
		near(t, string(c)+": SDR", value(t, r, 0, "SDR"), 20, 1e-6)
	}
}

// The projection on a singular set of delayed references is that of a singular value
// decomposition.
func TestSingularOracle(t *testing.T) {
	const taps = 24
	refs := []audiosep.Source{noise(1, 600, 1), noise(1, 600, 2)}
	ests := []audiosep.Source{
		mix([]float64{1, 0.2, 0.1}, refs[0], refs[1], noise(1, 600, 3)),
		mix([]float64{1, 0.3, 0.2}, refs[1], refs[0], noise(1, 600, 4)),
	}
	refs = append(refs, mix([]float64{1, -1}, refs...))
	ests = append(ests, mix([]float64{1, 0.2}, refs[2], noise(1, 600, 5)))
	r := evaluate(t, refs, ests, Options{Convention: V3Sources, Taps: taps, Match: MatchGiven})
	wantWarning(t, r, "singular")
	project := func(refs []audiosep.Source, est audiosep.Source) []float64 {
		a := mat.NewDense(600+taps-1, len(refs)*taps, nil)
		for j, s := range refs {
			for k := range taps {
				for i, x := range s.(*audiosep.Signal).Data[0] {
					a.Set(i+k, j*taps+k, x)
				}
			}
		}
		var svd mat.SVD
		if !svd.Factorize(a, mat.SVDThin) {
			t.Fatal("there is no singular value decomposition")
		}
		var u mat.Dense
		svd.UTo(&u)
		rank := svd.Rank(1e-7) // of amplitudes
		span := u.Slice(0, 600+taps-1, 0, rank)
		padded := mat.NewVecDense(600+taps-1, append(slices.Clone(est.(*audiosep.Signal).Data[0]), make([]float64, taps-1)...))
		var c, p mat.VecDense
		c.MulVec(span.T(), padded)
		p.MulVec(span, &c)
		return p.RawVector().Data
	}
	for j, est := range ests {
		x := append(slices.Clone(est.(*audiosep.Signal).Data[0]), make([]float64, taps-1)...)
		own, all := project(refs[j:j+1], est), project(refs, est)
		energy := func(a, b []float64) (e float64) {
			for i := range a {
				e += (a[i] - b[i]) * (a[i] - b[i])
			}
			return e
		}
		zero := make([]float64, len(x))
		near(t, "SDR", value(t, r, j, "SDR"), decibel(energy(own, zero), energy(x, own)), 1e-9)
		near(t, "SIR", value(t, r, j, "SIR"), decibel(energy(own, zero), energy(all, own)), 1e-9)
		near(t, "SAR", value(t, r, j, "SAR"), decibel(energy(all, zero), energy(x, all)), 1e-9)
	}
}

// Frames of BSS Eval 4 that are cut out of band-limited sound depend on its rounding,
// and the report says so; with a load like the rounding they depend on it no more.
func TestCutsOfEmptyBands(t *testing.T) {
	refs := []audiosep.Source{doubled(4000, 1), doubled(4000, 2)}
	ests := []audiosep.Source{
		mix([]float64{1, 0.2, 0.05}, refs[0], refs[1], doubled(4000, 3)),
		mix([]float64{1, 0.3, 0.05}, refs[1], refs[0], doubled(4000, 4)),
	}
	rounded := func(all []audiosep.Source) (out []audiosep.Source) {
		for _, s := range all {
			r := mix([]float64{1}, s)
			for i, x := range r.Data[0] {
				r.Data[0][i] = math.Round(x*0x1p8) / 0x1p8
			}
			out = append(out, r)
		}
		return out
	}
	opt := Options{Convention: V4, Taps: 64, Window: 1000}
	exact, coarse := evaluate(t, refs, ests, opt), evaluate(t, rounded(refs), rounded(ests), opt)
	if a, b := value(t, exact, 0, "SIR"), value(t, coarse, 0, "SIR"); math.Abs(a-b) < 10 {
		t.Errorf("SIR is %v and %v; want them far apart, else there is nothing to warn of", a, b)
	}
	wantWarning(t, exact, "resound where frames are cut")
	if len(coarse.Warnings) > 0 {
		t.Errorf("coarse sound gives the warnings %q", coarse.Warnings)
	}
	opt.Load = 1e-5
	exact, coarse = evaluate(t, refs, ests, opt), evaluate(t, rounded(refs), rounded(ests), opt)
	near(t, "SIR with a load", value(t, exact, 0, "SIR"), value(t, coarse, 0, "SIR"), 0.5)
	near(t, "SAR with a load", value(t, exact, 0, "SAR"), value(t, coarse, 0, "SAR"), 0.5)
}
