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
	ratioTile
	dotTile  dotTile
	a, b     []float64 // packed blocks of a product
	edge     []float64 // columns at the right edge of C, padded to whole vectors
	p, q, v  []float64 // blocks of P, of Q and of V
	chunk    []float64 // strips of V, from strip first on
	first    int
	num, den []float64 // sums of one strip or panel
	next     []float64 // in strips: the H that the sums for W are made with
	sum      float64
}

var workspaces = sync.Pool{New: func() any { return new(workspace) }}

// grow returns a slice of n numbers of any value, in the storage of s if that is large enough.
func grow(s []float64, n int) []float64 {
	if cap(s) < n {
		return make([]float64, n)
	}
	return s[:n]
}
