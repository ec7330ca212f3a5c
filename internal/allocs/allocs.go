// Package allocs counts, in tests, what an inner loop allocates.
package allocs

import "testing"

// PerRun returns how often f allocates each time it runs, runs times in a row: the least of a few
// counts by [testing.AllocsPerRun]. On a busy machine a thread may be interrupted while it holds
// memory of a pool, and another gets new memory, so that one count says nothing; what f itself
// allocates is in all of them.
func PerRun(runs int, f func()) float64 {
	least := testing.AllocsPerRun(runs, f)
	for range 4 {
		if least < 1 {
			break
		}
		least = min(least, testing.AllocsPerRun(runs, f))
	}
	return least
}
