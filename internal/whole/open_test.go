//go:build unix

package whole

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A pipe is opened when somebody writes to it, and given up when nobody does.
func TestOpenPipe(t *testing.T) {
	defer func(was time.Duration) { patience = was }(patience)
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o666); err != nil {
		t.Fatal(err)
	}
	patience = time.Millisecond
	if _, err := OpenPipe(pipe); err == nil || !strings.Contains(err.Error(), "nobody writes") {
		t.Errorf("of a pipe that nobody writes to: %v", err)
	}
	patience = time.Hour
	go os.WriteFile(pipe, []byte("x"), 0) // which the reader that was given up may take, or this one
	f, err := OpenPipe(pipe)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
}
