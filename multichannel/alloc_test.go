//go:build !race

package multichannel

// With the race detector a sync.Pool forgets at random.

import (
	"math"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/kernel"
)

// allocations returns how often iterate allocates, the least of ten counts: what it allocates
// itself is in all of them, pools that the garbage collector has emptied are in some.
func allocations(iterate func()) float64 {
	least := math.Inf(1)
	for range 10 {
		least = min(least, testing.AllocsPerRun(5, iterate))
	}
	return least
}

func TestIVAAllocatesNothing(t *testing.T) {
	if kernel.Path() == "go" {
		t.Skip("gonum's product allocates")
	}
	m := problem(1, 40, 3, 100)
	for update := range updates {
		s := newIVA(m, IVAParams{Model: "laplace", Update: update})
		s.start()
		s.iterate()
		if n := allocations(s.iterate); n >= 1 {
			t.Errorf("%s: an iteration allocates %v times; want 0", update, n)
		}
	}
}

func TestILRMAAllocatesNothing(t *testing.T) {
	if kernel.Path() == "go" {
		t.Skip("gonum's product allocates")
	}
	d := newDemixer(problem(1, 40, 3, 100))
	everyILRMA(func(p ILRMAParams) {
		s := newILRMA(d, p, audiosep.Env{}, 0)
		s.inChunks(s.first)
		s.iterate()
		if n := allocations(s.iterate); n >= 1 {
			t.Errorf("%s, %s, %s: an iteration allocates %v times; want 0", p.Model, p.Update, p.Bases, n)
		}
	})
}

func TestFastMNMFAllocatesNothing(t *testing.T) {
	if kernel.Path() == "go" {
		t.Skip("gonum's product allocates")
	}
	p := DefaultFastMNMF()
	p.Sources = 4
	s := newMNMF(newDemixer(problem(1, 40, 3, 100)), p, audiosep.Env{})
	s.inChunks(s.first)
	s.iterate()
	if n := allocations(s.iterate); n >= 1 {
		t.Errorf("an iteration allocates %v times; want 0", n)
	}
}
