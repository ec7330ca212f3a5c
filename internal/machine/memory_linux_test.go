package machine

import (
	"runtime"
	"testing"
	"testing/fstest"
)

func TestAvailable(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	meminfo := file("MemTotal:       16000 kB\nMemFree:         1000 kB\nMemAvailable:    8000 kB\n")
	for _, c := range []struct {
		name string
		fs   fstest.MapFS
		want int64
		ok   bool
	}{
		{"nothing is known", fstest.MapFS{}, 0, false},
		{"no group", fstest.MapFS{"proc/meminfo": meminfo}, 8000 << 10, true},
		{"no limit", fstest.MapFS{"proc/meminfo": meminfo, "proc/self/cgroup": file("0::/a/b\n"), "sys/fs/cgroup/a/b/memory.max": file("max\n")}, 8000 << 10, true},
		// The limit is that of the group around; of 5 MB 3 are taken, one of them by files.
		{"version 2", fstest.MapFS{"proc/meminfo": meminfo, "proc/self/cgroup": file("0::/a/b\n"),
			"sys/fs/cgroup/a/memory.max": file("5000000\n"), "sys/fs/cgroup/a/memory.current": file("3000000\n"),
			"sys/fs/cgroup/a/memory.stat": file("anon 2000000\nfile 1000000\n")}, 3000000, true},
		{"version 1", fstest.MapFS{"proc/meminfo": meminfo, "proc/self/cgroup": file("5:cpu,memory:/x\n1:name=systemd:/x\n"),
			"sys/fs/cgroup/memory/x/memory.limit_in_bytes": file("4000000\n")}, 4000000, true},
		{"a limit above what there is", fstest.MapFS{"proc/meminfo": meminfo, "proc/self/cgroup": file("0::/\n"), "sys/fs/cgroup/memory.max": file("99999999999\n")}, 8000 << 10, true},
	} {
		if got, ok := available(c.fs); got != c.want || ok != c.ok {
			t.Errorf("%s: %d, %v; want %d, %v", c.name, got, ok, c.want, c.ok)
		}
	}
}

func TestMachine(t *testing.T) {
	if bytes, ok := Memory(); !ok || bytes < 1<<20 {
		t.Errorf("memory is %d, %v; want what this machine has", bytes, ok)
	}
	if s := Speed(); !(s >= plainSpeed && s < 1e12*float64(runtime.GOMAXPROCS(0))) {
		t.Errorf("the speed is %g; want what processors of today make", s)
	}
}
