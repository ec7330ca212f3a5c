package batch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/audiosep/audiosep/batch/helper"
)

// Options are the ways to run a batch. Out and Worker must be given.
type Options struct {
	Out    string // the folder of all results, or a URL
	Worker func() (Worker, error)
	Open   helper.Opener // opens URLs, of results and of inputs; nil: there are none
	Jobs   int           // items at a time; 0: one
	Shard  Shard         // of the manifest; zero: all of it
	Steal  bool          // take other shards' items when there are no more of the own
	// Wait stays until all items of the manifest are done or have failed, whoever does them.
	Wait      bool
	Memory    int64         // bytes that items at work may be estimated to take together; 0: any
	TimeLimit time.Duration // after which nothing is at work any more; 0: none
	Grace     time.Duration // that items in hand have to end when the run is stopped
	Lease     time.Duration // after so long without a sign of life others take an item; 0: a minute
	Tries     int           // how often work on an item may be killed before it has failed; 0: five
	Version   string        // of the program, for work by a queue
	Failed    bool          // do the items that have failed, and no others
	Host      string        // name of this machine; empty: its own
	Watch     func(Event)   // told what happens, one event at a time; may be nil
	Log       *slog.Logger  // nil: nothing is logged
}

// Event is something that happened in a run.
type Event struct {
	State    string // begun, step, done, failed, dropped
	Item     *Item
	Stolen   bool // the item is another shard's
	Progress Progress
	Done     *Done
	Err      error
	// Of so many items of the shard, so many are done, or have failed; the others will take
	// so long, going by those that are.
	Finished, Failed, Of int
	Left                 time.Duration
}

// Summary is what a run leaves.
type Summary struct {
	Of       int // items of the shard
	Done     int // of them, before the run and in it
	Before   int // of them, before the run
	Stolen   int // items of other shards that were done
	Failures []Failure
	Stopped  string // why it ended before all was tried; empty: it did not
}

// Exit codes of runs.
const (
	ExitDone    = 0
	ExitFaults  = 2 // the pipeline, or the command line, is wrong
	ExitFailed  = 3 // all was tried, and some items failed
	ExitStopped = 4 // it was stopped; running it again goes on
)

// Code returns the exit code that a summary stands for.
func (s *Summary) Code() int {
	switch {
	case s.Stopped != "":
		return ExitStopped
	case len(s.Failures) > 0:
		return ExitFailed
	case s.Done < s.Of:
		return ExitStopped
	}
	return ExitDone
}

// Run does the items of a shard that are not done. When ctx is done it begins no more, gives
// those in hand the grace to end, and drops them. An error means that nothing can be done
// this way: the pipeline is wrong, the folder of results cannot be written.
func Run(ctx context.Context, items []*Item, o Options) (*Summary, error) {
	r, err := begin(ctx, items, o)
	if err != nil {
		return nil, err
	}
	defer r.close()
	return r.run(ctx)
}

// begin finds out what there is to do. The runner must be closed.
func begin(ctx context.Context, items []*Item, o Options) (_ *runner, err error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Jobs, o.Tries, o.Lease = max(1, o.Jobs), cmp.Or(o.Tries, 5), cmp.Or(o.Lease, time.Minute)
	if o.Host == "" {
		o.Host, _ = os.Hostname()
	}
	r := &runner{Options: o, stores: opened{open: o.Open}, held: map[lease]bool{}, fatal: make(chan struct{})}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.close())
		}
	}()
	if r.state, err = r.ready(ctx); err != nil {
		return nil, err
	}
	if o.Memory > 0 {
		r.room = semaphore.NewWeighted(o.Memory)
	}
	return r, r.share(items)
}

func (r *runner) close() error { return errors.Join(r.stores.close(), r.scratch.close()) }

// runner is one run of a batch.
type runner struct {
	Options
	state   results
	stores  opened
	scratch scratch
	room    *semaphore.Weighted
	own     []*Item // all of the shard that are asked for

	mu      sync.Mutex
	queue   []*Item // own, to be done
	others  []*Item // to be stolen
	again   []*Item // of queue, those that have failed before
	waiting []*Item // somebody else is at work on
	atWork  int
	held    map[lease]bool
	summary Summary
	failed  map[*Item]bool
	left    float64 // estimated seconds of own items that are not done
	// What was estimated for the items that were done, and what they took.
	estimated, took float64
	deadline        time.Time // zero: none
	short           bool      // there is no time for what is left
	err             error     // that ended everything
	fatal           chan struct{}
	ending          sync.Once
	watching        sync.Mutex
}

// share finds out which items are to be done, and in which order.
func (r *runner) share(items []*Item) error {
	r.failed = map[*Item]bool{}
	k, err := r.state.look(items)
	if err != nil {
		return err
	}
	for _, it := range items {
		if r.Failed {
			if _, ok := k.failed[it]; !ok {
				continue
			}
		}
		switch {
		case !r.Shard.Has(it):
			r.others = append(r.others, it)
			continue
		case k.done[it] != nil:
			r.summary.Before++
		default:
			r.queue = append(r.queue, it)
			r.left += it.Seconds
			if _, ok := k.failed[it]; ok {
				r.again = append(r.again, it)
			}
		}
		r.own = append(r.own, it)
	}
	r.summary.Of, r.summary.Done = len(r.own), r.summary.Before
	if r.Failed {
		for _, it := range r.own {
			r.state.forgive(it)
		}
	}
	if !r.Steal && !r.Wait {
		r.others = nil
	}
	// Each thief goes through the others' items in an order of its own.
	own := mix(uint64(r.Shard.Index) + 1)
	slices.SortFunc(r.others, func(a, b *Item) int { return cmp.Compare(mix(a.number()^own), mix(b.number()^own)) })
	return nil
}

func (r *runner) run(ctx context.Context) (*Summary, error) {
	stop, stopped := context.WithCancel(ctx) // begin nothing more
	defer stopped()
	work, drop := context.WithCancel(context.WithoutCancel(ctx)) // drop what is in hand
	defer drop()
	if r.TimeLimit > 0 {
		r.deadline = time.Now().Add(r.TimeLimit)
		defer time.AfterFunc(r.TimeLimit, func() {
			r.end("the time limit of "+r.TimeLimit.String()+" is over", nil)
			drop()
		}).Stop()
	}
	defer context.AfterFunc(ctx, func() { r.end("it was told to stop", nil) })()
	go func() {
		select {
		case <-r.fatal:
			stopped()
			select {
			case <-time.After(r.Grace):
			case <-work.Done():
			}
			drop()
		case <-work.Done():
		}
	}()
	go r.refresh(work)
	var jobs sync.WaitGroup
	for range r.Jobs {
		jobs.Go(func() { r.job(stop, work) })
	}
	jobs.Wait()
	r.ending.Do(func() {})
	if r.short && r.summary.Stopped == "" {
		r.summary.Stopped = fmt.Sprintf("of the time limit of %v there is not enough left for another item", r.TimeLimit)
	}
	if err := r.settle(); err != nil && r.err == nil && r.summary.Stopped == "" {
		r.summary.Stopped = err.Error()
	}
	return &r.summary, r.err
}

// end stops the run, the first time that it is called.
func (r *runner) end(why string, err error) {
	r.ending.Do(func() {
		r.mu.Lock()
		r.summary.Stopped, r.err = why, err
		r.mu.Unlock()
		close(r.fatal)
	})
}

// settle counts what has become of the shard's items.
func (r *runner) settle() error {
	k, err := r.state.look(r.own)
	if err != nil {
		return err
	}
	r.summary.Done = 0
	for _, it := range r.own {
		if k.done[it] != nil {
			r.summary.Done++
		} else if f, ok := k.failed[it]; ok {
			r.summary.Failures = append(r.summary.Failures, f)
		}
	}
	if r.summary.Done+len(r.summary.Failures) == r.summary.Of && r.err == nil {
		r.summary.Stopped = "" // too late to matter
	} else if r.summary.Stopped == "" && r.summary.Done+len(r.summary.Failures) < r.summary.Of {
		r.summary.Stopped = "some items are not done and have not failed"
	}
	return nil
}

// refresh gives signs of life for all leases until the run ends.
func (r *runner) refresh(ctx context.Context) {
	tick := time.NewTicker(max(r.Lease/4, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		r.mu.Lock()
		var all []lease
		for l := range r.held {
			all = append(all, l)
		}
		r.mu.Unlock()
		for _, l := range all {
			l.refresh() // if it cannot, others may do the same work; the results are the same
		}
	}
}

// poll is how long to wait for what others are at work on.
const poll = 300 * time.Millisecond

// job does items until there are none, or the run is stopped.
func (r *runner) job(stop, work context.Context) {
	var w Worker
	defer func() {
		if w != nil {
			w.Close()
		}
	}()
	for stop.Err() == nil {
		it, stolen, more := r.next()
		if it == nil && !more {
			return
		}
		if it == nil {
			select {
			case <-stop.Done():
			case <-time.After(poll):
			}
			continue
		}
		weight := min(max(it.Memory, 1), r.Memory)
		if r.room != nil && r.room.Acquire(stop, weight) != nil {
			r.back(it)
			return
		}
		w = r.attempt(stop, work, w, it, stolen)
		if r.room != nil {
			r.room.Release(weight)
		}
	}
}

// next returns an item to be done: the shard's own, one that somebody else was at work on,
// another shard's. more says that there may be one later.
func (r *runner) next() (it *Item, stolen, more bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer func() {
		if it != nil {
			r.atWork++
		}
	}()
	if len(r.queue) > 0 {
		for i, it := range r.queue {
			if r.fits(it) {
				r.queue = slices.Delete(r.queue, i, i+1)
				return it, false, true
			}
		}
		r.short = true
		return nil, false, false
	}
	if n := len(r.others); n > 0 {
		it, r.others = r.others[0], r.others[1:]
		return it, true, true
	}
	if len(r.waiting) > 0 {
		it, r.waiting = r.waiting[0], r.waiting[1:]
		return it, !r.Shard.Has(it), true
	}
	return nil, false, r.atWork > 0 // which may come back
}

// fits tells whether there is time for an item.
func (r *runner) fits(it *Item) bool {
	return r.deadline.IsZero() || time.Duration(it.Seconds*r.ratio()*float64(time.Second)) < time.Until(r.deadline)
}

// ratio is how much longer items take than was estimated.
func (r *runner) ratio() float64 {
	if r.estimated <= 0 {
		return 1
	}
	return r.took / r.estimated
}

// back puts an item back that was not begun.
func (r *runner) back(it *Item) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.atWork--
	r.waiting = append(r.waiting, it)
}

// leave is done with an item for this run.
func (r *runner) leave(it *Item) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.atWork--
	if r.Shard.Has(it) {
		r.left -= it.Seconds
	}
}

// attempt tries to do an item. It returns the worker, nil if it is no good any more.
func (r *runner) attempt(stop, work context.Context, w Worker, it *Item, stolen bool) Worker {
	if r.settled(it, stolen) {
		return w
	}
	l, ok, err := r.state.take(it)
	switch {
	case err != nil:
		r.leave(it)
		r.broken(fmt.Errorf("the lease of %s cannot be taken: %w", it.Name, err))
		return w
	case !ok && stolen && !r.Wait:
		r.leave(it)
		return w
	case !ok:
		r.back(it)
		select { // so that a run whose items are all with others does not spin
		case <-stop.Done():
		case <-time.After(poll):
		}
		return w
	}
	r.hold(l, true)
	defer func() {
		r.hold(l, false)
		l.release()
	}()
	if r.settled(it, stolen) { // while the lease was being taken
		return w
	}
	dir, before, err := r.state.begin(it)
	if err != nil {
		os.RemoveAll(dir)
		r.leave(it)
		r.broken(err)
		return w
	}
	if before >= r.Tries {
		os.RemoveAll(dir)
		r.fail(it, stolen, fmt.Errorf("work on it was killed %d times; it is estimated to need %.0f MB of memory: give it more, and retry", before, float64(it.Memory)/1e6), before)
		return w
	}
	return r.do(work, w, it, stolen, dir)
}

// settled tells whether there is nothing to do for an item, and counts it.
func (r *runner) settled(it *Item, stolen bool) bool {
	if d := r.state.done(it); d != nil {
		r.leave(it)
		if !stolen {
			r.mu.Lock()
			r.summary.Done++
			r.mu.Unlock()
		}
		r.event(Event{State: "done", Item: it, Stolen: stolen, Done: d})
		return true
	}
	r.mu.Lock()
	here := r.failed[it]
	r.mu.Unlock()
	if stolen || here {
		if _, failed := r.state.failure(it); failed {
			r.leave(it)
			return true
		}
	}
	return false
}

func (r *runner) hold(l lease, held bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if held {
		r.held[l] = true
	} else {
		delete(r.held, l)
	}
}

// do does an item that this run has the lease of.
func (r *runner) do(work context.Context, w Worker, it *Item, stolen bool, dir string) Worker {
	var err error
	if w == nil {
		if w, err = r.Worker(); err != nil {
			os.RemoveAll(dir)
			r.leave(it)
			r.state.ended(it)
			r.broken(fmt.Errorf("a worker cannot be started: %w", err))
			return nil
		}
	}
	start := time.Now()
	r.event(Event{State: "begun", Item: it, Stolen: stolen})
	d, err := r.make(work, w, it, stolen, dir)
	var died *DiedError
	var far *storeError
	switch {
	case err == nil:
		r.finish(it, stolen, d, time.Since(start))
	case work.Err() != nil:
		r.state.ended(it)
		r.leave(it)
		r.event(Event{State: "dropped", Item: it, Stolen: stolen, Err: err})
		w.Close()
		return nil
	case errors.As(err, &died):
		r.Log.Warn("a worker died; its item is begun again", "item", it.Name, "why", died.Err)
		w.Close()
		r.back(it)
		return nil
	case IsFaults(err):
		r.state.ended(it)
		r.leave(it)
		r.end("the pipeline is wrong", err)
	case full(err), errors.As(err, &far):
		r.state.ended(it)
		r.leave(it)
		r.event(Event{State: "dropped", Item: it, Stolen: stolen, Err: err})
		r.end(err.Error(), nil)
	default:
		r.fail(it, stolen, err, 0)
	}
	return w
}

// make has the worker make the results of an item, and puts them in their place.
func (r *runner) make(work context.Context, w Worker, it *Item, stolen bool, dir string) (d *Done, err error) {
	defer func() {
		if err != nil {
			os.RemoveAll(dir)
		}
	}()
	here, err := r.scratch.bring(work, it, &r.stores)
	if err != nil {
		return nil, err
	}
	defer here.close()
	d, err = w.Do(work, Task{it.Header, it, dir, here.files, r.state.away()}, func(p Progress) {
		r.event(Event{State: "step", Item: it, Stolen: stolen, Progress: p})
	})
	if err != nil {
		if plain := here.named(it, err.Error()); plain != err.Error() {
			err = &namedError{err, plain}
		}
		return nil, err
	}
	return d, r.state.publish(work, it, dir)
}

// namedError is an error whose text calls files what the item calls them.
type namedError struct {
	err  error
	text string
}

func (e *namedError) Error() string { return e.text }
func (e *namedError) Unwrap() error { return e.err }

// broken ends the run for a fault of the folder of results or of the program itself.
func (r *runner) broken(err error) {
	if far := (*storeError)(nil); full(err) || errors.As(err, &far) {
		r.end(err.Error(), nil)
		return
	}
	r.end(err.Error(), err)
}

func (r *runner) finish(it *Item, stolen bool, d *Done, took time.Duration) {
	r.state.forgive(it)
	r.leave(it)
	r.mu.Lock()
	r.estimated += it.Seconds
	r.took += took.Seconds()
	if stolen {
		r.summary.Stolen++
	} else {
		r.summary.Done++
	}
	r.mu.Unlock()
	r.event(Event{State: "done", Item: it, Stolen: stolen, Done: d})
}

// fail notes that an item failed. tries is how often work on it was killed.
func (r *runner) fail(it *Item, stolen bool, why error, tries int) {
	r.state.ended(it)
	r.leave(it)
	err := r.state.fail(Failure{it.ID, it.Name, it.Input[0], why.Error(), tries}, it)
	r.mu.Lock()
	r.failed[it] = true
	r.mu.Unlock()
	r.event(Event{State: "failed", Item: it, Stolen: stolen, Err: why})
	if err != nil {
		r.broken(err)
	}
}

// event tells whoever watches.
func (r *runner) event(e Event) {
	if r.Watch == nil {
		return
	}
	r.watching.Lock()
	defer r.watching.Unlock()
	r.mu.Lock()
	e.Of, e.Finished, e.Failed = r.summary.Of, r.summary.Done, len(r.failed)
	e.Left = time.Duration(max(0, r.left) * r.ratio() / float64(r.Jobs) * float64(time.Second))
	r.mu.Unlock()
	r.Watch(e)
}
