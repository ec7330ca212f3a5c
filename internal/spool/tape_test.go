package spool

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
)

// TestTape: what is written is read again from anywhere, in memory and beyond, and not more is
// kept than may be.
func TestTape(t *testing.T) {
	for _, size := range []int{0, 10, inMemory, inMemory + 1, inMemory + 3<<20} {
		want := make([]byte, size)
		rng := rand.New(rand.NewPCG(1, 1))
		for i := range want {
			want[i] = byte(rng.Uint32())
		}
		tape := &Tape{Most: int64(size)}
		for rest := want; len(rest) > 0; {
			n := min(len(rest), 1<<20-7)
			if _, err := tape.Write(rest[:n]); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if size > 0 { // Most 0 is no bound
			if _, err := tape.Write([]byte{1}); !errors.Is(err, ErrFull) {
				t.Errorf("%d bytes and one more: %v; want %v", size, err, ErrFull)
			}
		}
		for _, at := range []int{0, size / 2, max(0, size-5), size, size + 9} {
			got := make([]byte, 100)
			n, err := tape.ReadAt(got, int64(at))
			end := min(size, at+100)
			if at > end {
				end = at
			}
			if !bytes.Equal(got[:n], want[min(at, size):min(end, size)]) || (err == io.EOF) != (n < len(got)) {
				t.Errorf("at %d of %d: %d bytes, %v", at, size, n, err)
			}
		}
		if err := tape.Close(); err != nil {
			t.Error(err)
		}
	}
}
