package blocks

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
)

// Blocks are worked on in any order and emitted in theirs, each with its own slot.
func TestRunIsInOrder(t *testing.T) {
	for _, slots := range []int{1, 3, 100} {
		var got []int
		err := Run(t.Context(), 50, 7, slots, func() []int { return make([]int, 7) },
			func(_ context.Context, slot []int, first, n int) error {
				for i := range n {
					slot[i] = first + i
				}
				return nil
			},
			func(_ context.Context, slot []int, _, n int) error { got = append(got, slot[:n]...); return nil })
		if err != nil || len(got) != 50 || !slices.IsSorted(got) || got[49] != 49 {
			t.Errorf("%d slots: %v, %v; want 0 to 49 in order", slots, got, err)
		}
	}
}

// What goes wrong in a block ends the run: errors, panics, and a context that is done.
func TestRunEnds(t *testing.T) {
	none := func(context.Context, int, int, int) error { return nil }
	bad := errors.New("bad")
	fails := func(_ context.Context, _, first, _ int) error {
		if first == 20 {
			return bad
		}
		return nil
	}
	panics := func(context.Context, int, int, int) error { panic("ouch") }
	done, cancel := context.WithCancel(t.Context())
	cancel()
	slot := func() int { return 0 }
	if err := Run(t.Context(), 50, 10, 2, slot, fails, none); !errors.Is(err, bad) {
		t.Errorf("work fails: %v", err)
	}
	if err := Run(t.Context(), 50, 10, 2, slot, none, fails); !errors.Is(err, bad) {
		t.Errorf("emit fails: %v", err)
	}
	if err := Run(t.Context(), 50, 10, 2, slot, panics, none); err == nil || !strings.Contains(err.Error(), "panicked: ouch") {
		t.Errorf("work panics: %v", err)
	}
	if err := Run(done, 50, 10, 2, slot, none, none); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if err := Run(t.Context(), 0, 10, 2, slot, panics, panics); err != nil {
		t.Errorf("no frame: %v", err)
	}
}

func TestSize(t *testing.T) {
	for _, c := range []struct{ given, length, rows, share, total, want int }{
		{0, 1000, 1, 1, 1 << 20, 32}, {0, 1000, 1, 3, 1 << 20, 33}, {7, 1000, 1, 1, 1 << 20, 7}, {7, 1000, 1, 4, 1 << 20, 8},
		{1 << 30, 1000, 1, 1, 50, 50}, {0, 1000, 1, 3, 2, 3}, {0, 1 << 20, 1, 1, 100, 8}, {0, 1 << 20, 1024, 1, 100, 1}, {0, 1, 1, 1, 5000, 1024},
	} {
		if got := Size(WithSize(context.Background(), c.given), c.length, c.rows, c.share, c.total); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}
