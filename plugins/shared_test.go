//go:build unix

package plugins

import (
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/audiosep/audiosep"
	"github.com/audiosep/audiosep/internal/lend"
)

func newTestArena(t *testing.T) *arena {
	a := newArena()
	if a == nil {
		t.Skip("no shared memory here")
	}
	t.Cleanup(a.close)
	return a
}

// TestArena takes and gives back regions at random: they never overlap, and when all are
// back the arena is whole again.
func TestArena(t *testing.T) {
	a := newTestArena(t)
	whole := slices.Clone(a.free)
	rng := rand.New(rand.NewPCG(1, 2))
	var out []*region
	for i := range 3000 {
		if len(out) > 0 && (i > 2500 || rng.IntN(2) == 0) {
			k := rng.IntN(len(out))
			a.giveBack(out[k])
			out = slices.Delete(out, k, k+1)
			continue
		}
		n := 1 + rng.IntN(5000)
		r := a.take(n)
		if r == nil {
			t.Fatal("there is no room")
		}
		if x := a.numbers(r, n); r.at%regionAlign != 0 || r.at < pageBytes || len(x) != n {
			t.Fatalf("%d numbers at %d; want %d", len(x), r.at, n)
		}
		for _, o := range out {
			if r.at < o.at+o.bytes && o.at < r.at+r.bytes {
				t.Fatalf("%+v overlaps %+v", r, o)
			}
		}
		out = append(out, r)
	}
	for _, r := range out {
		a.giveBack(r)
	}
	if !slices.Equal(a.free, whole) {
		t.Errorf("free are %v; want %v", a.free, whole)
	}
	if a.take(len(a.memory)/16) != nil || a.take(0) != nil {
		t.Error("there is room for everything, or for nothing")
	}
}

// TestArenaLost never gives out again what a plugin may still write to.
func TestArenaLost(t *testing.T) {
	a := newTestArena(t)
	r := a.take(100)
	a.lose(r)
	a.giveBack(r)
	if again := a.take(100); again.at < r.at+r.bytes {
		t.Errorf("a lost region at %d is taken again at %d", r.at, again.at)
	}
}

// TestArenaClosed keeps memory that is out until it is back.
func TestArenaClosed(t *testing.T) {
	a := newTestArena(t)
	r := a.take(100)
	x := a.numbers(r, 100)
	a.close()
	x[99] = 1 // a fault if it were gone
	if a.take(1) != nil {
		t.Error("a closed arena has room")
	}
	if !a.hold() {
		t.Error("memory that is out cannot be held")
	}
	if a.giveBack(r); a.memory == nil {
		t.Error("memory that is held is not mapped")
	}
	if a.letGo(); a.memory != nil || a.hold() {
		t.Error("the memory is still mapped")
	}
}

// TestArenaClosedAtWork has an arena be closed, and its memory go, while others take from it. It is for the race
// detector.
func TestArenaClosedAtWork(t *testing.T) {
	a := newTestArena(t)
	var all sync.WaitGroup
	var stop atomic.Bool
	last := a.take(8)
	for range 4 {
		all.Go(func() {
			for !stop.Load() {
				if r := a.take(8); r != nil {
					a.giveBack(r)
				}
			}
		})
	}
	a.close()
	time.Sleep(time.Millisecond) // in which they try
	a.giveBack(last)
	time.Sleep(time.Millisecond)
	stop.Store(true)
	all.Wait()
	if a.take(8) != nil || a.memory != nil {
		t.Error("there is memory; want none once nobody uses it")
	}
}

// TestParcel copies nothing that stands in lent memory, in one piece or in adjacent parts.
func TestParcel(t *testing.T) {
	a := newTestArena(t)
	r := a.take(100)
	x := a.numbers(r, 100)
	c := &parcel{arena: a}
	for _, parts := range [][][]float64{{x}, {x[3:50]}, {x[:10], x[10:30], x[30:31]}} {
		put, room := c.put(parts...), c.room("x", parts...)
		at := uint64(r.at + 8*(100-cap(parts[0])))
		if put.Offset != at || put.Data != nil || room.array.Offset != at {
			t.Errorf("put at %d, room at %d; want %d", put.Offset, room.array.Offset, at)
		}
	}
	if len(c.taken) != 0 {
		t.Errorf("%d regions are taken; want none", len(c.taken))
	}
	for _, parts := range [][][]float64{{make([]float64, 5)}, {x[:3], x[4:6]}, {x[3:4], x[:3]}, {x[:3], make([]float64, 2)}} {
		if put := c.put(parts...); put.Offset == 0 || slices.Contains(a.out[:1], c.taken[len(c.taken)-1]) {
			t.Errorf("put at %d; want a region of its own", put.Offset)
		} else if got := a.numbers(c.taken[len(c.taken)-1], int(put.Count)); !slices.Equal(got, slices.Concat(parts...)) {
			t.Errorf("%v was put; want %v", got, parts)
		}
	}
	c.giveBack(nil)
	if len(a.out) != 1 || r.lost {
		t.Errorf("%d regions are out, lost %v; want the one that was lent", len(a.out), r.lost)
	}
}

// TestLent transforms numbers where they stand and gets the same as from elsewhere, in Go, in
// Python, and without shared memory.
func TestLent(t *testing.T) {
	t.Parallel()
	for _, p := range []string{"good", "unshared", "snakes"} {
		t.Run(p, func(t *testing.T) {
			if p == "snakes" {
				needPython(t)
			}
			h := newTestHost(t, Options{Folders: []string{"testdata"}}, "good", "unshared")
			for _, stage := range []string{"reverse", "padded"} {
				tr, err := build[audiosep.Transformer](t, h, p, stage, "").Transform(t.Context(), 6)
				if err != nil {
					t.Fatal(err)
				}
				const n = 7
				y := random(stage, n*6)
				want := audiosep.MakeCoefs(tr, n)
				if err := tr.Forward(t.Context(), want, y); err != nil {
					t.Fatal(err)
				}
				lent := func(k int) []float64 {
					x, back := tr.(lend.Lender).Lend(k)
					t.Cleanup(back)
					return x
				}
				in, back, x := lent(n*6), lent(n*6), audiosep.Coefs{Re: lent(n * tr.Bins())}
				if tr.Complex() {
					x.Im = lent(n * tr.Bins())
				}
				copy(in, y)
				if err := tr.Forward(t.Context(), x, in); err != nil || !slices.Equal(x.Re, want.Re) || !slices.Equal(x.Im, want.Im) {
					t.Errorf("%s: %v, %v; want %v", stage, err, x, want)
				}
				if err := tr.Inverse(t.Context(), back, x); err != nil || !nearly(back, y) {
					t.Errorf("%s back: %v, %v; want %v", stage, err, back, y)
				}
				if !slices.Equal(in, y) {
					t.Errorf("%s: the frames were written to", stage)
				}
			}
			h.Close() // lent memory outlives the host
		})
	}
}

func nearly(x, y []float64) bool {
	for i := range x {
		if d := x[i] - y[i]; d*d > 1e-24 {
			return false
		}
	}
	return len(x) == len(y)
}

// TestLentLost has a plugin end while it works on lent memory, which stays readable and is
// not lent again; and NaN in lent memory is found.
func TestLentLost(t *testing.T) {
	for how, want := range map[string]string{"exit": "ended while in forward", "nan": "re has NaN or infinity"} {
		h := newTestHost(t, Options{}, "misbehaving")
		tr, err := build[audiosep.Transformer](t, h, "misbehaving", "bad", `{"how": "`+how+`"}`).Transform(t.Context(), 4)
		if err != nil {
			t.Fatal(err)
		}
		r := tr.(*remoteTransform)
		y, backY := r.Lend(4)
		x, backX := r.Lend(4)
		copy(y, []float64{1, 2, 3, 4})
		err = tr.Forward(t.Context(), audiosep.Coefs{Re: x}, y)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %s", how, err, want)
		}
		shared := r.arena
		if region, _ := shared.find(x); region == nil || !region.lost {
			t.Errorf("%s: what was being written is not lost", how)
		}
		x[3] = y[3]
		backY()
		backX()
		if err := h.Close(); err != nil {
			t.Error(err)
		}
		if shared.memory != nil {
			t.Errorf("%s: the memory is still mapped", how)
		}
		nothingLeft(t, h)
	}
}
