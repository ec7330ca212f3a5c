package batch

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/audiosep/audiosep/batch/helper"
)

// Work by a queue: Dispatch puts items into it, Work takes them. The queue carries them and nothing
// else: an item is done when its done-file is there, whatever the queue says, and what a queue has lost
// is put into it again.

// queued is what a queue carries: a line of the manifest, what it has in common with the others, and
// where its results are to be.
type queued struct {
	Out    string  `json:"out"`
	Header *Header `json:"header"`
	Item   *Item   `json:"item"`
}

// mostQueued is how many items are in a queue at a time: more than any fleet is at work on.
const mostQueued = 4096

// dispatcher is a run whose items are done by a queue.
type dispatcher struct {
	*runner
	q    helper.Queue
	name string         // of the run in the queue
	todo []*Item        // to be put into it
	out  map[*Item]bool // are in it, or were
	seen sightings      // leases of those
}

// Dispatch does the items that are not done by a queue: it puts them into it, works itself with so many
// jobs as o says, and ends when all are done or have failed, whoever did them. It is [Run] otherwise.
func Dispatch(ctx context.Context, items []*Item, q helper.Queue, o Options) (*Summary, error) {
	o.Shard, o.Steal, o.Wait = Shard{}, false, false
	r, err := begin(ctx, items, o)
	if err != nil {
		return nil, err
	}
	defer r.close()
	d := &dispatcher{runner: r, q: q, name: rand.Text(), todo: r.queue, out: map[*Item]bool{}}
	for _, it := range r.again {
		r.state.forgive(it) // it is tried again
	}
	own, stop := context.WithCancel(ctx)
	defer stop()
	working := make(chan error, 1)
	go func() { working <- Work(own, q, o, 0) }()
	err = d.watch(ctx, working)
	stop()
	if left := q.Drop(context.WithoutCancel(ctx), d.name); left != nil && err == nil && len(d.out) > 0 {
		r.summary.Stopped = left.Error()
	}
	if worked := <-working; err == nil && worked != nil && len(d.out)+len(d.todo) > 0 {
		err = worked
	}
	switch far := (*storeError)(nil); {
	case ctx.Err() != nil:
		r.summary.Stopped, err = "it was told to stop", nil
	case full(err) || errors.As(err, &far) || errors.Is(err, errQueue):
		r.summary.Stopped, err = err.Error(), nil
	}
	if settled := r.settle(); settled != nil && err == nil && r.summary.Stopped == "" {
		r.summary.Stopped = settled.Error()
	}
	return &r.summary, err
}

// errQueue says that the queue is out of reach.
var errQueue = errors.New("the queue cannot be reached")

// watch puts items into the queue and looks what has become of them, until nothing is left.
func (d *dispatcher) watch(ctx context.Context, working chan error) error {
	for {
		for len(d.todo) > 0 && len(d.out) < mostQueued {
			if err := d.put(ctx, d.todo[0]); err != nil {
				return err
			}
			d.out[d.todo[0]] = true
			d.todo = d.todo[1:]
		}
		began := time.Now()
		// First how many wait, then what is done: what has ended in between is seen.
		waiting, err := d.q.Waiting(ctx, d.name)
		if err != nil {
			return fmt.Errorf("%w: %w", errQueue, err)
		}
		if err := d.look(ctx, waiting == 0); err != nil {
			return err
		}
		if len(d.out) == 0 && len(d.todo) == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-working:
			working <- err
			return err
		case <-time.After(max(poll, 10*time.Since(began))): // a tenth of the time at most
		}
	}
}

func (d *dispatcher) put(ctx context.Context, it *Item) error {
	text, err := json.Marshal(queued{d.Out, it.Header, it})
	if err == nil {
		if err = d.q.Put(ctx, d.name, text); err != nil {
			err = fmt.Errorf("%w: %w", errQueue, err)
		}
	}
	return err
}

// look finds out which items have ended. lost says that none are in the queue: what nobody is at work on
// has been lost, and is put into it again.
func (d *dispatcher) look(ctx context.Context, lost bool) error {
	items := make([]*Item, 0, len(d.out))
	for _, it := range d.own {
		if d.out[it] {
			items = append(items, it)
		}
	}
	k, err := d.state.look(items)
	if err != nil {
		return err
	}
	for _, it := range items {
		why, failed := k.failed[it]
		silent := d.silent(it, k.leased[it])
		switch done := k.done[it]; {
		case done != nil:
			d.end(it, Event{State: "done", Item: it, Done: done})
		case failed:
			d.end(it, Event{State: "failed", Item: it, Err: errors.New(why.Error)})
		case lost && silent:
			if err := d.put(ctx, it); err != nil {
				return err
			}
		}
	}
	return nil
}

// silent tells whether nobody gives signs of life for an item: there is no lease (leased is zero), or it has been
// the same for the time to live, by the clock of this machine: that of the results may be another.
func (d *dispatcher) silent(it *Item, leased time.Time) bool {
	if leased.IsZero() {
		d.seen.forget(it.key())
		return true
	}
	return d.seen.silent(it.key(), leased.String(), d.Lease)
}

// end counts an item that has ended.
func (d *dispatcher) end(it *Item, e Event) {
	delete(d.out, it)
	d.seen.forget(it.key())
	d.mu.Lock()
	d.left -= it.Seconds
	if e.State == "done" {
		d.summary.Done++
	} else {
		d.failed[it] = true
	}
	d.mu.Unlock()
	d.event(e)
}

// Work takes items from a queue and does them, so many at a time as o says, until ctx is done, or for
// idle (if it is not 0) there was none. Where results go is in the queue. An error ends it: what it has
// in hand others get.
func Work(ctx context.Context, q helper.Queue, o Options, idle time.Duration) error {
	if o.Open != nil { // a store stays open from one item to the next
		stores := &opened{open: o.Open}
		defer stores.close()
		o.Open = func(ctx context.Context, url string) (helper.Store, error) {
			s, err := stores.at(ctx, url)
			return unclosed{s}, err
		}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	w := &taker{Options: o, q: q, idle: idle}
	if o.Memory > 0 {
		w.room = semaphore.NewWeighted(o.Memory)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var jobs sync.WaitGroup
	var once sync.Once
	var first error
	for range max(1, o.Jobs) {
		jobs.Go(func() {
			if err := w.job(ctx); err != nil {
				once.Do(func() { first = err })
				cancel()
			}
		})
	}
	jobs.Wait()
	return first
}

// unclosed is a store that others close.
type unclosed struct{ helper.Store }

func (unclosed) Close() error { return nil }

// taker takes items from a queue.
type taker struct {
	Options
	q    helper.Queue
	idle time.Duration
	room *semaphore.Weighted
	told sync.Once // that there is what cannot be read
}

// job does one item after the other.
func (w *taker) job(ctx context.Context) error {
	k := &keeper{start: w.Worker}
	defer k.end()
	last := time.Now()
	for ctx.Err() == nil && (w.idle == 0 || time.Since(last) < w.idle) {
		t, err := w.q.Take(context.WithoutCancel(ctx)) // what was taken must not be forgotten
		if err != nil {
			return fmt.Errorf("%w: %w", errQueue, err)
		}
		if t == nil {
			continue
		}
		well, err := w.one(ctx, t, k)
		// An end that does not get through has the item handed out again, and found done.
		w.q.End(context.WithoutCancel(ctx), t.ID, well)
		if err != nil {
			return err
		}
		if well {
			last = time.Now()
		}
	}
	return nil
}

// one does an item, and tells whether nobody else need do it.
func (w *taker) one(ctx context.Context, t *helper.Taken, k *keeper) (well bool, err error) {
	var it queued
	if err := json.Unmarshal(t.Text, &it); err != nil || it.Header == nil || it.Item == nil || !safeName(it.Item.Name) || len(it.Item.Input) == 0 || len(it.Item.Input) != len(it.Item.SHA256) {
		w.told.Do(func() {
			w.Log.Warn("the queue has items that are none of this version's; they are left to others", "version", w.Version, "size", len(t.Text))
		})
		return false, nil
	}
	it.Item.Header = it.Header
	if it.Header.Version != w.Version {
		return false, fmt.Errorf("the items in the queue were planned by version %s, and this is %s; want the same", it.Header.Version, w.Version)
	}
	weight := min(max(it.Item.Memory, 1), w.Memory)
	if w.room != nil {
		if w.room.Acquire(ctx, weight) != nil {
			return false, nil
		}
		defer w.room.Release(weight)
	}
	o := w.Options
	o.Out, o.Jobs, o.Shard, o.Memory, o.Worker, o.Watch, o.TimeLimit = it.Out, 1, Shard{}, 0, k.worker, nil, 0
	o.Failed, o.Steal, o.Wait = false, false, false // whoever put it into the queue has chosen it
	s, err := Run(ctx, []*Item{it.Item}, o)
	switch {
	case err != nil:
		return false, err
	case s.Code() != ExitStopped:
		return true, nil
	case ctx.Err() != nil:
		return false, nil
	}
	return false, fmt.Errorf("%s: %s", cmp.Or(it.Item.Name, "an item"), s.Stopped)
}

// keeper keeps a worker from one run to the next, as long as it is any good.
type keeper struct {
	start func() (Worker, error)
	Worker
	bad bool
}

func (k *keeper) worker() (_ Worker, err error) {
	if k.Worker == nil {
		k.bad = false
		k.Worker, err = k.start()
	}
	return k, err
}

func (k *keeper) Do(ctx context.Context, t Task, step func(Progress)) (*Done, error) {
	d, err := k.Worker.Do(ctx, t, step)
	k.bad = ctx.Err() != nil || errors.As(err, new(*DiedError))
	return d, err
}

// Close ends a worker that is no good any more.
func (k *keeper) Close() error {
	if !k.bad {
		return nil
	}
	return k.end()
}

func (k *keeper) end() error {
	if k.Worker == nil {
		return nil
	}
	err := k.Worker.Close()
	k.Worker = nil
	return err
}
