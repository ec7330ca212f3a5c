//go:build !unix

package plugins

import (
	"os"
	"os/exec"
)

func setProcess(*exec.Cmd) {}

func killGroup(p *os.Process) { p.Kill() }
