package factorizers

import (
	"sync"
	"sync/atomic"
)

// crew runs the tasks of an iteration on several threads without allocating. Tasks
// must be independent of each other, so that it does not matter who runs which.
type crew struct {
	start []chan struct{}
	done  sync.WaitGroup
	task  func(worker, i int)
	count int64
	next  atomic.Int64
}

// newCrew starts so many workers, the caller being one; close ends them.
func newCrew(threads int) *crew {
	c := &crew{start: make([]chan struct{}, max(1, threads)-1)}
	for i := range c.start {
		c.start[i] = make(chan struct{})
		go func() {
			for range c.start[i] {
				c.work(i + 1)
				c.done.Done()
			}
		}()
	}
	return c
}

// do runs task for i = 0 to count-1, with the number of the worker that runs it.
func (c *crew) do(count int, task func(worker, i int)) {
	helpers := min(len(c.start), count-1)
	if helpers <= 0 {
		for i := range count {
			task(0, i)
		}
		return
	}
	c.task, c.count = task, int64(count)
	c.next.Store(0)
	c.done.Add(helpers)
	for _, s := range c.start[:helpers] {
		s <- struct{}{}
	}
	c.work(0)
	c.done.Wait()
}

func (c *crew) work(worker int) {
	for i := c.next.Add(1) - 1; i < c.count; i = c.next.Add(1) - 1 {
		c.task(worker, int(i))
	}
}

func (c *crew) close() {
	for _, s := range c.start {
		close(s)
	}
}
