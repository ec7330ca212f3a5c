//go:build unix

package serve

import (
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
