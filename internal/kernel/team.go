package kernel

import (
	"runtime"
	"sync"

	"github.com/audiosep/audiosep/internal/threads"
)

// A team is threads that each have a workspace.
type team struct {
	threads *threads.Team
}

// newTeam returns a team that takes numbered tasks in turn. Tasks share no sum, so who does
// which changes no bit.
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

// run does count tasks on as many threads as there are processors, on this one
// alone if the work, in multiplications, would not repay the others.
func (t *team) run(count, work int) {
	n := runtime.GOMAXPROCS(0)
	if work < parallelFrom {
		n = 1
	}
	t.threads.Run(count, n)
}

// parallelFrom is the number of multiplications that repays another thread.
const parallelFrom = 1 << 17

// A workspace is what one thread needs beside the matrices.
type workspace struct {
	ratioTile
	dotTile  dotTile
	a, b     []float64 // packed blocks of a product
	edge     []float64 // C at the right edge, where a vector would reach beyond it
	p, q, v  []float64 // a block of quotients, of V
	chunk    []float64 // strips of V from first on
	first    int
	num, den []float64 // sums of one strip or panel
	next     []float64 // H of the sums for W, in strips
	sum      float64
}

var workspaces = sync.Pool{New: func() any { return new(workspace) }}

// grow returns a slice of n numbers, in s's storage where that is enough.
func grow(s []float64, n int) []float64 {
	if cap(s) < n {
		return make([]float64, n)
	}
	return s[:n]
}
