package factorizers

import (
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/audiosep/audiosep"
)

// progress tells how far all starts together have come. The last step is that of the start
// that is kept, whichever ended last.
type progress struct {
	env      audiosep.Env
	each, of int // iterations of a start, and of all
	done     atomic.Int64
}

func newProgress(env audiosep.Env, iterations, starts int) *progress {
	return &progress{env: env, each: iterations, of: iterations * starts}
}

// step tells that a start is n iterations further, with an objective.
func (p *progress) step(n int, objective float64) {
	if done := int(p.done.Add(int64(n))); done < p.of {
		p.env.Report(audiosep.Step{Done: done, Of: p.of, Objective: objective})
	}
}

// skip tells that a start, which has told each of its objectives, does without the iterations
// that are left.
func (p *progress) skip(objective []float64) {
	if skipped := p.each - len(objective); skipped > 0 {
		p.step(skipped, objective[len(objective)-1])
	}
}

// end tells where the start that is kept ended.
func (p *progress) end(objective float64) {
	p.env.Report(audiosep.Step{Done: p.of, Of: p.of, Objective: objective})
}

// compared is end with factors, which are told of all starts where there were several. Where they are
// of fewer iterations than were asked for, the log has why.
func (p *progress) compared(f *audiosep.Factors, kept int, ends []float64) {
	p.end(ends[kept])
	if n := len(f.Objective); n < p.each {
		p.env.Logger().Info("ended early", slog.Int("iterations", n), slog.Int("of", p.each), slog.String("as", f.Stop))
	}
	if len(ends) > 1 {
		f.Restarts = ends
		p.env.Logger().Info("restarts compared", slog.Int("restarts", len(ends)), slog.Int("kept", kept),
			slog.Float64("least", ends[kept]), slog.Float64("greatest", slices.Max(ends)))
	}
}

// leastOfStarts calls run for starts 0 to n-1, as many at once as there are processors, and
// returns the result that ends least, the first of equals, which start it is and where each
// ended, or the error of the first start that failed. Of results it holds one for each start
// that runs and the least. run is told how many threads it may use, on which its result must
// not depend.
func leastOfStarts[T any](n int, run func(i, threads int) (T, error), last func(T) float64) (best T, kept int, ends []float64, err error) {
	together := min(n, runtime.GOMAXPROCS(0))
	threads := runtime.GOMAXPROCS(0) / together
	ends, kept = make([]float64, n), -1
	failed := n
	var mu sync.Mutex
	var next atomic.Int64
	var all sync.WaitGroup
	for range together {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				result, fault := run(i, threads)
				mu.Lock()
				if fault != nil {
					if i < failed {
						failed, err = i, fault
					}
					mu.Unlock()
					return
				}
				ends[i] = last(result)
				if kept < 0 || ends[i] < ends[kept] || ends[i] == ends[kept] && i < kept {
					best, kept = result, i
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return best, kept, ends, err
}
