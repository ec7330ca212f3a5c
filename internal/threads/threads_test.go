package threads

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// counts has a team of tasks that count how often they were done.
type counts struct {
	*Team
	done    []atomic.Int64
	workers [8]atomic.Int64
}

func newCounts(n int) *counts {
	c := &counts{done: make([]atomic.Int64, n)}
	c.Team = NewTeamOf(func(worker int) {
		c.workers[worker].Add(1)
		for i, ok := c.Next(); ok; i, ok = c.Next() {
			c.done[i].Add(1)
		}
	})
	return c
}

func TestEveryTaskIsDoneOnce(t *testing.T) {
	for _, threads := range []int{0, 1, 2, 3, 8} {
		for _, n := range []int{0, 1, 2, 7, 100} {
			t.Run(fmt.Sprintf("%d tasks on %d threads", n, threads), func(t *testing.T) {
				c := newCounts(n)
				const times = 50
				for range times {
					c.Run(n, threads)
				}
				for i := range c.done {
					if got := c.done[i].Load(); got != times {
						t.Errorf("task %d was done %d times; want %d", i, got, times)
					}
				}
				for i := range c.workers {
					if got := c.workers[i].Load(); got > times || i == 0 && got != times || i >= max(1, min(n, threads)) && got > 0 {
						t.Errorf("worker %d worked %d times in %d runs", i, got, times)
					}
				}
			})
		}
	}
}

// Many teams at once share the helpers that linger.
func TestTeamsSideBySide(t *testing.T) {
	const teams, times, n = 20, 200, 16
	all := make([]*counts, teams)
	var wg sync.WaitGroup
	for i := range all {
		all[i] = newCounts(n)
		wg.Go(func() {
			for range times {
				all[i].Run(n, 4)
				if i%3 == 0 {
					runtime.Gosched()
				}
			}
		})
	}
	wg.Wait()
	for i, c := range all {
		for j := range c.done {
			if got := c.done[j].Load(); got != times {
				t.Errorf("team %d: task %d was done %d times; want %d", i, j, got, times)
			}
		}
	}
}

// What a task has written can be read once Do returns, and helpers end after a while.
func TestHelpersGo(t *testing.T) {
	before := runtime.NumGoroutine()
	x := make([]int, 1000)
	team := NewTeam()
	for range 100 {
		team.Do(len(x), 4, func(_, i int) { x[i]++ })
	}
	if !slices.Equal(x, slices.Repeat([]int{100}, len(x))) {
		t.Error("not every task has left its mark")
	}
	taken := func() (n int) {
		for i := range idle {
			if idle[i].Load() != nil {
				n++
			}
		}
		return n
	}
	for wait := time.Millisecond; runtime.NumGoroutine() > before || taken() > 0; wait *= 2 {
		if wait > time.Minute {
			t.Fatalf("%d goroutines are left and %d places taken; there were %d goroutines", runtime.NumGoroutine(), taken(), before)
		}
		time.Sleep(wait)
	}
}

func BenchmarkRun(b *testing.B) {
	c := newCounts(16)
	b.ReportAllocs()
	for b.Loop() {
		c.Run(16, runtime.GOMAXPROCS(0))
	}
}
