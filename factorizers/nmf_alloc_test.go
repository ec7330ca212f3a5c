//go:build !race

package factorizers

import (
	"math/rand/v2"
	"testing"

	"github.com/audiosep/audiosep/internal/allocs"
	"github.com/audiosep/audiosep/internal/kernel"
)

// An iteration allocates nothing once the pools of the kernels are filled.
func TestNMFIterationAllocatesNothing(t *testing.T) {
	v := randomV(rand.New(rand.NewPCG(3, 13)), 100, 300)
	w, h := nmfStart{}.draw(denseSum{v}, 5, rand.New(rand.NewPCG(1, 1)))
	betas := []float64{0, 1, 2}
	if kernel.Path() == "go" {
		betas = betas[:2] // gonum's product starts goroutines
	}
	for _, update := range []nmfOptions{{}, {accelerated: true}, {accelerated: true, settle: 5}} {
		for _, smooth := range []float64{0, 0.1} {
			for _, beta := range betas {
				s := newNMF(t.Context(), layOut(v), w, h, nmfOptions{beta: beta, eps: 1e-10, l1: 0.1, smooth: smooth, accelerated: update.accelerated, settle: update.settle, threads: 2})
				s.normalise()
				before := s.updateH()
				if n := allocs.PerRun(20, func() { s.updateW(); before = s.begin(before, 0) }); n >= 1 {
					t.Errorf("beta %v, smooth %v, accelerated %v, settle %v: an iteration allocates %v times", beta, smooth, update.accelerated, update.settle, n)
				}
			}
		}
	}
}
