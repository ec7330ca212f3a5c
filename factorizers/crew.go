package factorizers

import "github.com/audiosep/audiosep/internal/threads"

// crew runs the tasks of an iteration on several threads without allocating. Tasks
// must be independent of each other, so that it does not matter who runs which.
type crew struct {
	threads int
	team    *threads.Team
	task    func(worker, i int)
}

// newCrew returns a crew of so many workers, the caller being one.
func newCrew(n int) *crew {
	c := &crew{threads: max(1, n)}
	c.team = threads.NewTeam(c.work)
	return c
}

// do runs task for i = 0 to count-1, with the number of the worker that runs it.
func (c *crew) do(count int, task func(worker, i int)) {
	c.task = task
	c.team.Run(count, c.threads)
}

func (c *crew) work(worker int) {
	for i, ok := c.team.Next(); ok; i, ok = c.team.Next() {
		c.task(worker, i)
	}
}
