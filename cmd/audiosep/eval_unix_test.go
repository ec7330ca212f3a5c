//go:build unix

package main

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A pipe with no writer is refused, not waited for.
func TestEvalRefusesPipes(t *testing.T) {
	ref, est := pairs(t)
	pipe := filepath.Join(t.TempDir(), "a.wav")
	if err := syscall.Mkfifo(pipe, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"-r", ref, "-e", filepath.Dir(pipe)}, {"-r", ref, "-e", est, "--mixture", pipe}} {
		if _, err := evalOutput(args...); err == nil || !strings.Contains(err.Error(), "a.wav is no regular file") {
			t.Errorf("%v: %v; want a refusal", args, err)
		}
	}
}
