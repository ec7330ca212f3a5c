package batch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/audiosep/audiosep/batch/helper"
)

// line is a queue in memory. One that is not ended well is handed out again.
type line struct {
	mu    sync.Mutex
	n     int
	left  map[string][]byte // by id
	taken map[string]bool
	puts  int
	cut   error
}

func (l *line) Put(_ context.Context, _ string, text []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.n++
	l.puts++
	l.left[fmt.Sprintf("%06d", l.n)] = text
	return l.cut
}

func (l *line) Take(context.Context) (*helper.Taken, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(l.left)) {
		if !l.taken[id] {
			l.taken[id] = true
			return &helper.Taken{ID: id, Text: l.left[id]}, l.cut
		}
	}
	l.mu.Unlock()
	time.Sleep(5 * time.Millisecond)
	l.mu.Lock()
	return nil, l.cut
}

func (l *line) End(_ context.Context, id string, well bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.taken, id)
	if well {
		delete(l.left, id)
	}
	return nil
}

func (l *line) Waiting(context.Context, string) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.left), l.cut
}

func (l *line) Drop(context.Context, string) error { l.lose(); return nil }
func (l *line) Close() error                       { return nil }

func (l *line) lose() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.left)
	clear(l.taken)
}

func newLine() *line { return &line{left: map[string][]byte{}, taken: map[string]bool{}} }

// Several workers do what a queue hands out; one goes, the queue is lost, twice, with what is in it: all
// is done, in whole, by the same worker processes from item to item.
func TestQueueIsLost(t *testing.T) {
	out, all, q := t.TempDir(), items(60), newLine()
	os.MkdirAll(filepath.Join(out, stateFolder, "failed"), 0o777)
	os.WriteFile(filepath.Join(out, stateFolder, "failed", all[7].key()), []byte("{}\n"), 0o600) // of a run before
	var mu sync.Mutex
	count, started := 0, 0
	ctx, gone := context.WithCancel(t.Context())
	o := Options{Out: out, Version: "test", Lease: 300 * time.Millisecond, Jobs: 2, Worker: func() (Worker, error) {
		mu.Lock()
		defer mu.Unlock()
		started++
		return worker{func(ctx context.Context, t Task) error {
			mu.Lock()
			count++
			n := count
			mu.Unlock()
			switch n {
			case 10, 30:
				q.lose()
			case 20:
				gone()
			}
			if t.Item.Name == "item5" {
				return errors.New("it is silent")
			}
			return ctx.Err()
		}}, nil
	}}
	var workers sync.WaitGroup
	for range 2 {
		workers.Go(func() {
			if err := Work(ctx, q, o, 0); err != nil {
				t.Error(err)
			}
		})
	}
	s, err := Dispatch(t.Context(), all, q, o)
	if err != nil || s.Code() != ExitFailed || s.Done != 59 || len(s.Failures) != 1 || s.Failures[0].Error != "it is silent" {
		t.Fatalf("%+v, %v; want 59 done and one failed", s, err)
	}
	workers.Wait()
	if n := len(q.left); n > 0 || q.puts <= 60 {
		t.Errorf("%d items are left in the queue, after %d were put; want none, and some again", n, q.puts)
	}
	if started > 12 {
		t.Errorf("%d workers were started for 6 jobs; want them kept", started)
	}
	complete(t, slices.Delete(slices.Clone(all), 5, 6), out, "failed")
	before := q.puts
	if s, err = Dispatch(t.Context(), all[:5], q, o); err != nil || s.Code() != ExitDone || q.puts != before {
		t.Errorf("%+v, %v, %d put; want nothing to do", s, err, q.puts-before)
	}
}

// What has failed, and nothing else, is tried again by a queue, too, and is done.
func TestQueueRetries(t *testing.T) {
	out, all, q := t.TempDir(), items(5), newLine()
	os.MkdirAll(filepath.Join(out, stateFolder, "failed"), 0o777)
	for _, it := range all[:2] {
		os.WriteFile(filepath.Join(out, stateFolder, "failed", it.key()), []byte("{}\n"), 0o600)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s, err := Dispatch(ctx, all, q, Options{Out: out, Version: "test", Failed: true, Worker: by(nil)})
	if err != nil || s.Code() != ExitDone || s.Done != 2 || q.puts != 2 {
		t.Errorf("%+v, %v, %d were put; want 2 done", s, err, q.puts)
	}
	if k := look(t, all, out, false); k.Done != 2 || k.Left != 3 {
		t.Errorf("%v; want 2 done and 3 left", k)
	}
}

// A queue that cannot be reached stops a run so that it can go on; a worker of another version leaves
// items to others, and what is no item.
func TestQueueStops(t *testing.T) {
	q, all := newLine(), items(3)
	o := Options{Out: t.TempDir(), Version: "other", Worker: by(nil)}
	if s, err := Dispatch(t.Context(), all, q, o); err == nil || !strings.Contains(err.Error(), "were planned by version test, and this is other") {
		t.Errorf("another version: %+v, %v", s, err)
	}
	o.Version = "test"
	q.cut = errors.New("the line is cut")
	if s, err := Dispatch(t.Context(), all, q, o); err != nil || s.Code() != ExitStopped || !strings.Contains(s.Stopped, "the line is cut") {
		t.Errorf("no queue: %+v, %v", s, err)
	}
	q.cut = nil
	for _, text := range []string{"{}", "RIFF", `{"header":{},"item":{"name":"../a","input":["a"],"sha256":["b"]}}`} {
		q.Put(t.Context(), "", []byte(text))
	}
	var said bytes.Buffer
	o.Log = slog.New(slog.NewTextHandler(&said, nil))
	if err := Work(t.Context(), q, o, 20*time.Millisecond); err != nil || len(q.left) != 3 || strings.Count(said.String(), "\n") != 1 {
		t.Errorf("%d left, %v, it says %q; want what is no item left to others, and told once", len(q.left), err, said.String())
	}
	q.lose()
	ctx, stop := context.WithCancel(t.Context())
	o.Worker = by(func(ctx context.Context, _ Task) error { stop(); <-ctx.Done(); return ctx.Err() })
	if s, err := Dispatch(ctx, all, q, o); err != nil || s.Code() != ExitStopped || len(q.left) > 0 {
		t.Errorf("told to stop: %+v, %v, %d left in the queue", s, err, len(q.left))
	}
}
