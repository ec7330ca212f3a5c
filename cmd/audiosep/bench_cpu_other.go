//go:build !unix

package main

import (
	"os"
	"time"
)

// processorTime is not known here.
func processorTime() time.Duration { return 0 }

// mostMemory is not known here.
func mostMemory(*os.ProcessState) (int64, bool) { return 0, false }
