package factorizers_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/factorizers"
)

// scoreRate, scoreBins and scoreColumns are those of the power in tests of score_factors: bins
// 20 Hz apart, a column each 10 ms.
const scoreRate, scoreBins, scoreColumns = 8000, 201, 200

// scorePower returns the power of magnitudes v as if they were of 50 ms frames.
func scorePower(v *mat.Dense) audiosep.Power {
	square := mat.DenseCopyOf(v)
	square.MulElem(v, v)
	hz := make([]float64, scoreBins)
	for i := range hz {
		hz[i] = 20 * float64(i)
	}
	ones := make([]float64, 400)
	for i := range ones {
		ones[i] = 1
	}
	f := audiosep.Framing{Head: audiosep.Head{Rate: scoreRate, Channels: 1, Realisations: 1, Samples: 80 * (scoreColumns - 1)}, Length: 400, Hop: 80, Pad: 200, Share: 1, Analysis: ones, Synthesis: ones}
	return audiosep.NewPower(square, f, hz)
}

func scoreFactors(t *testing.T, p factorizers.ScoreFactorsParams, v *mat.Dense, notes audiosep.Notes) (*audiosep.Factors, error) {
	t.Helper()
	s, err := factorizers.NewScoreFactors(p)
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.Run(t.Context(), audiosep.Env{Seed: 1}, factorizers.ScoreFactorsIn{Power: scorePower(v), Notes: notes})
	return out.Factors, err
}

func ones(rows, columns int) *mat.Dense {
	v := mat.NewDense(rows, columns, nil)
	for i := range v.RawMatrix().Data {
		v.RawMatrix().Data[i] = 1
	}
	return v
}

// TestScoreFactorsZeros holds the zeros: no activation outside a note with its lead and tail,
// nothing between the partials, whatever is in the power.
func TestScoreFactorsZeros(t *testing.T) {
	p := factorizers.DefaultScoreFactors()
	p.Spread, p.Iterations = 0, 7
	notes := audiosep.Notes{
		{Onset: 0.5, Offset: 0.8, Pitch: 69, Source: "flute", Velocity: 1},
		{Onset: 1.2, Offset: 1.201, Pitch: 57, Source: "cello", Velocity: 1},
		{Onset: 1.5, Offset: 1.6, Pitch: 69, Source: "flute", Velocity: 1},
	}
	f, err := scoreFactors(t, p, ones(scoreBins, scoreColumns), notes)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(f.Sources); got != "[{flute [0]} {cello [1]}]" {
		t.Fatalf("the sources are %s", got)
	}
	if want := "all 7 iterations done; the objective is of the last 2, since partials were shared"; f.Stop != want || len(f.Objective) != 2 {
		t.Errorf("it says %q, and has %d objectives; want %q", f.Stop, len(f.Objective), want)
	}
	for k, spans := range [][][2]float64{{{0.45, 1.1}, {1.45, 1.9}}, {{1.15, 1.501}}} {
		for n := range scoreColumns {
			inside, at := false, float64(n)*0.01
			for _, s := range spans {
				inside = inside || at >= s[0]-0.006 && at <= s[1]+0.006
			}
			if x := f.H.At(k, n); x > 0 && !inside {
				t.Errorf("component %d is active at %.2f s", k, at)
			}
		}
		if mat.Sum(f.H.RowView(k)) == 0 {
			t.Errorf("component %d is never active", k)
		}
	}
	for i := range scoreBins {
		hz := 20 * float64(i)
		for k, f0 := range []float64{440, 220} {
			h := max(1, math.Round(hz/f0))
			far := math.Abs(hz-h*f0) > max(40, h*f0*(math.Exp2(0.5/12)-1))+1e-9
			if x := f.W.At(i, k); far && x != 0 {
				t.Errorf("component %d has %g at %g Hz, between partials", k, x, hz)
			}
		}
	}
}

// Two sources of other timbre, whose notes share partials, come apart: the fit finds the
// strengths of their partials, which each source has the same at all its pitches.
func TestScoreFactorsRecovers(t *testing.T) {
	p := factorizers.DefaultScoreFactors()
	p.Lead, p.Tail, p.Spread, p.Iterations = 0, 0, 0, 200
	notes := audiosep.Notes{
		{Onset: 0, Offset: 0.6, Pitch: 57, Source: "low", Velocity: 1}, // 220 Hz
		{Onset: 0.3, Offset: 1.2, Pitch: 69, Source: "high", Velocity: 1},
		{Onset: 0.9, Offset: 1.9, Pitch: 64.01955, Source: "low", Velocity: 1}, // 330 Hz
	}
	strengths := map[string][]float64{"low": {1, 0.2, 0.6, 0.1}, "high": {0.3, 1, 0.5}}
	want := map[string]*mat.Dense{"low": mat.NewDense(scoreBins, scoreColumns, nil), "high": mat.NewDense(scoreBins, scoreColumns, nil)}
	v := mat.NewDense(scoreBins, scoreColumns, nil)
	for _, n := range notes {
		f0 := 440 * math.Exp2((n.Pitch-69)/12)
		for h, a := range strengths[n.Source] {
			bin := int(math.Round(float64(h+1) * f0 / 20))
			for c := range scoreColumns {
				if at := float64(c) * 0.01; at >= n.Onset && at <= n.Offset {
					want[n.Source].Set(bin, c, want[n.Source].At(bin, c)+a)
				}
			}
		}
	}
	v.Add(want["low"], want["high"])
	f, err := scoreFactors(t, p, v, notes)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range f.Sources {
		got := mat.NewDense(scoreBins, scoreColumns, nil)
		for _, k := range g.Components {
			var part mat.Dense
			part.Mul(f.W.ColView(k), f.H.RowView(k).T())
			got.Add(got, &part)
		}
		var diff mat.Dense
		diff.Sub(got, want[g.Name])
		if e := mat.Norm(&diff, 2) / mat.Norm(want[g.Name], 2); e > 0.02 {
			t.Errorf("%s is off by %.3g of itself", g.Name, e)
		}
	}
}

// Keys of a kit are one component each and need no frequencies; labels without a pitch are as
// many as asked for, which differ.
func TestScoreFactorsUnpitched(t *testing.T) {
	p := factorizers.DefaultScoreFactors()
	p.Components, p.Iterations = 3, 2
	notes := audiosep.Notes{
		{Onset: 0.1, Offset: 0.2, Pitch: 36, Source: "Drums 1", Velocity: 1},
		{Onset: 0.5, Offset: 0.6, Pitch: 42, Source: "Drums 1", Velocity: 1},
		{Onset: 0.9, Offset: 1.3, Pitch: math.NaN(), Source: "voice", Velocity: 1},
	}
	f, err := scoreFactors(t, p, ones(scoreBins, scoreColumns), notes)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(f.Sources); got != "[{Drums 1 [0 1]} {voice [2 3 4]}]" {
		t.Fatalf("the sources are %s", got)
	}
	if mat.Equal(f.W.ColView(2), f.W.ColView(3)) {
		t.Error("the components of a label are alike")
	}
}

// A stroke begins the fit as one: it falls to 1/e in the decay, and is never 0 where it may sound.
func TestScoreFactorsDecay(t *testing.T) {
	p := factorizers.DefaultScoreFactors()
	p.Iterations, p.Decay, p.TailUnpitched = 0, 0.05, 1
	notes := audiosep.Notes{{Onset: 0.5, Offset: 0.7, Pitch: 36, Source: "drums", Velocity: 1}, {Onset: 0.5, Offset: 0.7, Pitch: 69, Source: "flute", Velocity: 1}}
	f, err := scoreFactors(t, p, ones(scoreBins, scoreColumns), notes)
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range map[int]float64{44: 0, 46: 1, 50: 1, 55: math.Exp(-1), 60: math.Exp(-2), 150: math.Exp(-12), 172: 0} {
		if got := f.H.At(0, n) / f.H.At(0, 50); math.Abs(got-want) > 1e-9 {
			t.Errorf("at %.2f s the stroke is %g; want %g", float64(n)*0.01, got, want)
		}
	}
	if f.H.At(1, 50) != f.H.At(1, 70) {
		t.Error("a note with a pitch falls")
	}
}

// With doubt the fit finds a note that the score lacks, at its strength; without it cannot.
func TestScoreFactorsDoubt(t *testing.T) {
	v := mat.NewDense(scoreBins, scoreColumns, nil)
	for n := range scoreColumns {
		for h := 1; h <= 3 && (n < 50 || n > 120); h++ {
			v.Set(22*h, n, 1/float64(h)) // 440 Hz until 0.5 s, and again from 1.2 s on
		}
	}
	notes := audiosep.Notes{{Onset: 0, Offset: 0.5, Pitch: 69, Source: "flute", Velocity: 1}}
	for doubt, want := range map[float64]float64{0: 0, 1e-6: 1} {
		p := factorizers.DefaultScoreFactors()
		p.Tail, p.Doubt = 0, doubt
		f, err := scoreFactors(t, p, v, notes)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.H.At(0, 160) / f.H.At(0, 20); math.Abs(got-want) > 1e-3 {
			t.Errorf("doubt %g: the note that the score lacks is %.4f of the other; want %g", doubt, got, want)
		}
		if got := f.H.At(0, 80) / f.H.At(0, 20); got > 1e-6 {
			t.Errorf("doubt %g: where nothing sounds is %g", doubt, got)
		}
	}
}

func TestScoreFactorsRefuses(t *testing.T) {
	note := audiosep.Note{Onset: 0, Offset: 1, Pitch: 69, Source: "flute", Velocity: 1}
	low, long, behind := note, note, note
	low.Pitch, behind.Onset, behind.Offset = 130, 50, 51
	long.Offset = -1
	for want, notes := range map[string]audiosep.Notes{
		"the score has no notes; want at least one":           nil,
		`a note of "flute" has the pitch 130, 14917 Hz; want`: {low},
		"note 1 sounds from 0 to -1 s":                        {long},
		"the first note begins at 50 s; want a score of this": {behind},
	} {
		if _, err := scoreFactors(t, factorizers.DefaultScoreFactors(), ones(scoreBins, scoreColumns), notes); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v; want %s", err, want)
		}
	}
	s, _ := factorizers.NewScoreFactors(factorizers.DefaultScoreFactors())
	f := scorePower(ones(scoreBins, scoreColumns)).Framing()
	in := factorizers.ScoreFactorsIn{Power: audiosep.NewPower(ones(scoreBins, scoreColumns), f, nil), Notes: audiosep.Notes{note}}
	if _, err := s.Run(t.Context(), audiosep.Env{}, in); err == nil || !strings.Contains(err.Error(), "the bins have no frequencies") {
		t.Errorf("the error is %v; want one about frequencies", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	in.Power = scorePower(ones(scoreBins, scoreColumns))
	if _, err := s.Run(ctx, audiosep.Env{}, in); err == nil {
		t.Error("it goes on though it is cancelled")
	}
}

// A rank of 0 without factors to take it from is a fault of the spec, whatever the factorizer.
func TestRankOfNothingIsAFault(t *testing.T) {
	var tried []string
	for _, def := range factorizers.Stages {
		stage, err := def.Build([]byte(`{"rank": 0}`))
		if err != nil {
			continue // it has no rank, or none of 0
		}
		tried = append(tried, def.Name)
		in := map[string]audiosep.Forecast{}
		_, err = stage.(audiosep.Forecaster).Forecast(in)
		if errs, ok := audiosep.AsParamErrors(err); !ok || errs[0].Name != "rank" || !strings.Contains(err.Error(), "want at least 1, or init_factors") {
			t.Errorf("%s: %v; want a fault of rank", def.Name, err)
		}
		in["init_factors"] = audiosep.Forecast{Rank: 3}
		if _, err := stage.(audiosep.Forecaster).Forecast(in); err != nil {
			t.Errorf("%s with factors: %v", def.Name, err)
		}
	}
	if !slices.Contains(tried, "kl_nmf") || len(tried) < 7 {
		t.Errorf("tried are %v; want all that take a rank", tried)
	}
}

// Rank 0 takes that of the wired factors, and without any is refused.
func TestRankOfWired(t *testing.T) {
	p := factorizers.DefaultKLNMF()
	p.Rank, p.Iterations = 0, 2
	nmf, err := factorizers.NewNMF(1, p)
	if err != nil {
		t.Fatal(err)
	}
	v := ones(4, 5)
	f, err := nmf.Factorize(t.Context(), audiosep.Env{}, v, &audiosep.Factors{W: ones(4, 3)})
	if err != nil || f.Rank() != 3 {
		t.Errorf("rank 0 gives %v, %v; want 3 components", f, err)
	}
	if _, err := nmf.Factorize(t.Context(), audiosep.Env{}, v, nil); err == nil || !strings.Contains(err.Error(), "rank is 0, but no factors are wired") {
		t.Errorf("the error is %v", err)
	}
}
