package batch

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/audiosep/audiosep/batch/helper"
)

// ahead is when a lease was refreshed by a clock that has been set back since.
func ahead(r *rand.Rand) time.Time {
	return time.Date(2099, 1, 1, 0, 0, r.IntN(1e9), 0, time.UTC)
}

// elsewhere writes the lease of a holder on another machine into a folder of results, as of a time.
func elsewhere(t *testing.T, out string, it *Item, at time.Time) {
	t.Helper()
	path := filepath.Join(out, stateFolder, "leases", it.key())
	text, _ := json.Marshal(holder{"elsewhere", 77})
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

// A lease of another machine is held to be void when, and not before, its sign of life has been the same for the time
// to live since it was seen first, in a folder, in a store and by a queue alike: whatever time the sign has, and
// however often and when somebody looks.
func TestSilent(t *testing.T) {
	const ttl = time.Hour
	it := items(1)[0]
	for name, kind := range map[string]func(t *testing.T, r *rand.Rand) (sign func(), void func() bool){
		"folder": func(t *testing.T, r *rand.Rand) (func(), func() bool) {
			s, err := newState(t.TempDir(), "here", ttl)
			if err != nil {
				t.Fatal(err)
			}
			return func() { elsewhere(t, s.out, it, ahead(r)) }, tryTake(t, s, it)
		},
		"store": func(t *testing.T, _ *rand.Rand) (func(), func() bool) {
			m := newMemory()
			f := &far{ctx: t.Context(), url: "mem://b", store: m, scratch: &scratch{}, host: "here", ttl: ttl}
			if err := f.ready(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { f.scratch.close() })
			text, _ := json.Marshal(farHolder{Host: "elsewhere", Token: "other"})
			return func() { m.Write(t.Context(), f.of(it, "leases"), text, helper.Only{}) }, tryTake(t, f, it)
		},
		"queue": func(t *testing.T, r *rand.Rand) (func(), func() bool) {
			d := &dispatcher{runner: &runner{Options: Options{Lease: ttl}}}
			if !d.silent(it, time.Time{}) {
				t.Error("what has no lease is not silent")
			}
			var at time.Time
			return func() { at = ahead(r) }, func() bool { return d.silent(it, at) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := rand.New(rand.NewPCG(1, 2))
				sign, void := kind(t, r)
				sign()
				first, takes := time.Time{}, 0 // when it was seen as it is
				for i := range 1000 {
					if r.IntN(6) == 0 {
						sign()
						first = time.Time{}
					}
					time.Sleep([]time.Duration{0, time.Minute, ttl / 2, ttl - 1, ttl, 3 * ttl}[r.IntN(6)])
					want := !first.IsZero() && time.Since(first) >= ttl
					if first.IsZero() {
						first = time.Now()
					}
					if got := void(); got != want {
						t.Fatalf("look %d, %v after the first at the same sign: void %v; want %v", i, time.Since(first), got, want)
					}
					if want {
						takes++
						sign()
						first = time.Time{}
					}
				}
				if takes < 50 {
					t.Errorf("it was void %d times; want more, or this tells nothing", takes)
				}
			})
		})
	}
}

// tryTake takes the lease of an item, and gives it back if it is got.
func tryTake(t *testing.T, s results, it *Item) func() bool {
	return func() bool {
		t.Helper()
		l, ok, err := s.take(it)
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			l.release()
		}
		return ok
	}
}

// A run waits for the leases of those who were killed on another machine for the time to live at most, and not at all
// if that is over by the clock of the file system. Nothing of theirs is left.
func TestRunTakesOver(t *testing.T) {
	const ttl = time.Hour
	for name, c := range map[string]struct {
		at       time.Time
		from, to time.Duration
	}{
		"long ago": {time.Now().Add(-2 * ttl), 0, time.Minute},
		"2099":     {ahead(rand.New(rand.NewPCG(1, 2))), ttl, ttl + time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				out, all := t.TempDir(), items(3)
				if _, err := newState(out, "", 0); err != nil {
					t.Fatal(err)
				}
				for _, it := range all {
					elsewhere(t, out, it, c.at)
				}
				left := filepath.Join(out, stateFolder, "leases", "clock-1")
				if err := os.WriteFile(left, nil, 0o600); err != nil {
					t.Fatal(err)
				}
				if err := os.Chtimes(left, c.at, c.at); err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				run(t, t.Context(), all, Options{Out: out, Lease: ttl, Worker: by(nil)}, ExitDone)
				if took := time.Since(start); took < c.from || took > c.to {
					t.Errorf("it took %v; want %v to %v", took, c.from, c.to)
				}
				complete(t, all, out)
			})
		})
	}
}
