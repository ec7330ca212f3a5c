package garbage

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

var sink []byte

// asByDefault has the runtime collect as where nobody has set GOGC, which the tests may be run with.
func asByDefault(t *testing.T) {
	t.Setenv("GOGC", "")
	before := debug.SetGCPercent(100)
	t.Cleanup(func() {
		Bound(0)
		debug.SetGCPercent(before)
	})
}

// Beside much that is in use there is not much more garbage than the bound.
func TestBound(t *testing.T) {
	const bytes = 16 << 20
	asByDefault(t)
	inUse := make([]byte, 20*bytes)
	if Most(int64(len(inUse))) != int64(len(inUse)) {
		t.Errorf("without a bound %d bytes may be garbage; want as many as are in use", Most(int64(len(inUse))))
	}
	Bound(bytes)
	runtime.GC()
	time.Sleep(2 * moment)
	var m runtime.MemStats
	most := uint64(0)
	for range 100 {
		for range 10 {
			sink = make([]byte, 1<<20)
		}
		runtime.ReadMemStats(&m)
		most = max(most, m.HeapAlloc)
	}
	runtime.KeepAlive(inUse)
	if limit := uint64(len(inUse) * 3 / 2); most > limit { // twice without a bound; on a busy machine a collection is late
		t.Errorf("%d bytes are in memory; want at most %d", most, limit)
	}
}

func TestMost(t *testing.T) {
	asByDefault(t)
	Bound(64 << 20)
	for inUse, want := range map[int64]int64{0: 0, 1 << 20: 1 << 20, 64 << 20: 64 << 20, 1 << 30: 64 << 20, 100 << 30: 5 << 30} {
		if got := Most(inUse); got < want-100 || got > want {
			t.Errorf("beside %d bytes %d may be garbage; want %d", inUse, got, want)
		}
	}
	for inUse, want := range map[int64]int{0: 100, 4 << 20: 100, 128 << 20: 50, 100 << 30: 5} {
		if got := percentFor(inUse); got < want-1 || got > want {
			t.Errorf("beside %d bytes the percent is %d; want %d", inUse, got, want)
		}
	}
}
