package factorizers

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// eachStart calls run for starts 0 to n-1, as many at once as there are processors, and
// returns the results in order, or the error of the first start that failed. run is told how
// many threads it may use, on which its result must not depend.
func eachStart[T any](n int, run func(i, threads int) (T, error)) ([]T, error) {
	together := min(n, runtime.GOMAXPROCS(0))
	threads := runtime.GOMAXPROCS(0) / together
	results, errs := make([]T, n), make([]error, n)
	var next atomic.Int64
	var all sync.WaitGroup
	for range together {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if results[i], errs[i] = run(i, threads); errs[i] != nil {
					return
				}
			}
		})
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return results, nil
}

// leastOf returns the last objective of each run, and which run has the least, the first of
// equals.
func leastOf[T any](runs []T, last func(T) float64) (ends []float64, best int) {
	for _, r := range runs {
		ends = append(ends, last(r))
	}
	return ends, slices.Index(ends, slices.Min(ends))
}
