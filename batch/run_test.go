package batch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/audiosep/audiosep/pipeline"
	"github.com/audiosep/audiosep/pipeline/record"
)

// items returns n items that nobody planned.
func items(n int) (all []*Item) {
	h := &Header{Manifest: Format, Version: "test"}
	for i := range n {
		all = append(all, &Item{ID: fmt.Sprintf("id%d", i), Name: fmt.Sprintf("item%d", i), Input: []string{"in.wav"}, SHA256: []string{"sum"},
			Seconds: 0.01, Memory: 100, Header: h})
	}
	return all
}

// worker is a Worker that writes the item's id, after do, which may be nil, agrees.
type worker struct {
	do func(ctx context.Context, t Task) error
}

func (w worker) Close() error { return nil }

func (w worker) Do(ctx context.Context, t Task, _ func(Progress)) (*Done, error) {
	if w.do != nil {
		if err := w.do(ctx, t); err != nil {
			return nil, err
		}
	}
	if err := os.WriteFile(filepath.Join(t.Dir, "stem.wav"), []byte(t.Item.ID), 0o600); err != nil {
		return nil, err
	}
	d := newDone(t.Item, "test")
	var err error
	if d.Outputs, err = outputs(ctx, t.Dir, new(record.Record)); err != nil {
		return nil, err
	}
	return d, d.write(t.Dir)
}

func by(do func(ctx context.Context, t Task) error) func() (Worker, error) {
	return func() (Worker, error) { return worker{do}, nil }
}

// run runs a batch that must end with a code.
func run(t *testing.T, ctx context.Context, all []*Item, o Options, code int) *Summary {
	t.Helper()
	s, err := Run(ctx, all, o)
	if err != nil {
		t.Fatal(err)
	}
	if s.Code() != code {
		t.Fatalf("exit code %d (%+v); want %d", s.Code(), s, code)
	}
	return s
}

func look(t *testing.T, all []*Item, out string, verify bool) *Status {
	t.Helper()
	s, err := Look(t.Context(), all, Place{Out: out}, verify)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// complete fails unless every item is done, by its bytes, and nothing else is left in the folder but
// state of some kinds.
func complete(t *testing.T, all []*Item, out string, kinds ...string) {
	t.Helper()
	if s := look(t, all, out, true); s.Done != len(all) || len(s.Damaged) > 0 || s.AtWork > 0 {
		t.Errorf("%v; want %d done", s, len(all))
	}
	entries, _ := os.ReadDir(out)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") && e.Name() != stateFolder {
			t.Errorf("%s is left", e.Name())
		}
	}
	left, _ := filepath.Glob(filepath.Join(out, stateFolder, "*", "*"))
	left = slices.DeleteFunc(left, func(path string) bool { return slices.Contains(kinds, filepath.Base(filepath.Dir(path))) })
	if len(left) > 0 {
		t.Errorf("%v are left", left)
	}
}

// What is done is not done again; what is not, or of another id, or without its done-file or
// with an output of another length, is, and what others have put beside it stays.
func TestRunDoesWhatIsNotDone(t *testing.T) {
	out, all := t.TempDir(), items(12)
	var count atomic.Int64
	o := Options{Out: out, Jobs: 3, Worker: by(func(context.Context, Task) error { count.Add(1); return nil })}
	run(t, t.Context(), all, o, ExitDone)
	complete(t, all, out)
	os.Remove(filepath.Join(out, "item0", DoneFile))
	os.WriteFile(filepath.Join(out, "item1", "stem.wav"), []byte("cut off"), 0o600)
	os.WriteFile(filepath.Join(out, "item1", "mine.txt"), nil, 0o600)
	os.WriteFile(filepath.Join(out, "item2", DoneFile), []byte(`{"audiosep_done": 1`), 0o600)
	os.RemoveAll(filepath.Join(out, "item3"))
	all[4].ID = "another"
	count.Store(0)
	if s := run(t, t.Context(), all, o, ExitDone); count.Load() != 5 || s.Before != 7 {
		t.Errorf("%d items were done, %d before; want 5 and 7", count.Load(), s.Before)
	}
	complete(t, all, out)
	if _, err := os.Stat(filepath.Join(out, "item1", "mine.txt")); err != nil {
		t.Error(err)
	}
}

// Items that fail are listed and keep nobody else from being done; a run tries them again, and
// retry them alone.
func TestRunFails(t *testing.T) {
	out, all := t.TempDir(), items(8)
	bad := true
	var count atomic.Int64
	o := Options{Out: out, Jobs: 2, Worker: by(func(_ context.Context, t Task) error {
		count.Add(1)
		if bad && (t.Item == all[3] || t.Item == all[5]) {
			return errors.New("it is silent")
		}
		return nil
	})}
	s := run(t, t.Context(), all, o, ExitFailed)
	if len(s.Failures) != 2 || s.Failures[0].Name != "item3" || s.Failures[0].Error != "it is silent" || s.Done != 6 {
		t.Errorf("%+v", s)
	}
	if st := look(t, all, out, false); st.Failed != 2 || st.Code() != ExitFailed {
		t.Errorf("status: %+v", st)
	}
	run(t, t.Context(), all, o, ExitFailed)
	os.RemoveAll(filepath.Join(out, "item0"))
	bad, o.Failed = false, true
	count.Store(0)
	if run(t, t.Context(), all, o, ExitDone); count.Load() != 2 {
		t.Errorf("retry did %d items; want the 2 that had failed", count.Load())
	}
	o.Failed = false
	run(t, t.Context(), all, o, ExitDone)
	complete(t, all, out)
}

// A worker that dies takes no more with it than its time; one item that kills all workers
// fails in the end.
func TestRunSurvivesWorkers(t *testing.T) {
	out, all := t.TempDir(), items(6)
	var once sync.Once
	o := Options{Out: out, Tries: 3, Worker: by(func(_ context.Context, t Task) (err error) {
		once.Do(func() { err = &DiedError{errors.New("signal: killed")} })
		if t.Item == all[4] {
			err = &DiedError{errors.New("signal: killed")}
		}
		return err
	})}
	s := run(t, t.Context(), all, o, ExitFailed)
	if s.Done != 5 || len(s.Failures) != 1 || !strings.Contains(s.Failures[0].Error, "killed 3 times") {
		t.Errorf("%+v", s)
	}
}

// A run that is told to stop, has no time left, or finds the disk full can go on later.
func TestRunStops(t *testing.T) {
	out, all := t.TempDir(), items(9)
	ctx, cancel := context.WithCancel(t.Context())
	o := Options{Out: out, Grace: time.Hour, Worker: by(func(_ context.Context, t Task) error {
		if t.Item == all[2] {
			cancel()
		}
		return nil
	})}
	if s := run(t, ctx, all, o, ExitStopped); s.Done != 3 { // what was in hand ends well
		t.Errorf("%+v; want 3 done", s)
	}
	ctx, cancel = context.WithCancel(t.Context())
	o.Grace, o.Worker = 0, by(func(ctx context.Context, t Task) error {
		cancel()
		<-ctx.Done()
		return ctx.Err()
	})
	if s := run(t, ctx, all, o, ExitStopped); s.Done != 3 { // what was in hand is dropped
		t.Errorf("%+v; want 3 done still", s)
	}
	o.Worker = by(func(context.Context, Task) error { return fmt.Errorf("stem.wav: %w", syscall.ENOSPC) })
	if s := run(t, t.Context(), all, o, ExitStopped); s.Done != 3 || !strings.Contains(s.Stopped, "no space") {
		t.Errorf("full disk: %+v", s)
	}
	all[8].Seconds = 1e6
	o.Worker, o.TimeLimit = by(nil), time.Hour
	if s := run(t, t.Context(), all, o, ExitStopped); s.Done != 8 || !strings.Contains(s.Stopped, "time limit") {
		t.Errorf("time limit: %+v", s)
	}
	o.TimeLimit = 0
	run(t, t.Context(), all, o, ExitDone)
	complete(t, all, out)
	o.Worker = by(func(context.Context, Task) error { return pipeline.Problems{{What: "no such stage"}} })
	if _, err := Run(t.Context(), items(10), o); !IsFaults(err) {
		t.Errorf("a wrong pipeline: %v", err)
	}
}

// Items at work never need more memory together than there is, though one alone may.
func TestRunFitsMemory(t *testing.T) {
	all := items(30)
	for i, it := range all {
		it.Memory = int64(100 * (1 + i%5))
	}
	all[7].Memory = 1e6
	var now, most atomic.Int64
	run(t, t.Context(), all, Options{Out: t.TempDir(), Jobs: 8, Memory: 700, Worker: by(func(_ context.Context, t Task) error {
		need := min(t.Item.Memory, 700)
		for n := now.Add(need); ; {
			m := most.Load()
			if n <= m || most.CompareAndSwap(m, n) {
				break
			}
		}
		time.Sleep(2 * time.Millisecond)
		now.Add(-need)
		return nil
	})}, ExitDone)
	if most.Load() > 700 || most.Load() < 500 {
		t.Errorf("items at work needed up to %d; want more than one at a time, and at most 700", most.Load())
	}
}

// Each of several shards does its own items; the first to end takes others'; none is done
// twice while leases hold.
func TestShardsSteal(t *testing.T) {
	out, all := t.TempDir(), items(40)
	var mu sync.Mutex
	count := map[string]int{}
	var runs sync.WaitGroup
	for i := range 3 {
		runs.Go(func() {
			o := Options{Out: out, Shard: Shard{i, 3}, Steal: true, Host: fmt.Sprint("host", i), Worker: by(func(_ context.Context, t Task) error {
				mu.Lock()
				count[t.Item.ID]++
				mu.Unlock()
				if i == 0 { // is slow
					time.Sleep(20 * time.Millisecond)
				}
				return nil
			})}
			if s, err := Run(t.Context(), all, o); err != nil || s.Code() != ExitDone {
				t.Errorf("shard %d: %+v, %v", i, s, err)
			}
		})
	}
	runs.Wait()
	complete(t, all, out)
	for id, n := range count {
		if n != 1 {
			t.Errorf("%s was done %d times", id, n)
		}
	}
}

// A lease keeps others off while its holder lives: by a lock on the same machine, by signs of
// life on another.
func TestLeases(t *testing.T) {
	out, it := t.TempDir(), items(1)[0]
	here, err := newState(out, "here", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	there := &state{out: out, host: "there", ttl: time.Hour}
	path := here.path("leases", it.key())
	silent := func() {
		t.Helper()
		long := time.Now().Add(-2 * time.Hour)
		if err := os.Chtimes(path, long, long); err != nil {
			t.Fatal(err)
		}
	}
	take := func(s *state, want bool, why string) *fileLease {
		t.Helper()
		l, ok, err := s.take(it)
		if ok != want || err != nil {
			t.Fatalf("%s: taken %v, %v; want %v", why, ok, err, want)
		}
		mine, _ := l.(*fileLease)
		return mine
	}
	l := take(here, true, "a free one")
	take(here, false, "one that is held, on its machine")
	take(there, false, "one that is held, on another machine")
	silent()
	if err := l.refresh(); err != nil {
		t.Fatal(err)
	}
	take(there, false, "one that was refreshed")
	seen := func(s *state, want bool, why string) {
		t.Helper()
		if _, ok := s.leased(it); ok != want {
			t.Errorf("%s: said to be held %v; want %v", why, ok, want)
		}
	}
	seen(here, true, "one that is held, on its machine")
	l.file.Close() // as if killed
	seen(here, false, "one whose holder is gone, on its machine")
	seen(there, true, "one whose holder is gone, on another machine")
	take(there, false, "one whose holder is gone, on another machine, at once")
	l = take(here, true, "one whose holder is gone, on its machine")
	silent()
	l2 := take(there, true, "a silent one")
	l.release() // which is not its own any more
	take(here, false, "one that another has ended, who has none")
	l2.release()
	if left, _ := filepath.Glob(filepath.Join(out, stateFolder, "leases", "*")); len(left) > 0 {
		t.Errorf("%v are left", left)
	}
}

// Whoever takes an item up after others were killed removes what they left.
func TestBeginCleans(t *testing.T) {
	out, it := t.TempDir(), items(1)[0]
	s, err := newState(out, "here", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	var dirs []string
	for i := range 3 {
		dir, before, err := s.begin(it)
		if err != nil || before != i {
			t.Fatalf("begun %d times before, %v; want %d", before, err, i)
		}
		dirs = append(dirs, dir)
	}
	for i, dir := range dirs {
		if _, err := os.Stat(dir); (err == nil) != (i == 2) {
			t.Errorf("folder %d of 3: %v; want the last alone to be there", i+1, err)
		}
	}
}

// Two who have done the same item can both put it in its place.
func TestPublishTwice(t *testing.T) {
	out, it := t.TempDir(), items(1)[0]
	s, err := newState(out, "here", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	var dirs []string
	for range 2 {
		dir, err := os.MkdirTemp(out, ".work")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := (worker{}).Do(t.Context(), Task{Header: it.Header, Item: it, Dir: dir}, nil); err != nil {
			t.Fatal(err)
		}
		dirs = append(dirs, dir)
	}
	for _, dir := range dirs {
		if err := s.publish(t.Context(), it, dir); err != nil {
			t.Fatal(err)
		}
		if d := s.done(it); d == nil || d.Verify(t.Context(), s.folder(it)) != nil {
			t.Fatal("it is not done")
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s is left", dir)
		}
	}
	names, _ := filepath.Glob(filepath.Join(out, "item0", "*"))
	if want := []string{filepath.Join(out, "item0", DoneFile), filepath.Join(out, "item0", "stem.wav")}; !slices.Equal(names, want) {
		t.Errorf("%v; want %v", names, want)
	}
}

// An item is not done by what was read of a file that changed meanwhile, whatever sum was taken of it.
func TestChangedIsNotDone(t *testing.T) {
	it := &Item{Input: []string{"a.wav"}, SHA256: []string{"aa"}}
	rec := &record.Record{Inputs: []record.File{{Path: "a.wav", SHA256: "aa", Bytes: 1}}}
	if err := newDone(it, "1").inputs(it, rec); err != nil {
		t.Fatal(err)
	}
	rec.Changed = []string{"a.wav"}
	if err := newDone(it, "1").inputs(it, rec); err == nil || !strings.Contains(err.Error(), "a.wav changed while it was read; want it left alone") {
		t.Errorf("error is %v", err)
	}
}
