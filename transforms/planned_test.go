package transforms

import (
	"context"
	"errors"
	"testing"
)

// A plan of a million samples is not waited for once ctx is done, and what ctx says is told.
func TestPlannedIsCancelled(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	ctx, cancel := context.WithCancel(t.Context())
	begun := make(chan struct{})
	go func() {
		<-begun
		cancel()
	}()
	_, err := planned(ctx, 1<<20, func() int {
		close(begun)
		<-release
		return 1
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v; want that it is cancelled", err)
	}
	for _, m := range []int{4, 1 << 20} {
		if got, err := planned(t.Context(), m, func() int { return m }); got != m || err != nil {
			t.Errorf("%d, %v; want %d", got, err, m)
		}
	}
	for _, m := range []int{4, quickPlan + 1} {
		if _, err := (STFTParams{}).Transform(ctx, m); !errors.Is(err, context.Canceled) {
			t.Errorf("stft of %d: %v; want that it is cancelled", m, err)
		}
		if _, err := (DCTParams{Type: 2}).Transform(ctx, m); !errors.Is(err, context.Canceled) {
			t.Errorf("dct of %d: %v; want that it is cancelled", m, err)
		}
	}
}
