//go:build !race

package factorizers

import (
	"runtime"
	"testing"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/allocs"
)

// An iteration allocates nothing, whichever matrices are learnt. allocs.PerRun sets GOMAXPROCS to
// 1, so the solver is made for one thread: helpers that share a processor are interrupted while
// they hold what the kernels' pools have.
func TestILRTAAllocatesNothing(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for _, learn := range []string{"none", "p", "r", "both"} {
		p := DefaultILRTA()
		p.Learn, p.Rank = learn, 3
		x := randomTensor(1, 30, 40, 2, true)
		s, err := NewILRTA(p)
		if err != nil {
			t.Fatal(err)
		}
		w, h := s.start(audiosep.Env{Seed: 1}, x, nil, 0)
		l := newILRTASolver(x, p, w, h, 1)
		iterate := func() {
			if err := l.iterate(t.Context(), func() {}); err != nil {
				t.Fatal(err)
			}
		}
		iterate()
		if n := allocs.PerRun(20, iterate); n >= 1 {
			t.Errorf("learn %s: an iteration allocates %v times; want 0", learn, n)
		}
	}
}
