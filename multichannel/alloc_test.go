//go:build !race

package multichannel

// With the race detector a sync.Pool forgets at random. allocs.PerRun sets GOMAXPROCS to 1, so the
// solvers are made for one thread too: helpers that share a processor are interrupted while they
// hold what the pools of the kernels have, and then the pools are asked for more.

import (
	"runtime"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/allocs"
	"github.com/audiosep/audiosep/internal/kernel"
)

func TestIVAAllocatesNothing(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if kernel.Path() == "go" {
		t.Skip("gonum's product allocates")
	}
	for seed := range uint64(2) { // in either precision
		m := problem(seed, 40, 3, 100)
		for _, model := range []string{"laplace", "gauss"} {
			for update := range updates {
				for _, sources := range []int{2, 3} {
					if sources == 2 && update == "iss1" { // updates all rows
						continue
					}
					s := newIVA(newOverdemixer(m, sources), IVAParams{Model: model, Update: update})
					s.start()
					s.iterate()
					if n := allocs.PerRun(20, s.iterate); n >= 1 {
						t.Errorf("problem %d, %s, %s, %d sources: an iteration allocates %v times; want 0", seed, model, update, sources, n)
					}
				}
			}
		}
	}
}

func TestILRMAAllocatesNothing(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if kernel.Path() == "go" {
		t.Skip("gonum's product allocates")
	}
	d := newDemixer(problem(1, 40, 3, 100))
	everyILRMA(func(p ILRMAParams) {
		s := newILRMA(d, p, audiosep.Env{}, 0)
		s.inChunks(s.first)
		s.iterate()
		if n := allocs.PerRun(20, s.iterate); n >= 1 {
			t.Errorf("%s, %s, %s: an iteration allocates %v times; want 0", p.Model, p.Update, p.Bases, n)
		}
	})
}

func TestFastMNMFAllocatesNothing(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if kernel.Path() == "go" {
		t.Skip("gonum's product allocates")
	}
	for update := range sweeps {
		p := DefaultFastMNMF()
		p.Update, p.Sources = update, 4
		s := newMNMF(newDemixer(problem(1, 40, 3, 100)), p, audiosep.Env{})
		s.inChunks(s.first)
		s.iterate()
		if n := allocs.PerRun(20, s.iterate); n >= 1 {
			t.Errorf("%s: an iteration allocates %v times; want 0", update, n)
		}
	}
}

func TestFDICAAllocatesNothing(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if kernel.Path() == "go" {
		t.Skip("gonum's product allocates")
	}
	for seed := range uint64(2) {
		s := newFDICA(newDemixer(problem(seed, 40, 3, 100)))
		s.start()
		s.iterate()
		if n := allocs.PerRun(20, s.iterate); n >= 1 {
			t.Errorf("problem %d: an iteration allocates %v times; want 0", seed, n)
		}
	}
}
