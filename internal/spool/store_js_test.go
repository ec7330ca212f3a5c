package spool

import "testing"

// In a browser more than there may be in memory is refused, and nothing is lost without a word.
func TestFullMemory(t *testing.T) {
	tape := &Tape{size: inMemory} // whose bytes are of no interest
	if n, err := tape.Write([]byte("two")); n != 0 || err == nil {
		t.Errorf("%d bytes were written, %v; want an error", n, err)
	}
	if _, err := New(2, inMemory/8); err == nil {
		t.Error("two rows take twice the memory there may be; want an error")
	}
	s, err := newStore(4)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := s.WriteAt([]byte("five!"), 2); n != 2 || err == nil {
		t.Errorf("%d bytes were written, %v; want 2 and an error", n, err)
	}
	if n, err := s.WriteAt([]byte("a"), 5); n != 0 || err == nil {
		t.Errorf("%d bytes were written behind the end, %v; want an error", n, err)
	}
	if n, err := s.ReadAt(make([]byte, 1), 5); n != 0 || err == nil {
		t.Errorf("%d bytes were read behind the end, %v; want an error", n, err)
	}
}
