//go:build unix

package whole

import (
	"context"
	"errors"
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
	if _, err := OpenPipe(t.Context(), pipe); err == nil || !strings.Contains(err.Error(), "nobody writes") {
		t.Errorf("of a pipe that nobody writes to: %v", err)
	}
	patience = time.Hour
	done, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := OpenPipe(done, pipe); !errors.Is(err, context.Canceled) {
		t.Errorf("of a context that is done: %v; want %v", err, context.Canceled)
	}
	read := make(chan struct{})
	go func() { // the reader that was given up opens it too
		if f, err := os.OpenFile(pipe, os.O_WRONLY, 0); err == nil {
			<-read
			f.Close()
		}
	}()
	f, err := OpenPipe(t.Context(), pipe)
	close(read)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
}

// ReadFile reads a file whole and does not wait for a pipe.
func TestReadFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	if err := os.WriteFile(path, []byte("text"), 0o666); err != nil {
		t.Fatal(err)
	}
	if text, err := ReadFile(path); err != nil || string(text) != "text" {
		t.Errorf("%q, %v; want the file's text", text, err)
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFile(pipe); err == nil || !strings.Contains(err.Error(), "no regular file") {
		t.Errorf("of a pipe: %v; want it refused", err)
	}
}
