package batch

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/audiosep/audiosep/batch/helper"
)

// results is where the results of a batch are, and what is known of items that are not done: a folder
// (state) or a store (far).
type results interface {
	// take takes the lease of an item; ok is false if somebody else has it.
	take(it *Item) (l lease, ok bool, err error)
	// begin notes that work on an item begins, and makes a folder for its results until they are
	// whole. before is how often work had begun and not ended: whoever was at it was killed.
	begin(it *Item) (dir string, before int, err error)
	ended(it *Item) // notes that work on an item has ended, whether well or not
	fail(why Failure, it *Item) error
	failure(it *Item) (Failure, bool)
	forgive(it *Item) // forgets that an item failed
	// publish puts the results of an item, which are whole, in their place.
	publish(ctx context.Context, it *Item, work string) error
	// done returns the done-file of an item that is done: one of the same id, whose outputs are
	// there in the lengths that it says. Nil: the item is not done.
	done(it *Item) *Done
	look(items []*Item) (*known, error)
	verify(ctx context.Context, it *Item, d *Done) error
	away() bool // the folder of begin is not where the results will be
}

// lease is the right to work on an item. It keeps others from the same work, and nothing depends on
// it but time: whoever works without one makes the same bytes.
type lease interface {
	refresh() error // gives a sign of life
	release()       // ends it, unless somebody else has it by now
}

// known is what has become of many items.
type known struct {
	done   map[*Item]*Done
	failed map[*Item]Failure
	leased map[*Item]time.Time // when whoever has a lease last gave a sign of life
}

func newKnown() *known {
	return &known{map[*Item]*Done{}, map[*Item]Failure{}, map[*Item]time.Time{}}
}

// lately is how old the sign of life is of whoever is taken to be at work, where that is only told.
const lately = 2 * time.Minute

// failureOf returns what a note of a failure says.
func failureOf(it *Item, text []byte) Failure {
	f := Failure{ID: it.ID, Name: it.Name, Input: it.Input[0], Error: "it is not known why"}
	json.Unmarshal(text, &f)
	return f
}

// resultsAt returns what is at out, a folder or a URL, for those who only look.
func resultsAt(ctx context.Context, out string, stores *opened, s *scratch) (results, error) {
	u, ok := helper.ParseURL(out)
	if !ok {
		return &state{out: out}, nil
	}
	store, err := stores.at(ctx, u.String())
	if err != nil {
		return nil, &storeError{u.String(), err}
	}
	return &far{ctx: ctx, url: u.String(), store: store, scratch: s}, nil
}

// ready returns what is at out, for those who do items.
func (r *runner) ready(ctx context.Context) (results, error) {
	at, err := resultsAt(context.WithoutCancel(ctx), r.Out, &r.stores, &r.scratch)
	if err != nil {
		return nil, err
	}
	f, ok := at.(*far)
	if !ok {
		st, err := newState(r.Out, r.Host, r.Lease)
		if err == nil {
			st.sweepLeases()
		}
		return st, err
	}
	f.host, f.ttl, f.log = r.Host, r.Lease, r.Log
	if err := f.ready(); err != nil {
		return nil, err
	}
	if !f.conditional {
		r.Log.Warn("the store writes objects whatever their condition is: several runs may do the same items, which costs time and no result", slog.String("store", f.url))
	}
	return f, nil
}
