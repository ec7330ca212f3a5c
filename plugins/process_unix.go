//go:build unix && !linux

package plugins

import (
	"os"
	"os/exec"
	"syscall"
)

// setProcess puts the child into a process group of its own, so that the whole of it
// can be killed and Ctrl-C is the host's to handle.
func setProcess(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func killGroup(p *os.Process) { syscall.Kill(-p.Pid, syscall.SIGKILL) }
