package machine

import (
	"bufio"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"syscall"
)

func memory() (int64, bool) {
	n, ok := available(os.DirFS("/"))
	if left, limited := addresses(os.DirFS("/")); limited && (!ok || left < n) {
		n, ok = left, true
	}
	return n + held(), ok
}

// addresses is how much of its address space the process has left, where that is limited, as by
// ulimit -v: what it takes of it is more than what it takes of memory.
func addresses(root fs.FS) (int64, bool) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_AS, &limit); err != nil || limit.Cur > 1<<62 {
		return 0, false
	}
	return max(0, int64(limit.Cur)-fields(root, "proc/self/status")["VmSize:"]*1024), true
}

// available reads from the files of a Linux what is available: of the machine, and within the
// limits of the process's control groups.
func available(root fs.FS) (int64, bool) {
	least, ok := fields(root, "proc/meminfo")["MemAvailable:"]
	least *= 1024
	groups, _ := fs.ReadFile(root, "proc/self/cgroup")
	for line := range strings.Lines(string(groups)) {
		part := strings.SplitN(strings.TrimSpace(line), ":", 3) // number:controllers:path
		if len(part) < 3 {
			continue
		}
		switch {
		case part[1] == "": // version 2
			least, ok = within(root, "sys/fs/cgroup", part[2], "memory.max", "memory.current", "file", least, ok)
		case strings.Contains(","+part[1]+",", ",memory,"):
			least, ok = within(root, "sys/fs/cgroup/memory", part[2], "memory.limit_in_bytes", "memory.usage_in_bytes", "total_cache", least, ok)
		}
	}
	return least, ok
}

// within returns the lesser of least and what is left in a group and those around it. What files
// take in memory is given back when it is needed.
func within(root fs.FS, mount, group, limit, usage, cached string, least int64, ok bool) (int64, bool) {
	for dir := path.Clean("/" + group); ; dir = path.Dir(dir) {
		at := path.Join(mount, dir)
		if most, limited := number(root, path.Join(at, limit)); limited {
			used, _ := number(root, path.Join(at, usage))
			left := max(0, most-used+fields(root, path.Join(at, "memory.stat"))[cached])
			if !ok || left < least {
				least, ok = left, true
			}
		}
		if dir == "/" {
			return least, ok
		}
	}
}

// number reads a file that is a number. Where there is no limit the file says max.
func number(root fs.FS, name string) (int64, bool) {
	text, err := fs.ReadFile(root, name)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	return n, err == nil
}

// fields reads a file whose lines are a name and a number.
func fields(root fs.FS, name string) map[string]int64 {
	all := map[string]int64{}
	f, err := root.Open(name)
	if err != nil {
		return all
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if words := strings.Fields(lines.Text()); len(words) > 1 {
			if n, err := strconv.ParseInt(words[1], 10, 64); err == nil {
				all[words[0]] = n
			}
		}
	}
	return all
}
