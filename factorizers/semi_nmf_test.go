package factorizers_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/factorizers"
)

// semi runs semi_nmf on magnitudes with the dictionary in from.
func semi(t *testing.T, p factorizers.SemiNMFParams, v *mat.Dense, d *audiosep.Factors) (*audiosep.Factors, error) {
	t.Helper()
	s, err := factorizers.NewSemiNMF(p)
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.Run(t.Context(), audiosep.Env{Seed: 1, Wiring: map[string][]string{"held": {"noise"}}},
		factorizers.SemiNMFIn{Power: scorePower(v), Dictionary: d})
	return out.Factors, err
}

// pulses returns a mixture of a known spectrum, which sounds all the time but unsteadily, and
// of an unknown one.
func pulses() (v *mat.Dense, known *audiosep.Factors) {
	v = mat.NewDense(scoreBins, scoreColumns, nil)
	w := mat.NewDense(scoreBins, 1, nil)
	for i := range scoreBins {
		w.Set(i, 0, float64(1+i%3))
	}
	for n := range scoreColumns {
		for i := range scoreBins {
			x := w.At(i, 0) * (1 + float64(n%7))
			if n%11 < 4 && i > 50 && i < 90 {
				x += 20
			}
			v.Set(i, n, x)
		}
	}
	return v, &audiosep.Factors{W: w}
}

// The dictionary's spectra stay but for their scale, the objective never rises, and the free
// component becomes what the dictionary lacks.
func TestSemiNMF(t *testing.T) {
	v, known := pulses()
	p := factorizers.DefaultSemiNMF()
	p.Free, p.Tol, p.Iterations = 1, 0, 300
	for _, beta := range []float64{0, 0.5, 1, 2} {
		p.Beta = beta
		f, err := semi(t, p, v, known)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(f.Sources); got != "[{noise [0]} {rest [1]}]" {
			t.Errorf("the sources are %s", got)
		}
		var held mat.Dense
		held.Scale(mat.Sum(known.W), f.W.Slice(0, scoreBins, 0, 1))
		if !mat.EqualApprox(&held, known.W, 1e-9) {
			t.Errorf("beta %g: the dictionary moved", beta)
		}
		for i, x := range f.Objective[1:] {
			if x > f.Objective[i] {
				t.Errorf("beta %g: the objective rises in iteration %d", beta, i+2)
			}
		}
		for i := range scoreBins {
			if x := f.W.At(i, 1) * 39; i > 50 && i < 90 != (x > 0.5) {
				t.Errorf("beta %g: the free component has %g in bin %d", beta, x, i)
				break
			}
		}
	}
}

// Without free components H is that of activations.
func TestSemiNMFHoldsAll(t *testing.T) {
	v, known := pulses()
	p := factorizers.DefaultSemiNMF()
	p.Free, p.Tol, p.Iterations = 0, 0, 50
	f, err := semi(t, p, v, known)
	if err != nil {
		t.Fatal(err)
	}
	sum := mat.Sum(known.W)
	for n := range scoreColumns {
		if want := mat.Sum(v.ColView(n)); f.H.At(0, n) < 0.999*want || f.H.At(0, n) > 1.001*want {
			t.Fatalf("activation %d is %g; want %g, the sum of the column, %g being that of the dictionary", n, f.H.At(0, n), want, sum)
		}
	}
	own := *known
	own.Sources = []audiosep.Group{{Name: "hum", Components: []int{0}}}
	p.Free, p.Name = 2, "hum"
	if f, err = semi(t, p, v, &own); err != nil || fmt.Sprint(f.Sources) != "[{hum [0 1 2]}]" {
		t.Errorf("the sources are %v, %v; want one", f, err)
	}
	if fmt.Sprint(own.Sources) != "[{hum [0]}]" {
		t.Error("the dictionary was changed")
	}
	if _, err := semi(t, p, v, &audiosep.Factors{}); err == nil || !strings.Contains(err.Error(), "no W") {
		t.Errorf("the error is %v", err)
	}
}

// A dictionary of powers that is held among magnitudes is told, and the factors remember what they are of.
func TestSemiNMFTellsPowers(t *testing.T) {
	v, known := pulses()
	for dictionary, told := range map[int]bool{0: false, 1: false, 2: true} {
		var log bytes.Buffer
		s, err := factorizers.NewSemiNMF(factorizers.DefaultSemiNMF()) // of magnitudes
		if err != nil {
			t.Fatal(err)
		}
		own := *known
		own.Power = dictionary
		env := audiosep.Env{Wiring: map[string][]string{"held": {"noise"}}, Log: slog.New(slog.NewTextHandler(&log, nil))}
		out, err := s.Run(t.Context(), env, factorizers.SemiNMFIn{Power: scorePower(v), Dictionary: &own})
		if err != nil || out.Factors.Power != 1 {
			t.Fatalf("%v, %v; want factors of magnitudes", out.Factors, err)
		}
		if strings.Contains(log.String(), "learnt with another power") != told {
			t.Errorf("a dictionary of power %d: %s", dictionary, &log)
		}
	}
}
