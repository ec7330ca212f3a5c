package machine

import "golang.org/x/sys/unix"

// memory returns what the machine has: what is free is not told, and what others have in memory
// can be compressed or put away.
func memory() (int64, bool) {
	n, err := unix.SysctlUint64("hw.memsize")
	return int64(n), err == nil
}
