package kernel

import (
	"runtime"
	"sync"

	"github.com/audiosep/audiosep/internal/threads"
)

// A team is a threads.Team each thread of which has a workspace.
type team struct {
	threads *threads.Team
}

// newTeam returns a team that takes numbered tasks in turn. No two tasks may add to one sum, so
// that it does not matter which thread does which.
func newTeam(task func(w *workspace, i int)) *team {
	var t *team
	t = newWorkers(func(w *workspace, _ int) {
		for i, ok := t.threads.Next(); ok; i, ok = t.threads.Next() {
			task(w, i)
		}
	})
	return t
}

// newWorkers returns a team whose threads, numbered from 0, call work once each time that it
// runs.
func newWorkers(work func(w *workspace, worker int)) *team {
	return &team{threads.NewTeamOf(func(worker int) {
		w := workspaces.Get().(*workspace)
		defer workspaces.Put(w)
		work(w, worker)
	})}
}

// run does count tasks on as many threads as there are processors, or on this one alone if
// the work, in multiplications, is less than parallelFrom.
func (t *team) run(count, work int) {
	n := runtime.GOMAXPROCS(0)
	if work < parallelFrom {
		n = 1
	}
	t.threads.Run(count, n)
}

// parallelFrom is the number of multiplications from which on more threads are faster.
const parallelFrom = 1 << 17

// A workspace is the scratch memory of one thread.
type workspace struct {
	scratch[float64]
	singles scratch[float32] // of an NMF in float32
	a       []float64        // packed block of a product
	edge    []float64        // columns at the right edge of C, padded to whole vectors
}

// A scratch is what a workspace has for numbers of one precision.
type scratch[T number] struct {
	ratioTileOf[T]
	dotTile  dotTileOf[T]
	b        []T // packed block of a product
	p, q, v  []T // blocks of P, of Q and of V
	chunk    []T // strips of V, from strip first on
	first    int
	num, den []T // sums of one strip or panel
	dotted   float64
	next     []T // in strips: the H that the sums for W are made with
}

var workspaces = sync.Pool{New: func() any { return new(workspace) }}

// grow returns a slice of n numbers of any value, in the storage of s if that is large enough.
func grow[T number](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
