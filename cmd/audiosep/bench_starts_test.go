package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// TestStartsGenerated is `audiosep bench starts` on generated V, with a fixed price of an accelerated
// iteration, above what was measured: no start of warm is behind mm in the time of 100 or 200
// iterations.
func TestStartsGenerated(t *testing.T) {
	b, problems := startsBench{iterations: 200, updates: []string{"warm"}}, generatedProblems()[:3]
	if testing.Short() {
		problems = problems[:1]
	}
	for kind, warm := range map[string]struct {
		cost  float64
		plain int // iterations
	}{"is": {1.5, 25}, "kl": {1.5, 100}, "euclidean": {3.5, 25}} {
		var tally startsTally
		for _, p := range problems {
			mm, err := b.runs(t.Context(), kind, "mm", p.v, 3)
			if err != nil {
				t.Fatal(err)
			}
			other, err := b.runs(t.Context(), kind, "warm", p.v, 3)
			if err != nil {
				t.Fatal(err)
			}
			if n := commonIterations(mm.objective, other.objective); n < warm.plain-1 { // W is scaled after the last for β = 2
				t.Errorf("%s, %s: %d iterations are those of mm to the bit; want %d at least", kind, p.name, n, warm.plain-1)
			}
			for s := range mm.objective {
				tally.add(mm.objective[s], other.objective[s], warm.plain, warm.cost)
			}
		}
		for i, at := range startsAt[1:] {
			if worst := slices.Max(tally.log[i+1]); worst > 1e-6 {
				t.Errorf("%s: in the time of %d iterations an objective is above that of mm by %.3g of it", kind, at, worst)
			}
		}
		if slowest := slices.Max(tally.sooner); slowest > 1 {
			t.Errorf("%s: warm takes %.2f of the time of mm to where that ends", kind, slowest)
		}
	}
}

// The tally on objectives that can be told by hand: with a price of 2, the time of 100 iterations is
// 60 of the other's where the first 20 are plain.
func TestStartsTally(t *testing.T) {
	mm, other := make([]float64, 200), make([]float64, 200)
	for i := range mm {
		mm[i], other[i] = 1000-float64(i), 1000-2*float64(i)
	}
	var tally startsTally
	tally.add(mm, other, 20, 2)
	if got, want := tally.log[1][0], (1000-2*59.0)/(1000-99.0); got >= 0 || got < 1.01*(want-1)-0.01 {
		t.Errorf("the logarithm of the quotient is %v; that of %v is wanted", got, want)
	}
	// 1000-199 is reached in iteration 101 of the other: at 20 + 2·81 of 200.
	if got := tally.sooner[0]; got != (20+2*81)/200.0 {
		t.Errorf("%v of the time; want 182/200", got)
	}
	var out bytes.Buffer
	tally.print(&out, "is, warm")
	if !strings.Contains(out.String(), "| is, warm | 100 iterations | 0 of 1 | 0 | 0 | -2.109 % | -2.109 % | -2.109 % |") {
		t.Error(out.String())
	}
}
