package kernel

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// A team lets threads take numbered tasks in turn. Tasks share no sum, so who does
// which changes no bit. It is kept for reuse: starting it allocates nothing.
type team struct {
	task  func(w *workspace, i int)
	count int
	next  atomic.Int64
	wait  sync.WaitGroup
	start func()
}

func newTeam(task func(w *workspace, i int)) *team {
	t := &team{task: task}
	t.start = func() { defer t.wait.Done(); t.work() }
	return t
}

// run does count tasks on as many threads as there are processors, on this one
// alone if the work, in multiplications, would not repay starting others.
func (t *team) run(count, work int) {
	t.count = count
	t.next.Store(0)
	threads := min(count, runtime.GOMAXPROCS(0))
	if work < parallelFrom {
		threads = 1
	}
	t.wait.Add(threads - 1)
	for range threads - 1 {
		go t.start()
	}
	t.work()
	t.wait.Wait()
}

// parallelFrom is the number of multiplications that repays starting a goroutine.
const parallelFrom = 1 << 17

func (t *team) work() {
	w := workspaces.Get().(*workspace)
	defer workspaces.Put(w)
	for {
		i := int(t.next.Add(1)) - 1
		if i >= t.count {
			return
		}
		t.task(w, i)
	}
}

// A workspace is what one thread needs beside the matrices.
type workspace struct {
	ratioTile
	dotTile  dotTile
	a, b     []float64 // packed blocks of a product
	edge     []float64 // C at the right edge, where a vector would reach beyond it
	p, q, v  []float64 // a block of quotients, of V
	num, den []float64 // sums of one strip or panel
}

var workspaces = sync.Pool{New: func() any { return new(workspace) }}

// grow returns a slice of n numbers, in s's storage where that is enough.
func grow(s []float64, n int) []float64 {
	if cap(s) < n {
		return make([]float64, n)
	}
	return s[:n]
}
