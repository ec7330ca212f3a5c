//go:build !js

package helper

import (
	"os"
	"syscall"
)

// endings are the signals that end a program.
var endings = []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}
