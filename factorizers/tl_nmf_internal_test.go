package factorizers

import (
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/scene"
)

// ThreadsOf returns on how many threads tl_nmf learns from one start where there are n for it.
func ThreadsOf(t testing.TB, p TLNMFParams, y *audiosep.Frames, init audiosep.Model, n int) int {
	t.Helper()
	s, err := scene.New(y.Data, y.Length, y.Share, y.Analysis)
	if err != nil {
		t.Fatal(err)
	}
	start, err := tlNMF{p}.start(t.Context(), s, init)
	if err != nil {
		t.Fatal(err)
	}
	phi, w, h, err := start.draw(t.Context(), audiosep.Env{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	return newLearning(s, p, phi, w, h, n).threads
}

// Of two courses the lower keeps its own stop, whichever is longer.
func TestLowerCourseKeepsItsStop(t *testing.T) {
	short := &learning{objective: []float64{5, 1}, stop: "tolerance"}
	long := &learning{objective: []float64{4, 3, 2}, stop: "iterations"}
	l := lower(long, short)
	if l != short || l.stop != "tolerance" || len(l.objective) != 3 || l.last() != 1 || l.objective[0] != 4 {
		t.Errorf("C is %v and it stops by %s; want 4, 1, 1 and tolerance", l.objective, l.stop)
	}
}

// What the second course takes is charged where there is one, memory and operations.
func TestTLNMFNeedsOfTwoCourses(t *testing.T) {
	extent := audiosep.Extent{Length: 100, Frames: 1000, Columns: 1000, Threads: 2}
	large, wired := extent, extent
	large.Length, wired.Transform = 200, true
	file := "phi.npy"
	for _, c := range []struct {
		name string
		e    audiosep.Extent
		set  func(*TLNMFParams)
		two  bool
	}{
		{"random", extent, func(*TLNMFParams) {}, false},
		{"wired", wired, func(*TLNMFParams) {}, true},
		{"file", extent, func(p *TLNMFParams) { p.Start, p.StartFile = "file", &file }, true},
		{"dct", extent, func(p *TLNMFParams) { p.Start = "dct" }, true},
		{"fixed", wired, func(p *TLNMFParams) { p.Fix = "phi" }, false},
		{"within reach", wired, func(p *TLNMFParams) { p.Reach = 3 }, false},
		{"large", large, func(p *TLNMFParams) { p.Start = "dct" }, false},
	} {
		p := DefaultTLNMF()
		c.set(&p)
		got := tlNMF{p}.Needs(c.e)
		p.Solver = "jacobi" // does without
		one := tlNMF{p}.Needs(c.e)
		if (got.Work > one.Work) != c.two || (got.Operations > one.Operations) != c.two {
			t.Errorf("%s: it takes %+v, with one course %+v; want more: %v", c.name, got, one, c.two)
		}
	}
}

// In the rounds every two are paired once.
func TestOpponents(t *testing.T) {
	for _, n := range []int{2, 4, 10} {
		met := map[[2]int]int{}
		for round := range n - 1 {
			seen := map[int]bool{}
			for i := range n / 2 {
				p, q := opponents(n, round, i)
				if p >= q || seen[p] || seen[q] {
					t.Errorf("%d: %d meets %d in round %d", n, p, q, round)
				}
				seen[p], seen[q] = true, true
				met[[2]int{p, q}]++
			}
		}
		if len(met) != n*(n-1)/2 {
			t.Errorf("%d: %d pairs met; want %d", n, len(met), n*(n-1)/2)
		}
	}
}
