// Package threads runs the tasks of a tight loop on several threads without allocating. Threads
// that have nothing to do stay awake for a moment, so that the loop need not wait for them to
// wake up when it comes back soon.
package threads

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// A Team is threads that take numbered tasks in turn. It is kept for reuse, by one caller
// at a time. No two tasks may add to one sum: which thread does which task is left to chance.
type Team struct {
	work    func(worker int)
	task    func(worker, i int) // of Do
	help    func()
	count   int64
	next    atomic.Int64
	workers atomic.Int64
	left    atomic.Int64 // helpers that are not done
	wait    sync.WaitGroup
}

// NewTeam returns a team for [Team.Do].
func NewTeam() *Team {
	t := new(Team)
	return t.working(func(worker int) {
		for i, ok := t.Next(); ok; i, ok = t.Next() {
			t.task(worker, i)
		}
	})
}

// NewTeamOf returns a team for [Team.Run]: each time that it runs, each of its threads calls
// work once, which takes tasks by [Team.Next]. The caller's thread is worker 0.
func NewTeamOf(work func(worker int)) *Team { return new(Team).working(work) }

func (t *Team) working(work func(worker int)) *Team {
	t.work, t.help = work, func() { help(t) }
	return t
}

// Do calls task for i = 0 to count-1 on so many threads at most, the caller's among them,
// which is worker 0.
func (t *Team) Do(count, threads int, task func(worker, i int)) {
	t.task = task
	t.Run(count, threads)
}

// Next returns the number of a task that no thread has taken, or false if there is none.
func (t *Team) Next() (task int, ok bool) {
	i := t.next.Add(1) - 1
	return int(i), i < t.count
}

// Run has count tasks done by so many threads at most, the caller's among them.
func (t *Team) Run(count, threads int) {
	t.count = int64(count)
	t.next.Store(0)
	helpers := min(count, threads) - 1
	if helpers <= 0 {
		t.work(0)
		return
	}
	t.workers.Store(0)
	t.left.Store(int64(helpers))
	t.wait.Add(helpers)
	for range helpers {
		if !hire(t) {
			go t.help()
		}
	}
	t.work(0)
	for range dismiss(t) {
		t.left.Add(-1)
		t.wait.Done()
	}
	spin(func() bool { return t.left.Load() == 0 })
	t.wait.Wait()
}

// help is a helper's goroutine: it works for t, then for every team that hires it in time.
func help(t *Team) {
	for t != nil {
		t.work(int(t.workers.Add(1)))
		t.left.Add(-1)
		t.wait.Done()
		t = linger()
	}
}

// Waking a thread can take longer than a task. So a thread that has nothing to do spins for
// patience before it sleeps, and lets other goroutines run at every yield.
const (
	patience = 100 * time.Microsecond
	yield    = 20 * time.Microsecond
)

// spin waits until done returns true, which it reports, or patience has passed.
func spin(done func() bool) bool {
	if done() {
		return true
	}
	start := time.Now()
	next := yield
	for {
		for range 100 {
			if done() {
				return true
			}
		}
		switch waited := time.Since(start); {
		case waited > patience:
			return done()
		case waited > next:
			next += yield
			runtime.Gosched()
		}
	}
}

// idle has a place for each helper that lingers. The helper puts waiting there, and a team
// that has work replaces it by itself.
var (
	idle    [64]atomic.Pointer[Team]
	waiting = new(Team)
)

// hire gives t to a helper that lingers and reports whether there was one.
func hire(t *Team) bool {
	for i := range idle {
		if idle[i].Load() == waiting && idle[i].CompareAndSwap(waiting, t) {
			return true
		}
	}
	return false
}

// dismiss takes t back from the helpers that have not noticed it yet, and returns their
// number. By then all tasks are done, and such a helper may not run again for a long time.
func dismiss(t *Team) (n int) {
	for i := range idle {
		if idle[i].Load() == t && idle[i].CompareAndSwap(t, nil) {
			n++
		}
	}
	return n
}

// linger returns the team that hires this helper, or nil. After dismiss another helper may
// have taken this one's place: then one of the two takes the next team, or both give up.
func linger() *Team {
	for i := range idle {
		place := &idle[i]
		if place.Load() != nil || !place.CompareAndSwap(nil, waiting) {
			continue
		}
		if !spin(func() bool { return place.Load() != waiting }) && place.CompareAndSwap(waiting, nil) {
			return nil
		}
		if t := place.Swap(nil); t != waiting {
			return t
		}
		return nil
	}
	return nil
}
