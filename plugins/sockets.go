package plugins

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/audiosep/audiosep/internal/whole"
)

// socketPrefix begins the names of folders with sockets; the host's process id follows.
const socketPrefix = "audiosep-host-"

// socketFolder makes a folder for a plugin's socket that only this user can enter. It
// also removes those that hosts left behind that were killed while a plugin started.
func socketFolder() (string, error) {
	base, short := os.TempDir(), false
	if len(base) > 30 && filepath.Separator == '/' {
		base, short = "/tmp", true // a socket's path may have 104 bytes on some systems
	}
	for _, dir := range whole.Named(base, socketPrefix+"*") {
		pid, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), socketPrefix), "-")
		if n, err := strconv.Atoi(pid); err == nil && n > 0 && gone(n) {
			os.RemoveAll(dir)
		}
	}
	name := fmt.Sprintf("%s%d-*", socketPrefix, os.Getpid())
	if short {
		return os.MkdirTemp(base, name)
	}
	return whole.TemporaryFolder(name)
}

// gone reports whether there is surely no process of that id.
func gone(pid int) bool {
	p, err := os.FindProcess(pid)
	if err != nil {
		return true
	}
	defer p.Release()
	err = p.Signal(syscall.Signal(0))
	return err == os.ErrProcessDone || err == syscall.ESRCH
}
