//go:build unix

package serve

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestPipe asks for an input that is a pipe to which nobody writes: it is refused at once.
func TestPipe(t *testing.T) {
	s := server(t)
	if err := syscall.Mkfifo(filepath.Join(s.Dir, "inputs", "pipe.wav"), 0o600); err != nil {
		t.Skip(err)
	}
	if code, text := ask(t, s, "POST", "/v1/runs", []byte(`{"preset": "two", "input": "pipe.wav"}`)); code != 403 || !strings.Contains(text, "is no file") {
		t.Errorf("%d: %s; want it refused as no file", code, text)
	}
}

// TestOneServer has a folder for one server at a time, by whatever name it is called: the second is refused and leaves
// the first alone, and the next goes on numbering.
func TestOneServer(t *testing.T) {
	first := server(t)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(first.Dir, link); err != nil {
		t.Skip(err)
	}
	for _, dir := range []string{first.Dir, link} {
		if _, err := New(t.Context(), Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "another server has the folder") {
			t.Errorf("a second server in %s: %v; want it refused", dir, err)
		}
	}
	ask(t, first, "PUT", "/v1/inputs/song.wav", sound(t))
	if code, text := ask(t, first, "POST", "/v1/runs", []byte(`{"preset": "two", "input": "song.wav"}`)); code != 201 {
		t.Errorf("%d: %s; want it taken", code, text)
	}
	wait(t, first, 1)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	next, err := New(t.Context(), Options{Dir: link})
	if err != nil {
		t.Fatal(err)
	}
	defer next.Close()
	if next.next != 2 {
		t.Errorf("its first run is %d; want 2", next.next)
	}
}
